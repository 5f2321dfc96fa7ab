"""Handing command over: `handoff`, the proposal kept current in place, its buttons and forms."""

from dataclasses import replace

from bot.features.roles import handoff_messages as messages
from bot.features.roles.feature import own_name, told
from bot.features.roles.handoff_messages import Offer, OnHandoff, TakeOver
from bot.framework.audience import is_hidden_from
from bot.framework.effect_context import Dropped, EffectContext, Settlement
from bot.framework.entry_messages import shown, told_directly
from bot.framework.feature import Feature
from bot.framework.live_messages import CLOSED, Standing, show
from bot.framework.phrases import hidden_message
from bot.framework.reading import person_in
from bot.framework.requests import Request
from bot.framework.verbs import Form, Verb, view_for_form
from bot.slack import mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput
from incidents.core.ids import derived_id
from incidents.core.people import Person, system_actor
from incidents.engine.posted_messages import find_posted
from incidents.incident.incident import ById, Incident
from incidents.incident.role_entries import CommanderChanged
from incidents.incident.views import get_incident_view
from incidents.policy.policy import Action
from incidents.roles.command import propose_commander, take_over
from incidents.roles.effects import RefreshHandoff
from incidents.roles.entries import HandoffDeclined
from incidents.roles.handoff_answers import accept_handoff, decline_handoff
from incidents.roles.handoff_brief import draft_brief, load_brief
from incidents.roles.handoffs import HandoffStatus, get_handoff_view

PURPOSE = "handoff"
_EXAMPLE = "handoff @alice"


def typed_offer(request: Request) -> Offer:
    """Return what `handoff @someone [words]` offers."""
    who, words = request.words.split_first()
    person = own_name(request) if who.casefold() == "me" else person_in(who)
    if person is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    if mentions.begins_with_a_person(words):
        raise InvalidInput("person", "one_at_a_time", _EXAMPLE)
    return Offer(request.incident_ref(), person=person, words=mentions.plain(words))


async def open_offer(request: Request, given: Offer) -> Form[Offer]:
    """Return the form that offers command, with the brief that goes along."""
    view = await view_for_form(request, given.ref, action=Action.HANDOFF)
    async with request.services.database.reading() as session:
        incident = await session.get_one(Incident, view.id)
        brief = await load_brief(session, await draft_brief(session, incident))
    return Form(messages.offer_form(view, brief), replace(given, ref=ById(view.id)))


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
    verbs=(
        Verb(
            Offer,
            usage="handoff @someone [what they should know]",
            summary="Offer command to somebody, with a brief; alone, opens the form.",
            examples=(_EXAMPLE,),
            typed=typed_offer,
            form="handoff_offer",
            opened_by=("handoff_offer_open",),
            open=open_offer,
            use_case=propose_commander,
            tell=told,
        ),
        Verb(OnHandoff, buttons=("handoff_accept",), use_case=accept_handoff, tell=told),
        Verb(OnHandoff, buttons=("handoff_decline",), use_case=decline_handoff, tell=told),
        Verb(
            TakeOver,
            form="handoff_take_over",
            opened_by=("handoff_take_over_open",),
            needs=Action.TAKE_OVER,
            show=messages.take_over_form,
            use_case=take_over,
            tell=told,
        ),
    ),
    effects={RefreshHandoff: refresh_handoff},
    direct_entries=dict(
        (
            (HandoffDeclined.kind, told_directly),
            shown(CommanderChanged, messages.moved_directly),
        )
    ),
)
