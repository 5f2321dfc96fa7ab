"""Handing command over: `handoff`, the proposal kept current in place, its buttons and forms."""

import uuid
from functools import partial

from bot.features.roles import handoff_messages as messages
from bot.features.roles.feature import own_name
from bot.features.roles.messages import outcome_text
from bot.framework.audience import is_hidden_from
from bot.framework.effect_context import Dropped, EffectContext, Settlement
from bot.framework.entry_messages import shown, told_directly
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.live_messages import CLOSED, Standing, show
from bot.framework.phrases import hidden_message
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, system_actor
from incidents.engine.posted_messages import find_posted
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.incident.role_entries import CommanderChanged
from incidents.incident.views import get_incident_view
from incidents.people.assignable import Named
from incidents.policy.policy import COMMANDER, Action
from incidents.roles.command import propose_commander, take_over
from incidents.roles.effects import RefreshHandoff
from incidents.roles.entries import HandoffDeclined
from incidents.roles.handoff_answers import accept_handoff, decline_handoff
from incidents.roles.handoff_brief import draft_brief, load_brief
from incidents.roles.handoffs import HandoffStatus, get_handoff_view

PURPOSE = "handoff"
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


# -- effects --------------------------------------------------------------------------------


async def refresh_handoff(context: EffectContext) -> Settlement:
    """Show a handoff in the channel or to a person, or bring it up to date in place."""
    effect = context.get(RefreshHandoff)
    services = context.services
    if effect.incident_id is None:
        return Dropped("no incident")
    subject_id = derived_id(effect.handoff_id, str(effect.person_id or "channel"))
    async with services.database.reading() as session:
        view = await get_incident_view(
            session,
            ById(effect.incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        handoff = await get_handoff_view(session, effect.handoff_id)
        person = await session.get(Person, effect.person_id) if effect.person_id else None
        posted = await find_posted(session, purpose=PURPOSE, subject_id=subject_id)
    place = view.channel_id
    if effect.person_id is not None:
        place = person.external_id if person is not None and person.is_active else None
    is_hidden = person is not None and await is_hidden_from(services, view, person)
    message = (
        hidden_message(view)
        if is_hidden
        else messages.handoff_message(handoff, view, is_direct=person is not None)
    )
    is_over = is_hidden or handoff.status is not HandoffStatus.PENDING
    is_muted = person is None and view.is_channel_archived
    # What stands in a channel that the incident has left was put away with it.
    is_here = posted is not None and (person is not None or posted.channel_id == view.channel_id)
    try:
        return await show(
            context,
            standing=Standing(purpose=PURPOSE, subject_id=subject_id, incident_id=view.id),
            message=message,
            posted=posted if is_here else None,
            place=None if is_muted else place,
            unless="settled before it was shown, or no longer theirs to see" if is_over else "",
        )
    except SlackPermanent as error:
        if error.error not in CLOSED or not is_here:
            raise
        return Dropped(error.error)


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
    effects={RefreshHandoff: refresh_handoff},
    direct_entries=dict(
        (
            (HandoffDeclined.kind, told_directly),
            shown(CommanderChanged, messages.moved_directly),
        )
    ),
)
