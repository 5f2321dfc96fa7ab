"""Handing command over: `handoff`, the proposal kept current in place, its buttons and forms."""

import uuid
from functools import partial

from bot.features.roles import handoff_messages as messages
from bot.features.roles.feature import own_name
from bot.features.roles.messages import outcome_text
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.live_messages import live_copies
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import mentions
from incidents.core.errors import InvalidInput, Superseded
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.people.assignable import Named
from incidents.policy.policy import COMMANDER, Action
from incidents.roles.command import propose_commander, take_over
from incidents.roles.effects import RefreshHandoff
from incidents.roles.handoff_answers import accept_handoff, decline_handoff
from incidents.roles.handoff_brief import draft_brief, load_brief
from incidents.roles.handoffs import HandoffStatus, get_handoff_view

_EXAMPLE = "handoff @alice"


async def handoff_command(request: Request) -> Reply:
    """Offer or request command: `/incident handoff @someone [words]`; alone, open the form."""
    who, words = request.words.split_first()
    if not who:
        return await _open_offer(request, request.incident_ref())
    person = own_name(request) if who.casefold() == "me" else person_in(who)
    if person is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    if mentions.begins_with_a_person(words):
        raise InvalidInput("person", "one_at_a_time", _EXAMPLE)
    ref = request.incident_ref()
    use_case = partial(propose_commander, ref=ref, person=person, words=mentions.plain(words))
    return _told(request, await request.transact(use_case))


async def open_offer_form(request: Request) -> Reply:
    """Open the form that offers command."""
    return await _open_offer(request, request.incident_of_value())


async def _open_offer(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.HANDOFF)
    async with request.services.database.reading() as session:
        incident = await session.get_one(Incident, view.id)
        brief = await load_brief(session, await draft_brief(session, incident))
    await request.open_view(messages.offer_form(view, brief, metadata=remember(view)))
    return None


async def offer_submitted(request: Request) -> Reply:
    """Offer or request command from the form; wrong input is answered in its field."""
    form, ref = request.form, request.incident_of_metadata()
    person = form.user("person")
    try:
        if person is None:
            raise InvalidInput("person", "not_a_person")
        named, words = Named(person), form.text("words")
        use_case = partial(propose_commander, ref=ref, person=named, words=words)
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return _told(request, outcome)


async def accept_pressed(request: Request) -> Reply:
    """Accept what was put to the person."""
    ref, handoff_id = request.incident_of_value(), _handoff_of_value(request)
    use_case = partial(accept_handoff, ref=ref, handoff_id=handoff_id)
    return _told(request, await request.transact(use_case))


async def decline_pressed(request: Request) -> Reply:
    """Decline what was put to the person, or withdraw what they proposed."""
    ref, handoff_id = request.incident_of_value(), _handoff_of_value(request)
    use_case = partial(decline_handoff, ref=ref, handoff_id=handoff_id)
    return _told(request, await request.transact(use_case))


async def open_take_over_form(request: Request) -> Reply:
    """Open the form that takes command at once; it asks for the reason."""
    view = await view_for_form(request, request.incident_of_value(), action=Action.TAKE_OVER)
    commander = next(iter(view.holders(COMMANDER)), None)
    metadata = remember(view, commander_id=str(commander.id) if commander else "")
    await request.open_view(messages.take_over_form(view, commander=commander, metadata=metadata))
    return None


async def take_over_submitted(request: Request) -> Reply:
    """Take command with the reason given."""
    use_case = partial(
        take_over,
        ref=request.incident_of_metadata(),
        reason=request.form.text("reason"),
        seen_commander_id=str(request.metadata.get("commander_id", "")),
    )
    try:
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return _told(request, outcome)


def _handoff_of_value(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.value.split("|")[1])
    except (IndexError, ValueError):
        raise Superseded("handoff_withdrawn") from None


def _told(request: Request, outcome: Outcome) -> Reply:
    text = outcome_text(
        outcome, external_id=request.actor.external_id, slash=request.policy.command
    )
    return Say(say(text))


HANDOFF = live_copies(
    effect=RefreshHandoff,
    purpose="handoff",
    about=lambda effect: (effect.handoff_id, effect.person_id),
    load=get_handoff_view,
    render=messages.handoff_message,
    is_over=lambda handoff: handoff.status is not HandoffStatus.PENDING,
)

FEATURE = Feature(
    name="handoff",
    commands=(
        Command(
            name="handoff",
            usage="handoff @someone [what they should know]",
            summary="Offer command to somebody, with a brief; alone, opens the form.",
            handler=handoff_command,
            examples=(_EXAMPLE,),
        ),
    ),
    actions={
        "handoff_accept": accept_pressed,
        "handoff_decline": decline_pressed,
        "handoff_take_over_open": open_take_over_form,
        "handoff_offer_open": open_offer_form,
    },
    views={
        messages.OFFER_FORM: offer_submitted,
        messages.TAKE_OVER_FORM: take_over_submitted,
    },
    live_messages=(HANDOFF,),
    entries={
        EntryKind.HANDOFF_OFFERED: messages.offered_entry,
        EntryKind.HANDOFF_REQUESTED: messages.requested_entry,
        EntryKind.HANDOFF_DECLINED: messages.declined_entry,
        EntryKind.HANDOFF_WITHDRAWN: messages.withdrawn_entry,
        EntryKind.SUCCESSOR_WANTED: messages.successor_entry,
        EntryKind.COMMANDER_CHANGED: messages.moved_entry,
    },
    direct_entries={
        EntryKind.HANDOFF_DECLINED: messages.declined_directly,
        EntryKind.COMMANDER_CHANGED: messages.moved_directly,
    },
)
