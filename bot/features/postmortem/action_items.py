"""Action items: the command, the form, the list with its *Done* buttons, and what is said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from bot.features.postmortem import action_item_owners as owners
from bot.framework.entry_messages import shown, told_message
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.reading import find_day
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.times import day_text
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.views import EntryView, IncidentView, get_incident_view
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.action_items import (
    MAX_TEXT,
    ActionItemView,
    action_items_of,
    add_action_item,
    complete_action_item,
)
from incidents.postmortem.entries import ActionItemAdded, ActionItemAssigned, ActionItemEntry

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
    due = f", due {day_text(item.due_on)}" if item.due_on else ""
    state = "done, " if item.is_done else ""
    return f"{item.number}. {mentions.escape_line(item.text)} ({state}{owner}{due})"


def added(outcome: Outcome) -> blocks.Message:
    """Return what whoever added an action item is told."""
    data = outcome.data
    day = data["due_on"]
    due = f", due {day_text(date.fromisoformat(day))}" if day else ", with no date"
    owner = mentions.escape_line(data["owner"] or "nobody yet")
    return say(
        f"Added action item {data['number']} of {data['reference']}: "
        f"{mentions.escape_line(data['text'])} "
        f"({owner}{due})."
    )


def item_given(item: ActionItemEntry, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say which action item was added, or who has it now."""
    return told_message(entry, incident, _done_button(item, incident))


def item_told(item: ActionItemEntry, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Tell the owner directly what was given to them."""
    where = f" {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    owner = mentions.escape_line(item.owner.name) if item.owner else "nobody yet"
    due = f", due {day_text(item.due_on)}" if item.due_on else ""
    text = (
        f"{mentions.escape_line(entry.actor_name)} gave you action item {item.number}: "
        f"{mentions.escape_line(item.text)} ({owner}{due}). "
        f"It follows from {incident.reference} ({mentions.escape_line(incident.title)}){where}."
    )
    row = blocks.actions(_done_button(item, incident))
    return blocks.Message(text=text, blocks=(blocks.section(text), row))


def _done_button(item: ActionItemEntry, incident: IncidentView) -> blocks.ButtonElement:
    value = f"{incident.id}|{item.number}"
    return blocks.button("Done", action_id="action_item_done", value=value)


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
    entries=dict((shown(ActionItemAdded, item_given), shown(ActionItemAssigned, item_given))),
    direct_entries=dict((shown(ActionItemAdded, item_told), shown(ActionItemAssigned, item_told))),
)
