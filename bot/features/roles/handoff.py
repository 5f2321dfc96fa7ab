"""Handoff of command: `handoff`, its live message, buttons and forms."""

from dataclasses import replace

from bot.features.roles import handoff_messages as messages
from bot.features.roles.feature import NOBODY_WORDS, own_name, told
from bot.features.roles.handoff_messages import Offer, OnHandoff, TakeOver
from bot.framework.arguments import NOBODY
from bot.framework.entry_messages import shown, told_directly
from bot.framework.feature import Feature
from bot.framework.live_messages import live_copies
from bot.framework.reading import person_in
from bot.framework.requests import Request
from bot.framework.verbs import Form, Verb, view_for_form
from bot.slack import mentions
from incidents.core.errors import InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident
from incidents.incident.role_entries import CommanderChanged
from incidents.policy.policy import Action
from incidents.roles.command import propose_commander, take_over
from incidents.roles.effects import RefreshHandoff
from incidents.roles.entries import HandoffDeclined, HandoffUnanswered, HandoffWithdrawn
from incidents.roles.handoff_answers import accept_handoff, decline_handoff
from incidents.roles.handoff_brief import draft_brief, load_brief
from incidents.roles.handoffs import HandoffStatus, get_handoff_view
from incidents.roles.step_down import step_down

_EXAMPLE = "handoff @alice"
_ANSWERS = frozenset({"accept", "decline", "yes", "no"})
_ANSWERED_BY_BUTTON = (
    "is answered with a button: press *Accept* or *Decline* in the direct message that I sent you"
)


def typed_offer(request: Request) -> Offer:
    """Parse `handoff @someone [words]` and `handoff none`."""
    who, words = request.words.split_person()
    if who.casefold() in NOBODY_WORDS and not words:
        return Offer(request.incident_ref(), person=NOBODY)
    person = own_name(request) if who.casefold() == "me" else person_in(who)
    if person is None and who.casefold() in _ANSWERS:
        raise InvalidInput("handoff", _ANSWERED_BY_BUTTON, "")
    if person is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    if mentions.begins_with_a_person(words):
        raise InvalidInput("person", "one_at_a_time", _EXAMPLE)
    return Offer(request.incident_ref(), person=person, words=mentions.plain(words))


def typed_take_over(request: Request) -> TakeOver:
    """Parse `takeover reason`."""
    return TakeOver(request.incident_ref(), reason=mentions.plain(request.words.text))


async def hand_off(uow: UnitOfWork, given: Offer) -> Outcome:
    """Offer command, ask for it, or step down."""
    if given.person == NOBODY:
        return await step_down(uow, given.ref)
    return await propose_commander(uow, given.ref, person=given.person, words=given.words)


async def open_offer(request: Request, given: Offer) -> Form[Offer]:
    """Return the form that offers command, with a preview of the brief."""
    view = await view_for_form(request, given.ref, action=Action.HANDOFF)
    async with request.services.database.reading() as session:
        incident = await session.get_one(Incident, view.id)
        brief = await load_brief(session, await draft_brief(session, incident))
    return Form(messages.offer_form(view, brief), replace(given, ref=ById(view.id)))


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
    verbs=(
        Verb(
            Offer,
            usage="handoff [@someone|none] [what they should know]",
            family="role",
            summary="Offer command to somebody, with a brief; `none` steps down; alone, opens the form.",
            examples=(_EXAMPLE, "handoff none"),
            typed=typed_offer,
            form="handoff_offer",
            opened_by=("handoff_offer_open",),
            open=open_offer,
            do=hand_off,
            tell=told,
        ),
        Verb(OnHandoff, buttons=("handoff_accept",), use_case=accept_handoff, tell=told),
        Verb(OnHandoff, buttons=("handoff_decline",), use_case=decline_handoff, tell=told),
        Verb(
            TakeOver,
            usage="takeover [reason]",
            family="role",
            summary="Take command at once, with a reason; alone, opens the form.",
            examples=("takeover No answer since 14:05, a decision is due",),
            typed=typed_take_over,
            form="handoff_take_over",
            opened_by=("handoff_take_over_open",),
            needs=Action.TAKE_OVER,
            show=messages.take_over_form,
            use_case=take_over,
            tell=told,
        ),
    ),
    live_messages=(HANDOFF,),
    entries=(shown(HandoffUnanswered, messages.unanswered_entry),),
    endings=((HandoffUnanswered.kind, messages.unanswered_ending),),
    direct_entries=(
        (HandoffDeclined.kind, told_directly),
        (HandoffWithdrawn.kind, told_directly),
        shown(HandoffUnanswered, messages.unanswered_directly),
        shown(CommanderChanged, messages.moved_directly),
    ),
)
