"""Who sees a private incident: list them, invite and remove people."""

from bot.features.channel.feature import get_incident_row
from bot.features.channel.privacy import people_first
from bot.framework.arguments import NOBODY, OnIncident, to_value
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import told_directly, told_message
from bot.framework.feature import Feature
from bot.framework.phrases import actor_of_entry
from bot.framework.reading import is_hidden_from, person_in
from bot.framework.refusals import say
from bot.framework.requests import DoAgain, Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.ids import is_user_id
from incidents.channel.insiders import (
    InsidersView,
    InsiderView,
    get_insiders,
    invite,
    record_removal_refused,
    take_sight_back,
)
from incidents.core.errors import InvalidInput
from incidents.core.people import Person, who
from incidents.core.sentences import Who
from incidents.engine.effects import RemovePerson
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, get_entry_view
from incidents.people.assignable import Named
from incidents.people.entries import RemovalRefused, SightTakenBack
from incidents.policy.policy import COMMANDER

_INVITE_EXAMPLE = "INC-12 invite @alice @bob we need the logs"
_UNINVITE_EXAMPLE = "INC-12 uninvite @alice named by mistake"


class Inviting(OnIncident):
    """Who is to see the incident, and why."""

    people: tuple[str, ...] = ()
    reason: str = ""


class TakingBack(OnIncident):
    """Who isn't to see the incident any more, and why."""

    person: Named = NOBODY
    reason: str = ""


# -- inviting and removing people --------------------------------------------------------------


def typed_invite(request: Request) -> Inviting:
    """Parse `invite @alice @bob reason`. Raises: InvalidInput."""
    people, reason = people_first(request.words.text, example=_INVITE_EXAMPLE)
    if not people:
        raise InvalidInput("people", "not_a_person", _INVITE_EXAMPLE)
    return Inviting(request.incident_ref(), people=people, reason=mentions.plain(reason))


def typed_uninvite(request: Request) -> TakingBack:
    """Parse `uninvite @alice reason`. Raises: InvalidInput."""
    first, rest = request.words.split_first()
    person = person_in(first.rstrip(",;:"))
    if person is None:
        raise InvalidInput("person", "not_a_person", _UNINVITE_EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("person", "one_at_a_time", _UNINVITE_EXAMPLE)
    return TakingBack(request.incident_ref(), person=person, reason=mentions.plain(rest))


async def uninvite(uow: UnitOfWork, given: TakingBack) -> Outcome:
    """Remove the person from the incident."""
    return await take_sight_back(
        uow, given.ref, person=given.person.external_id, reason=given.reason
    )


def invited_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to the person who invited others."""
    names = ", ".join(mentions.escape_line(name) for name in outcome.data["people"])
    return f"I'm inviting {names} to {outcome.data['reference']} and its channel."


def taken_back_text(request: Request, outcome: Outcome) -> str:
    """Return the reply to the person who removed somebody."""
    reference, slash = outcome.data["reference"], request.policy.command
    if outcome.kind == "public":
        return (
            f"{reference} is public: every member of the workspace sees it, so nobody can be "
            f"removed. To move it to a private channel, permanently: `{slash} {reference} private`"
        )
    name = mentions.escape_line(outcome.data["person"])
    if outcome.kind == "not_called":
        return f"{name} doesn't see {reference}, and no escalation will call them into it."
    alone = " You're the only one left who sees it." if outcome.data["people_left"] == 1 else ""
    return (
        f"{name} no longer sees {reference} and has no role in it. I'm removing {name} from the "
        f"channel and saying so. What {name} has read stays known.{alone}"
    )


# -- who sees it -------------------------------------------------------------------------------


async def show_insiders(request: Request, given: OnIncident) -> Reply:
    """List who sees the incident, and why."""
    view = await request.read(get_insiders, given.ref)
    return Say(insiders_message(view, request))


def insiders_message(view: InsidersView, request: Request) -> blocks.Message:
    """Return who sees the incident, and why, each with a button to remove them."""
    slash, reference = request.policy.command, view.incident.reference
    tail = f"`{slash} {reference} roles` shows who does what."
    if not view.incident.is_private:
        return say(f"{reference} is public: every member of the workspace sees it. {tail}")
    lead = f"*{reference}* is private. {len(view.people)} can see it:"
    rows: list[blocks.Block] = []
    lines = [lead]
    commander = {one.id for one in view.incident.holders(COMMANDER)}
    for one in view.people:
        lines.append(_line(one))
        is_fixed = one.person.id in commander or one.person.id == request.actor.person_id
        rows.append(blocks.section(lines[-1], accessory=None if is_fixed else _button(view, one)))
    notes = [
        *([f"An escalation may also call {_mentioned(view.expected)}."] if view.expected else []),
        *(
            [f"{_recovery(request)} may open it with a reason, and I'd tell its people."]
            if _recovery(request)
            else []
        ),
        f"`{slash} {reference} invite @someone` lets somebody in. {tail}",
    ]
    shown = (blocks.section(lead), *rows, blocks.context("\n".join(notes)))
    return blocks.Message("\n".join((*lines, *notes)), shown)


def _line(one: InsiderView) -> str:
    """Return the person, and why they see it."""
    why = [*(["declared it"] if one.is_declarer else []), *one.roles]
    if one.let_in_at is not None and (one.let_in_by is not None or not one.is_declarer):
        why.append(f"let in by {_by(one)} {mentions.date(one.let_in_at)}")
    if one.in_channel_since is not None:
        why.append(f"in the channel since {mentions.date(one.in_channel_since)}")
    return f"{mentions.mention(one.person.external_id)}: {', '.join(why)}"


def _by(one: InsiderView) -> str:
    if one.let_in_by is None:
        return "the policy"
    is_own = one.let_in_by.id == one.person.id
    return "themselves" if is_own else mentions.mention(one.let_in_by.external_id)


def _button(view: InsidersView, one: InsiderView) -> blocks.ButtonElement:
    value = to_value(TakingBack(ById(view.incident.id), person=Named(one.person.external_id)))
    question = (
        f"{mentions.escape_line(one.person.name)} will no longer see {view.incident.reference} or have a role in it. "
        "I'll say so by direct message. What they have read stays known."
    )
    return blocks.button(
        "Remove…",
        action_id="sight_take_back",
        value=value,
        confirm=blocks.confirm("Remove this person?", text=question, yes="Remove"),
    )


def _recovery(request: Request) -> str:
    named = request.policy.private.recovery
    return _mentioned([str(named)]) if named is not None else ""


def _mentioned(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(
        mentions.mention(one) if is_user_id(one) else mentions.escape_line(one) for one in names
    )


async def go_on(_: Request, wanted: DoAgain) -> Reply:
    """Go on with what somebody wanted before they were asked."""
    return wanted


# -- the person themselves ---------------------------------------------------------------------


async def remove_person(context: EffectContext) -> Settlement:
    """Remove from the channel somebody who may no longer see the incident, and tell them."""
    effect = context.get(RemovePerson)
    async with context.services.database.reading() as session:
        incident = await get_incident_row(context, session)
        person = await session.get_one(Person, effect.person_id)
        entry = await get_entry_view(session, effect.entry_id)
        if not await is_hidden_from(session, incident, person):
            return Dropped("let in again")
    error = None
    if incident.channel_id is not None:  # an archived one, too: it may come back with them in it
        error = await context.services.gateway.remove(incident.channel_id, person.external_id)
    if person.is_active:
        message = farewell(entry, str(incident.reference))
        await post_once(context, channel_id=person.external_id, message=message)
    if error is None:
        return Done()
    refused, by = error, Who(entry.actor_name, entry.actor_id)

    async def record(uow: UnitOfWork) -> None:
        await record_removal_refused(uow, incident.id, person=who(person), by=by, error=refused)

    return Done(record)


def farewell(entry: EntryView, reference: str) -> blocks.Message:
    """Return what the person is told: nothing of what the incident is about."""
    taken = None if entry.is_redacted else SightTakenBack.read(entry.content)
    reason = f' Reason: "{mentions.escape(taken.reason)}".' if taken and taken.reason else ""
    return say(
        f"{actor_of_entry(entry)} removed you from *{reference}*: you can no longer see it, and "
        f"your roles in it have ended.{reason} Questions? Write to {actor_of_entry(entry)}."
    )


_BY_HAND = (
    "This person can still read the channel. Remove them in Slack, ask a workspace owner to, or "
    "write elsewhere."
)


FEATURE = Feature(
    name="insiders",
    verbs=(
        Verb(
            OnIncident,
            usage="[INC-12] who",
            family="show",
            repeat=Repeat.HARMLESS,
            summary="List who can see a private incident, and why; only they can ask.",
            examples=("INC-12 who",),
            typed=lambda request: OnIncident(request.incident_ref()),
            alone=lambda request: show_insiders(request, OnIncident(request.incident_ref())),
            perform=show_insiders,
        ),
        Verb(
            Inviting,
            usage="[INC-12] invite @someone … [reason]",
            family="role",
            summary="Invite people to the incident and its channel; a private one asks you first.",
            examples=(_INVITE_EXAMPLE,),
            typed=typed_invite,
            use_case=invite,
            tell=invited_text,
        ),
        Verb(
            TakingBack,
            usage="[INC-12] uninvite @someone [reason]",
            family="role",
            summary="Remove somebody from a private incident: they can't see it, and their roles end.",
            examples=(_UNINVITE_EXAMPLE,),
            typed=typed_uninvite,
            buttons=("sight_take_back",),
            do=uninvite,
            tell=taken_back_text,
        ),
        Verb(
            DoAgain,
            buttons=("open_private", "open_private_first"),
            perform=go_on,
        ),
    ),
    effects={RemovePerson: remove_person},
    entries=(
        (
            RemovalRefused.kind,
            lambda entry, incident: told_message(entry, incident, asks=_BY_HAND),
        ),
    ),
    direct_entries=(
        (
            RemovalRefused.kind,
            lambda entry, incident: told_directly(entry, incident, asks=_BY_HAND),
        ),
    ),
)
