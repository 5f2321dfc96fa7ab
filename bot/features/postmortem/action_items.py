"""Action items: the command, the form, the list with its *Done* buttons, and what is said."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.postmortem import action_item_owners as owners
from bot.features.postmortem.messages import day_text
from bot.framework.entry_messages import Ending
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.reading import find_day
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, get_incident_view
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.action_items import (
    MAX_TEXT,
    ActionItem,
    ActionItemStatus,
    ActionItemView,
    action_items_of,
    add_action_item,
    complete_action_item,
)

EXAMPLE = "action @someone by 5d Alert when the queue is older than 5 minutes"
DAY_EXAMPLE = "2026-12-01, or 5d"

MOST_SHOWN = 20

_NUMBER = re.compile(r"\d+[\w-]*")


@dataclass(frozen=True, slots=True)
class TypedItem:
    """An action item as typed after the command."""

    owner: Named
    due_on: date | None
    text: str


def parse_action(text: str, *, now: datetime, zone: str, me: Named | None) -> TypedItem:
    """Return the action item that `@owner [by 2026-12-01|5d] text` is.

    Raises: InvalidInput for a missing or unknown owner, for two, or a date that can't be read.
    """
    who, _, rest = text.strip().partition(" ")
    user_id = mentions.parse_user(who)
    owner = Named(user_id) if user_id else me if who.casefold() == "me" else None
    if owner is None:
        raise InvalidInput("owner", "not_a_person" if who else "empty", EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("owner", "one_at_a_time", EXAMPLE)
    by, _, after = rest.strip().partition(" ")
    due_on: date | None = None
    if by.casefold() == "by":
        day, _, wording = after.strip().partition(" ")
        due_on = find_day(day, now=now, zone=zone)
        # `by hand` is text; what begins with a figure was meant as a date.
        if due_on is None and _NUMBER.fullmatch(day):
            raise InvalidInput("due_on", "isn't a date we can read", DAY_EXAMPLE)
        if due_on is not None:
            rest = wording
    return TypedItem(owner, due_on, mentions.plain(rest))


async def action_command(request: Request) -> Reply:
    """Add an action item, or give one to somebody; open the form when nothing is given."""
    if not request.words.text.strip():
        return await _open_form(request, request.incident_ref())
    actor = request.actor
    me = Named(actor.external_id, actor.name) if actor.external_id else None
    giving = owners.find_giving(request.words.text, me=me)
    if giving is not None:
        return await owners.give(request, giving)
    typed = parse_action(request.words.text, now=request.now, zone=actor.zone, me=me)
    use_case = partial(
        add_action_item,
        ref=request.incident_ref(),
        text=typed.text,
        owner=typed.owner,
        due_on=typed.due_on,
    )
    return Say(added(await request.transact(use_case)))


async def actions_command(request: Request) -> Reply:
    """List the incident's action items."""
    return Say(await _list(request, request.incident_ref()))


async def open_pressed(request: Request) -> Reply:
    """Open the form to add an action item."""
    return await _open_form(request, request.incident_of_value())


async def submitted(request: Request) -> Reply:
    """Add an action item from the form; wrong input is answered in its field."""
    form = request.form
    typed_day = form.text("due_on")
    due_on = find_day(typed_day, now=request.now, zone=request.actor.zone)
    if typed_day and due_on is None:
        text = invalid_text("due_on", "isn't a date we can read", DAY_EXAMPLE)
        return FieldErrors({"due_on": text})
    chosen = form.user("owner")
    use_case = partial(
        add_action_item,
        ref=request.incident_of_metadata(),
        text=form.text("text"),
        owner=Named(chosen) if chosen else None,
        due_on=due_on,
    )
    try:
        await request.transact(use_case)
    except InvalidInput as error:
        field = "owner" if error.field == "person" else error.field
        return FieldErrors({field: invalid_text(field, error.problem, error.example)})
    return None


async def done_pressed(request: Request) -> Reply:
    """Mark an action item as done from the message that told of it."""
    outcome = await _complete(request)
    return Say(say(f"Action item {outcome.data['number']} of {outcome.data['reference']} is done."))


async def done_in_list_pressed(request: Request) -> Reply:
    """Mark an action item as done from the list, and show the list as it is now."""
    await _complete(request)
    return Say(await _list(request, request.incident_of_value()), replaces=True)


async def _complete(request: Request) -> Outcome:
    number = request.value.partition("|")[2]
    if not number.isdecimal():
        raise InvalidInput("action_item", "unknown")
    use_case = partial(complete_action_item, ref=request.incident_of_value(), number=int(number))
    return await request.transact(use_case)


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    incident = await view_for_form(request, ref, action=Action.MANAGE_ACTION_ITEMS)
    await request.open_view(item_form(incident, initial_owner=request.actor.external_id))
    return None


async def _list(request: Request, ref: IncidentRef) -> blocks.Message:
    async with request.services.database.reading() as session:
        incident = await get_incident_view(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )
        items = await action_items_of(session, incident.id)
    return item_list(incident, items)


def item_form(incident: IncidentView, *, initial_owner: str | None) -> blocks.View:
    """Return the form to add an action item; `initial_owner` is a user id."""
    return blocks.modal(
        "Add an action item",
        blocks=[
            blocks.context(mentions.escape_line(f"{incident.reference} {incident.title}")),
            blocks.text_input(
                "text",
                label="What will change?",
                placeholder="Alert when the queue is older than 5 minutes",
                max_length=MAX_TEXT,
            ),
            blocks.user_select("owner", label="Owner", initial=initial_owner),
            blocks.text_input(
                "due_on",
                label="Due",
                optional=True,
                placeholder="5d",
                hint="A date such as 2026-12-01, or days from today such as 5d.",
                max_length=20,
            ),
        ],
        callback_id="action_item_submit",
        submit="Add",
        private_metadata=remember(incident),
    )


def item_list(incident: IncidentView, items: Sequence[ActionItemView]) -> blocks.Message:
    """Return the action items, the open ones first, each with a *Done* button."""
    ordered = sorted(items, key=lambda item: (item.is_done, item.number))
    shown = ordered[:MOST_SHOWN]
    open_count = sum(not item.is_done for item in items)
    lead = f"*Action items of {incident.reference}*: {open_count} open, {len(items)} in all."
    left_out = len(ordered) - len(shown)
    rest = [f"{left_out} more are in the postmortem."] if left_out else []
    buttons = [
        blocks.button("Add an action item", action_id="action_item_open", value=str(incident.id))
    ]
    if open_count:
        give = blocks.button("Give to…", action_id="action_item_give_open", value=str(incident.id))
        buttons.append(give)
    return blocks.Message(
        text="\n".join([lead, *(_line(item) for item in ordered)]),
        blocks=(
            blocks.section(lead),
            *(_row(incident, item) for item in shown),
            *(blocks.context(text) for text in rest),
            blocks.actions(*buttons),
        ),
    )


def _row(incident: IncidentView, item: ActionItemView) -> blocks.Block:
    if item.is_done:
        return blocks.section(_line(item))
    done = blocks.button(
        "Done", action_id="action_item_done_in_list", value=f"{incident.id}|{item.number}"
    )
    return blocks.section(_line(item), accessory=done)


def _line(item: ActionItemView) -> str:
    owner = mentions.escape_line(item.owner.name) if item.owner else "nobody yet"
    due = f", due {day_text(item.due_on.isoformat())}" if item.due_on else ""
    state = "done, " if item.is_done else ""
    return f"{item.number}. {mentions.escape_line(item.text)} ({state}{owner}{due})"


def added(outcome: Outcome) -> blocks.Message:
    """Return what whoever added an action item is told."""
    data = outcome.data
    due = f", due {day_text(data['due_on'])}" if data["due_on"] else ", with no date"
    owner = mentions.escape_line(data["owner"] or "nobody yet")
    return say(
        f"Added action item {data['number']} of {data['reference']}: "
        f"{mentions.escape_line(data['text'])} "
        f"({owner}{due})."
    )


def item_added(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say which action item was added, or who has it now."""
    verb = "assigned" if entry.kind == EntryKind.ACTION_ITEM_ASSIGNED else "added"
    text = f"{incident.reference}: {mentions.escape_line(entry.actor_name)} {verb} {_entry_item(entry)}"
    return _with_done(text, entry, incident)


def item_told(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Tell the owner directly what was given to them."""
    where = f" {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    text = (
        f"{mentions.escape_line(entry.actor_name)} gave you {_entry_item(entry)} "
        f"It follows from {incident.reference} ({mentions.escape_line(incident.title)}){where}."
    )
    return _with_done(text, entry, incident)


def item_done(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say that an action item is done."""
    text = (
        f"{mentions.escape_line(entry.actor_name)} finished action item {entry.text('number')} of "
        f"{incident.reference}: {mentions.escape_line(entry.text('text'))}"
    )
    return say(text)


async def item_ending(
    session: AsyncSession, entry: EntryView, _incident: IncidentView
) -> Ending | None:
    """Return that the action item is done, or who has it by now."""
    item = await session.get_one(ActionItem, uuid.UUID(entry.text("action_item_id")))
    if item.status == ActionItemStatus.DONE:
        done_by = await session.get(Person, item.done_by_id) if item.done_by_id else None
        by = f" by {mentions.escape_line(done_by.name)}" if done_by else ""
        at = f" {mentions.date(item.done_at)}" if item.done_at else ""
        return Ending(f"*Done*{by}{at}.")
    if item.owner_id is None or str(item.owner_id) == entry.text("owner_id"):
        return None
    owner = await session.get_one(Person, item.owner_id)
    return Ending(f"{mentions.escape_line(owner.name)} has it now.", is_final=False)


def _entry_item(entry: EntryView) -> str:
    owner = mentions.escape_line(entry.text("owner")) or "nobody yet"
    due = f", due {day_text(entry.text('due_on'))}" if entry.text("due_on") else ""
    number, text = entry.text("number"), mentions.escape_line(entry.text("text"))
    return f"action item {number}: {text} ({owner}{due})."


def _with_done(text: str, entry: EntryView, incident: IncidentView) -> blocks.Message:
    done = blocks.button(
        "Done", action_id="action_item_done", value=f"{incident.id}|{entry.text('number')}"
    )
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(done)))


FEATURE = Feature(
    name="action_items",
    commands=(
        Command(
            name="action",
            usage="action @someone [by 2026-12-01|5d] text, or: action 2 @someone",
            summary="Add follow-up work with one owner, or give it to another; without text, a form.",
            handler=action_command,
            examples=(EXAMPLE, "action 2 @someone"),
            is_once_a_minute=True,
        ),
        Command(
            name="actions",
            usage="actions",
            summary="The incident's action items, with buttons to finish them.",
            handler=actions_command,
        ),
    ),
    actions={
        "action_item_open": open_pressed,
        "action_item_give_open": owners.give_pressed,
        "action_item_done": done_pressed,
        "action_item_done_in_list": done_in_list_pressed,
    },
    views={
        "action_item_submit": submitted,
        "action_item_give_submit": owners.give_submitted,
    },
    entries={
        EntryKind.ACTION_ITEM_ADDED: item_added,
        EntryKind.ACTION_ITEM_ASSIGNED: item_added,
        EntryKind.ACTION_ITEM_DONE: item_done,
    },
    direct_entries={
        EntryKind.ACTION_ITEM_ADDED: item_told,
        EntryKind.ACTION_ITEM_ASSIGNED: item_told,
    },
    endings={
        EntryKind.ACTION_ITEM_ADDED: item_ending,
        EntryKind.ACTION_ITEM_ASSIGNED: item_ending,
    },
)
