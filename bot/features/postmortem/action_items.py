"""Action items: the command, the form, the list with *Done* buttons, and the messages."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.postmortem import action_item_owners as owners
from bot.features.postmortem.due_days import due_in
from bot.framework.arguments import NOBODY, Arguments, OnIncident, on_incident, to_value
from bot.framework.entry_messages import Ending, ends, shown, told_message
from bot.framework.feature import Feature
from bot.framework.reading import DAY_EXAMPLE, find_day
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import AskFirst, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.core.times import day_text
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
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
from incidents.postmortem.entries import ActionItemAdded, ActionItemAssigned, ActionItemEntry

EXAMPLE = "action @someone by 5d Alert when the queue is older than 5 minutes"
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class TypedItem:
    """An action item as typed after the command.

    `is_doubtful`: a name or a day stands where it may be part of the text, which is whole.
    """

    owner: Named
    due_on: date | None
    text: str
    is_doubtful: bool = False


def parse_action(text: str, *, now: datetime, zone: str, me: Named | None) -> TypedItem:
    """Parse `@owner [by 2026-12-01|5d] text`.

    Raises: InvalidInput: the owner is missing, unknown or not the only one; or a date is wrong.
    """
    who, _, rest = text.strip().partition(" ")
    user_id = mentions.parse_user(who)
    owner = Named(user_id) if user_id else me if who.casefold() == "me" else None
    within = None if owner is not None else _only_person_in(text)
    if owner is None and within is None:
        raise InvalidInput("owner", "not_a_person" if who else "empty", EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("owner", "one_at_a_time", EXAMPLE)
    due = due_in(text if within else rest, now=now, zone=zone)
    is_doubtful = within is not None or due.is_doubtful
    words = text if within else rest if due.is_doubtful else due.text
    return TypedItem(owner or within or NOBODY, due.day, mentions.plain(words), is_doubtful)


def _only_person_in(text: str) -> Named | None:
    """Return the person in `fix it @ben`, if the text names one and no more."""
    found = [user_id for word in text.split() if (user_id := mentions.parse_user(word))]
    return Named(found[0]) if len(found) == 1 else None


class Adding(OnIncident):
    """A new action item, from the form or as typed; `is_doubtful` opens the form with the text."""

    text: str = ""
    owner: Named | None = None
    due_on: str = ""
    is_doubtful: bool = False


class OnItem(Arguments):
    """An action item, by its number within the incident."""

    ref: IncidentRef
    number: int


def typed_item(request: Request) -> Adding | AskFirst[Adding]:
    """Parse `action @owner [by day] text`; open the form if a name or a day is doubtful."""
    ref, text = request.incident_ref(), request.words.text
    me = _me(request)
    if owners.find_giving(ref, text, me=me) is not None:
        return Adding(ref, text=text)
    typed = parse_action(text, now=request.now, zone=request.actor.zone, me=me)
    day = typed.due_on.isoformat() if typed.due_on else ""
    given = Adding(
        ref, text=typed.text, owner=typed.owner, due_on=day, is_doubtful=typed.is_doubtful
    )
    return AskFirst(given) if typed.is_doubtful and len(typed.text) <= MAX_TEXT else given


def _me(request: Request) -> Named | None:
    actor = request.actor
    return Named(actor.external_id, actor.name) if actor.external_id else None


async def add(request: Request, given: Adding) -> Reply:
    """Add an action item, or assign an existing one."""
    if given.owner is None and not request.is_form:
        giving = owners.find_giving(given.ref, given.text, me=_me(request))
        if giving is not None:
            return await owners.give(request, giving)
    due_on = find_day(given.due_on, now=request.now, zone=request.actor.zone)
    if given.due_on and due_on is None:
        raise InvalidInput("due_on", "not_a_day", DAY_EXAMPLE)
    if request.is_form and due_on is None:
        due_on = _day_in_words(request, given.text)
    use_case = partial(
        add_action_item, ref=given.ref, text=given.text, owner=given.owner, due_on=due_on
    )
    return Say(added(await request.transact(use_case)))


def _day_in_words(request: Request, text: str) -> date | None:
    """Return the day of a form's `fix it by Friday`; None if the text doesn't plainly name one."""
    with suppress(InvalidInput):
        due = due_in(text, now=request.now, zone=request.actor.zone)
        return None if due.is_doubtful else due.day
    return None


def done_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to the person who marked an action item as done."""
    return f"Action item {outcome.data['number']} of {outcome.data['reference']} is done."


async def show_list(request: Request, given: OnIncident) -> Reply:
    """List the incident's action items."""
    return Say(await _list(request, given.ref))


async def finish_in_list(request: Request, given: OnItem) -> Reply:
    """Mark an action item as done in the list, and show the updated list."""
    await request.transact(partial(complete_action_item, ref=given.ref, number=given.number))
    return Say(await _list(request, given.ref), replaces=True)


async def _list(request: Request, ref: IncidentRef) -> blocks.Message:
    async with request.services.database.reading() as session:
        incident = await get_incident_view(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )
        items = await action_items_of(session, incident.id)
    return item_list(incident, items)


def item_form(
    incident: IncidentView, *, initial_owner: str | None, given: Adding | None = None
) -> blocks.View:
    """Return the form to add an action item; `initial_owner` is a user id, `given` what was typed."""
    typed = given if given is not None and given.is_doubtful else None
    notice = (
        "*Not added yet:* I can't tell whether a day or a name is part of your text. Your text is "
        "kept; choose the owner and the due date below."
    )
    return blocks.modal(
        "Add an action item",
        blocks=[
            *([blocks.section(notice)] if typed else []),
            blocks.context(mentions.escape_line(f"{incident.reference} {incident.title}")),
            blocks.text_input(
                "text",
                label="What will change?",
                initial=typed.text if typed else None,
                placeholder="Alert when the queue is older than 5 minutes",
                max_length=MAX_TEXT,
            ),
            blocks.user_select("owner", label="Owner", initial=initial_owner),
            blocks.text_input(
                "due_on",
                label="Due",
                initial=typed.due_on if typed else None,
                optional=True,
                placeholder="5d",
                hint="A day such as Friday or 2026-12-01, or days from today such as 5d.",
                max_length=20,
            ),
        ],
        submit="Add",
    )


def show_form(request: Request, view: IncidentView, given: Adding) -> blocks.View:
    """Return the form, filled in with what was typed if that was doubtful."""
    owner = given.owner.external_id if given.owner else request.actor.external_id
    return item_form(view, initial_owner=owner, given=given)


def item_list(incident: IncidentView, items: Sequence[ActionItemView]) -> blocks.Message:
    """Return the action items, open ones first, with a *Done* button on each of those."""
    ordered = sorted(items, key=lambda item: (item.is_done, item.number))
    shown = ordered[:MOST_SHOWN]
    open_count = sum(not item.is_done for item in items)
    lead = f"*Action items of {incident.reference}*: {open_count} open, {len(items)} in all."
    left_out = len(ordered) - len(shown)
    rest = [f"{left_out} more are in the postmortem."] if left_out else []
    value = on_incident(incident)
    buttons = [blocks.button("Add an action item", action_id="action_item_open", value=value)]
    if open_count:
        give = blocks.button("Give to…", action_id="action_item_give_open", value=value)
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
        "Done",
        action_id="action_item_done_in_list",
        value=to_value(OnItem(ById(incident.id), item.number)),
    )
    return blocks.section(_line(item), accessory=done)


def _line(item: ActionItemView) -> str:
    owner = mentions.escape_line(item.owner.name) if item.owner else "nobody yet"
    due = f", due {day_text(item.due_on)}" if item.due_on else ""
    state = "done, " if item.is_done else ""
    return f"{item.number}. {mentions.escape_line(item.text)} ({state}{owner}{due})"


def added(outcome: Outcome) -> blocks.Message:
    """Return the reply to the person who added an action item."""
    data = outcome.data
    day = data["due_on"]
    due = f", due {day_text(date.fromisoformat(day))}" if day else ", no due date"
    owner = mentions.escape_line(data["owner"] or "nobody yet")
    return say(
        f"Added action item {data['number']} of {data['reference']}: "
        f"{mentions.escape_line(data['text'])} "
        f"({owner}{due})."
    )


def item_given(item: ActionItemEntry, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Post which action item was added, or who owns it now."""
    return told_message(entry, incident, _done_button(item, incident))


def item_told(item: ActionItemEntry, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Tell the owner directly which action item they were given."""
    where = f" {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    owner = mentions.escape_line(item.owner.name) if item.owner else "nobody yet"
    due = f", due {day_text(item.due_on)}" if item.due_on else ""
    text = (
        f"{mentions.escape_line(entry.actor_name)} gave you action item {item.number}: "
        f"{mentions.escape_line(item.text)} ({owner}{due}). "
        f"It comes from {incident.reference} ({mentions.escape_line(incident.title)}){where}."
    )
    row = blocks.actions(_done_button(item, incident))
    return blocks.Message(text=text, blocks=(blocks.section(text), row))


async def item_ending(
    item: ActionItemEntry, session: AsyncSession, _entry: EntryView, _incident: IncidentView
) -> Ending | None:
    """Return that the action item is done, or who owns it now."""
    row = await session.get_one(ActionItem, item.action_item_id)
    if row.status == ActionItemStatus.DONE:
        done_by = await session.get(Person, row.done_by_id) if row.done_by_id else None
        by = f" by {mentions.escape_line(done_by.name)}" if done_by else ""
        at = f" {mentions.date(row.done_at)}" if row.done_at else ""
        return Ending(f"*Done*{by}{at}.")
    if row.owner_id is None or (item.owner is not None and row.owner_id == item.owner.id):
        return None
    owner = await session.get_one(Person, row.owner_id)
    return Ending(f"{mentions.escape_line(owner.name)} has it now.", is_final=False)


def _done_button(item: ActionItemEntry, incident: IncidentView) -> blocks.ButtonElement:
    value = to_value(OnItem(ById(incident.id), item.number))
    return blocks.button("Done", action_id="action_item_done", value=value)


FEATURE = Feature(
    name="action_items",
    verbs=(
        Verb(
            Adding,
            usage="action @someone [by 2026-12-01|5d] text, or: action 2 @someone",
            summary="Add follow-up work with one owner, or give it to another; without text, a form.",
            examples=(EXAMPLE, "action 2 @someone"),
            repeat=Repeat.WORDS,
            typed=typed_item,
            form="action_item_submit",
            opened_by=("action_item_open",),
            needs=Action.MANAGE_ACTION_ITEMS,
            show=show_form,
            perform=add,
            inputs={"person": "owner"},
            is_quiet=True,
        ),
        Verb(
            OnIncident,
            usage="actions",
            family="action",
            when=r"(?:actions|list)(?P<rest>)",
            inside="action list",
            repeat=Repeat.HARMLESS,
            summary="The incident's action items, with buttons to finish them.",
            perform=show_list,
        ),
        owners.GIVE,
        Verb(OnItem, buttons=("action_item_done",), use_case=complete_action_item, tell=done_text),
        Verb(OnItem, buttons=("action_item_done_in_list",), perform=finish_in_list),
    ),
    entries=(shown(ActionItemAdded, item_given), shown(ActionItemAssigned, item_given)),
    direct_entries=(shown(ActionItemAdded, item_told), shown(ActionItemAssigned, item_told)),
    endings=(ends(ActionItemAdded, item_ending), ends(ActionItemAssigned, item_ending)),
)
