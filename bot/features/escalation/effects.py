"""Carrying escalations to Slack: the card in the channel, and the calls by direct message."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.features.escalation.card import escalation_card
from bot.features.escalation.messages import call_message, mention_message
from bot.framework.audience import is_hidden_from
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.live_messages import CLOSED, LOST, Standing, show
from bot.framework.phrases import hidden_message
from bot.framework.reading import facts_of
from bot.framework.requests import Services
from bot.slack import blocks
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway import Attention, SlackGateway
from incidents.core.people import Person, PersonFacts, system_actor
from incidents.core.times import zone_of
from incidents.engine.posted_messages import PostedMessage, find_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.effects import (
    CallForEscalation,
    LookUpCallees,
    RefreshEscalationCall,
    RefreshEscalationCard,
)
from incidents.escalation.ladder import note_medium, note_unavailable, resume_step
from incidents.escalation.tables import (
    CallStatus,
    EscalationStep,
    Medium,
    StepStatus,
    wanted_of,
)
from incidents.escalation.views import CallView, EscalationView, get_escalation_view
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, get_incident_view
from incidents.people.directory import GroupFacts, save_group
from incidents.proposals.views import ProposalView, find_escalated
from incidents.roles.departures import save_people

CARD: Final = "escalation_card"
CALL: Final = "escalation_call"
_SAME_DAY: Final = timedelta(hours=20)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An escalation with its incident, and where the message in question stands."""

    view: EscalationView
    incident: IncidentView
    posted: PostedMessage | None
    proposal: ProposalView | None


async def refresh_card(context: EffectContext) -> Settlement:
    """Post the card in the incident channel, or edit it in place; a lost one is posted anew."""
    effect = context.get(RefreshEscalationCard)
    services = context.services
    loaded = await _load(services, effect.escalation_id, purpose=CARD, about=effect.escalation_id)
    incident, posted = loaded.incident, loaded.posted
    if incident.channel_id is None or incident.is_channel_archived:
        return Dropped("no channel to show it in")
    is_here = posted is not None and posted.channel_id == incident.channel_id
    return await show(
        context,
        standing=_standing(loaded, CARD, effect.escalation_id),
        message=escalation_card(loaded.view, incident, services.policy, proposal=loaded.proposal),
        posted=posted if is_here else None,
        place=incident.channel_id,
    )


# -- calling --------------------------------------------------------------------------------


async def call_person(context: EffectContext) -> Settlement:
    """Call one person by direct message; whom none reaches is mentioned in the channel.

    What may keep them from noticing is looked up after they were called, never before.
    """
    effect = context.get(CallForEscalation)
    services = context.services
    loaded = await _load(services, effect.escalation_id, purpose=CALL, about=effect.call_id)
    view, call = loaded.view, loaded.view.find_call(effect.call_id)
    if call is None:
        return Dropped("not called")
    is_asked = view.is_unanswered and call.status is CallStatus.OPEN
    may_see = await _may_see(services, loaded.incident, call)
    if not (is_asked and may_see) and not context.is_uncertain:
        return Dropped("answered before it was sent, or no longer theirs to see")
    message = (
        call_message(view, call, loaded.incident, services.policy, proposal=loaded.proposal)
        if may_see
        else hidden_message(loaded.incident)
    )
    person = call.person.external_id
    try:
        direct = await services.gateway.open_direct(person)
        place = await post_once(context, channel_id=direct, message=message)
        # One that an earlier attempt had sent may show what isn't so any more.
        if context.is_uncertain:
            await services.gateway.update(*place, message)
    except SlackPermanent as error:
        if not may_see:
            return Dropped("no longer theirs to see")
        return await _mention(context, loaded, call, error=error.error)
    attention = await _attention(services, person)
    away = away_text(
        attention,
        zone=call.person.zone,
        now=services.clock.now(),
        present=services.policy.escalation.present_statuses,
    )

    async def record(uow: UnitOfWork) -> None:
        await _standing(loaded, CALL, call.id).remember(*place)(uow)
        if away:
            await note_unavailable(uow, view.id, call.id, how=away)

    return Done(record)


async def _mention(
    context: EffectContext, loaded: _Loaded, call: CallView, *, error: str
) -> Settlement:
    """Mention in the channel whom no direct message reaches; raises what Slack refuses then."""
    services, incident = context.services, loaded.incident
    log.warning("call_not_delivered", error=error, escalation_id=str(loaded.view.id))
    channel_id = incident.channel_id
    if channel_id is None or incident.is_channel_archived:
        raise SlackPermanent(error, method="chat.postMessage")
    await _bring_in(services, channel_id, call)
    card = await _card_link(services, loaded.view)
    message = mention_message(loaded.view, call, incident, card_link=card)
    place = await post_once(context, channel_id=channel_id, message=message)

    async def record(uow: UnitOfWork) -> None:
        await _standing(loaded, CALL, call.id).remember(*place)(uow)
        await note_medium(uow, loaded.view.id, call.id, medium=Medium.CHANNEL)

    return Done(record)


async def _bring_in(services: Services, channel_id: str, call: CallView) -> None:
    """Invite them first: a mention notifies only whom the channel has."""
    try:
        await services.gateway.invite(channel_id, [call.person.external_id])
    except SlackPermanent as error:
        log.info("not_invited_for_mention", error=error.error)


async def _card_link(services: Services, view: EscalationView) -> str:
    async with services.database.reading() as session:
        posted = await find_posted(session, purpose=CARD, subject_id=view.id)
    if posted is None:
        return ""
    try:
        return await services.gateway.permalink(posted.channel_id, posted.message_ts)
    except SlackFailure:
        return ""


async def _attention(services: Services, person: str) -> Attention:
    """Return what Slack says of their attention; what it doesn't say counts as nothing."""
    try:
        return await services.gateway.attention(person)
    except SlackFailure as error:
        log.info("attention_unknown", error=error.error)
        return Attention()


def away_text(
    attention: Attention, *, zone: str, now: datetime, present: tuple[str, ...] = ()
) -> str:
    """Return why they may not notice, "" if nothing says so; times are in their own zone.

    `present` are the beginnings of statuses of people who notice all the same.
    """
    parts: list[str] = []
    until = attention.quiet_until
    if attention.is_quiet and until is not None:
        there = until.astimezone(zone_of(zone))
        day = "" if until - now < _SAME_DAY else f"{there:%A} "
        parts.append(f"do not disturb until {day}{there:%H:%M} their time")
    if attention.status and not attention.status.startswith(present):
        parts.append(f"status {attention.status}")
    return ", ".join(parts)


async def refresh_call(context: EffectContext) -> Settlement:
    """Bring a message that called somebody up to date: answered, it has no buttons."""
    effect = context.get(RefreshEscalationCall)
    services = context.services
    loaded = await _load(services, effect.escalation_id, purpose=CALL, about=effect.call_id)
    call, posted = loaded.view.find_call(effect.call_id), loaded.posted
    if call is None or posted is None:
        return Dropped("not sent")
    if call.medium == Medium.CHANNEL and posted.channel_id != loaded.incident.channel_id:
        return Dropped("the incident goes on elsewhere")
    try:
        message = await _called_message(services, loaded, call)
        await services.gateway.update(posted.channel_id, posted.message_ts, message)
    except SlackPermanent as error:
        if error.error not in LOST | CLOSED:
            raise
        return Dropped(error.error)
    return Done()


async def _called_message(services: Services, loaded: _Loaded, call: CallView) -> blocks.Message:
    view, incident = loaded.view, loaded.incident
    if not await _may_see(services, incident, call):
        return hidden_message(incident)
    if call.medium != Medium.CHANNEL:
        return call_message(view, call, incident, services.policy, proposal=loaded.proposal)
    card = await _card_link(services, view)
    return mention_message(view, call, incident, card_link=card)


async def _may_see(services: Services, incident: IncidentView, call: CallView) -> bool:
    """Tell whether whoever was called may still see the incident: it may have gone private."""
    async with services.database.reading() as session:
        person = await session.get_one(Person, call.person.id)
    return not await is_hidden_from(services, incident, person)


# -- what all of them need ------------------------------------------------------------------


async def _load(
    services: Services, escalation_id: uuid.UUID, *, purpose: str, about: uuid.UUID
) -> _Loaded:
    async with services.database.reading() as session:
        view = await get_escalation_view(
            session, escalation_id, policy=services.policy, now=services.clock.now()
        )
        incident = await get_incident_view(
            session,
            ById(view.incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        posted = await find_posted(session, purpose=purpose, subject_id=about)
        proposal = await find_escalated(session, escalation_id, incident_id=view.incident_id)
    return _Loaded(view, incident, posted, proposal)


def _standing(loaded: _Loaded, purpose: str, about: uuid.UUID) -> Standing:
    return Standing(purpose=purpose, subject_id=about, incident_id=loaded.incident.id)


@dataclass(slots=True)
class _Found:
    """What Slack knows of the names, and which of them mean nobody."""

    people: list[PersonFacts] = field(default_factory=list)
    groups: list[GroupFacts] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)


async def look_up_callees(context: EffectContext) -> Settlement:
    """Ask Slack who is meant; whoever is found is called in the transaction that says so."""
    effect = context.get(LookUpCallees)
    async with context.services.database.reading() as session:
        step = await session.get(EscalationStep, effect.step_id)
    if step is None or step.status != StepStatus.LOOKING_UP:
        return Dropped("nobody to look up")
    found = _Found()
    gateway = context.services.gateway
    for wanted in wanted_of(step):
        if wanted.kind == "group":
            await _look_up_group(gateway, wanted.value, found)
        elif wanted.kind == "named" and "@" in wanted.value:
            await _look_up_person(gateway, wanted.value, found)
    record = partial(
        _record, escalation_id=effect.escalation_id, step_id=effect.step_id, found=found
    )
    return Done(record)


async def _look_up_group(gateway: SlackGateway, name: str, found: _Found) -> None:
    bare = name.removeprefix("@")
    try:
        group = next((one for one in await gateway.groups() if bare in {one.id, one.handle}), None)
        members: Sequence[str] = await gateway.group_members(group.id) if group else ()
    except SlackPermanent:  # a missing scope, a plan without groups: the next step is called
        group, members = None, ()
    if group is None:
        found.not_found.append(name)
    else:
        found.groups.append(GroupFacts(group.id, group.handle, tuple(members)))


async def _look_up_person(gateway: SlackGateway, email: str, found: _Found) -> None:
    try:
        user = await gateway.lookup_email(email)
    except SlackPermanent:
        user = None
    if user is None:
        found.not_found.append(email)
        return
    facts = facts_of(user)
    # The address as the policy writes it: Slack may leave it out of what it says.
    found.people.append(
        PersonFacts(
            facts.external_id,
            name=facts.name,
            zone=facts.zone,
            email=email,
            is_active=facts.is_active,
            kind=facts.kind,
        )
    )


async def _record(
    uow: UnitOfWork, *, escalation_id: uuid.UUID, step_id: uuid.UUID, found: _Found
) -> None:
    for group in found.groups:
        await save_group(uow, group)
    await save_people(uow, found.people)
    await resume_step(uow, escalation_id, step_id=step_id, not_found=found.not_found)


FEATURE = Feature(name="escalation_lookup", effects={LookUpCallees: look_up_callees})
