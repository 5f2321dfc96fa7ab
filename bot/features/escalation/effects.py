"""Escalation effects in Slack: the card in the channel, and the calls by direct message."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.asking_pagers import fallback_names, who_is_on_call_there
from bot.features.escalation.card import escalation_card
from bot.features.escalation.messages import call_message, mention_message
from bot.framework.acquaintance import facts_of
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, ToPeople, in_channel_of
from bot.framework.phrases import hidden_message
from bot.framework.reading import find_user, is_hidden_from, read_incident
from bot.framework.requests import Services
from bot.slack.blocks import Message
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway.people import Attention
from bot.slack.ids import permalink
from incidents.core.people import Person, PersonFacts, PersonKind
from incidents.core.times import zone_of
from incidents.engine.posted_messages import ESCALATION_CARD, find_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.callees import names_to_look_up
from incidents.escalation.effects import (
    CallForEscalation,
    LookUpCallees,
    RefreshEscalationCall,
    RefreshEscalationCard,
)
from incidents.escalation.ladder import PagerTold, note_medium, note_unavailable, resume_step
from incidents.escalation.tables import (
    CallStatus,
    EscalationStep,
    Medium,
    StepStatus,
)
from incidents.escalation.views import CallView, EscalationView, get_escalation_view
from incidents.incident.views import IncidentView
from incidents.people.directory import GroupFacts, find_people_named, save_group
from incidents.policy.policy import Policy
from incidents.proposals.views import ProposalView, find_escalated
from incidents.roles.departures import save_people

_SAME_DAY: Final = timedelta(hours=20)

log = structlog.get_logger(__name__)


# -- the card -------------------------------------------------------------------------------


async def _look_at_card(
    session: AsyncSession, effect: RefreshEscalationCard, services: Services
) -> Showing:
    view = await get_escalation_view(
        session, effect.escalation_id, policy=services.policy, now=services.clock.now()
    )
    incident = await read_incident(session, effect, services)
    proposal = await find_escalated(session, view.id, incident_id=view.incident_id)
    card = escalation_card(view, incident, services.policy, proposal=proposal)
    return Showing(card, in_channel_of(incident))


CARD = LiveMessage(
    effect=RefreshEscalationCard,
    purpose=ESCALATION_CARD,
    subject=lambda effect: effect.escalation_id,
    look=_look_at_card,
)


# -- the message to a called person ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Called:
    """A called person's call; `may_see` says whether they may still see the incident."""

    view: EscalationView
    call: CallView
    incident: IncidentView
    may_see: bool
    proposal: ProposalView | None
    card_link: str

    @property
    def is_asked(self) -> bool:
        return self.view.is_unanswered and self.call.status is CallStatus.OPEN

    def mention(self, policy: Policy) -> Message:
        link = self.card_link
        return mention_message(self.view, self.call, self.incident, policy, card_link=link)

    def message(self, policy: Policy) -> Message:
        if not self.may_see:
            return hidden_message(self.incident)
        if self.call.medium == Medium.CHANNEL:
            return self.mention(policy)
        return call_message(self.view, self.call, self.incident, policy, proposal=self.proposal)


async def _read_call(
    session: AsyncSession, effect: CallForEscalation | RefreshEscalationCall, services: Services
) -> _Called | Dropped:
    view = await get_escalation_view(
        session, effect.escalation_id, policy=services.policy, now=services.clock.now()
    )
    call = view.find_call(effect.call_id)
    if call is None:
        return Dropped("not called")
    incident = await read_incident(session, effect, services)
    person = await session.get_one(Person, call.person.id)
    is_hidden = await is_hidden_from(session, incident, person)
    proposal = await find_escalated(session, view.id, incident_id=view.incident_id)
    card = await find_posted(session, purpose=CARD.purpose, subject_id=view.id)
    link = (
        permalink(services.workspace.url, channel_id=card.channel_id, ts=card.message_ts)
        if card is not None
        else ""
    )
    return _Called(view, call, incident, may_see=not is_hidden, proposal=proposal, card_link=link)


async def _look_at_call(
    session: AsyncSession, effect: CallForEscalation | RefreshEscalationCall, services: Services
) -> Showing | Dropped:
    """Render the current call message; `call_person` posts the first one."""
    called = await _read_call(session, effect, services)
    if isinstance(called, Dropped):
        return called
    is_mention = called.call.medium == Medium.CHANNEL
    place = (
        in_channel_of(called.incident, unless="not sent here")
        if is_mention
        else ToPeople(unless="not sent")
    )
    return Showing(called.message(services.policy), place)


CALL: LiveMessage[CallForEscalation | RefreshEscalationCall] = LiveMessage(
    effect=RefreshEscalationCall,
    purpose="escalation_call",
    subject=lambda effect: effect.call_id,
    look=_look_at_call,
)


# -- calling --------------------------------------------------------------------------------


async def call_person(context: EffectContext) -> Settlement:
    """Call one person by direct message; if Slack refuses it, mention them in the channel.

    Do not disturb and status are looked up after the call, so that they never delay it.
    """
    effect = context.get(CallForEscalation)
    services = context.services
    async with services.database.reading() as session:
        called = await _read_call(session, effect, services)
    if isinstance(called, Dropped):
        return called
    if not (called.is_asked and called.may_see) and not context.is_uncertain:
        return Dropped("answered before it was sent, or no longer theirs to see")
    call, person, message = (
        called.call,
        called.call.person.external_id,
        called.message(services.policy),
    )
    try:
        direct = await services.gateway.open_direct(person)
        place = await post_once(context, channel_id=direct, message=message)
        # A message sent by an earlier attempt may be outdated.
        if context.is_uncertain:
            await services.gateway.update(*place, message)
    except SlackPermanent as error:
        if not called.may_see:
            return Dropped("no longer theirs to see")
        return await _mention(context, called, error=error.cause)
    attention = await attention_of(services, person)
    away = away_text(
        attention,
        zone=call.person.zone,
        now=services.clock.now(),
        present=services.policy.escalation.present_statuses,
    )

    async def record(uow: UnitOfWork) -> None:
        await CALL.remember(effect, *place)(uow)
        if away:
            await note_unavailable(uow, called.view.id, call.id, how=away)

    return Done(record)


async def _mention(context: EffectContext, called: _Called, *, error: str) -> Settlement:
    """Mention in the channel a person that no direct message reaches.

    If they can't be invited there either, the next step is called at once.

    Raises: SlackPermanent.
    """
    services, view, call = context.services, called.view, called.call
    log.warning("call_not_delivered", error=error, escalation_id=str(view.id))
    channel_id = called.incident.channel_id
    if (
        channel_id is None
        or called.incident.is_channel_archived
        or called.incident.is_channel_exposed
    ):
        raise SlackPermanent(error, method="chat.postMessage")
    is_there = await _bring_in(services, channel_id, call)
    message = called.mention(services.policy)
    place = await post_once(context, channel_id=channel_id, message=message)

    async def record(uow: UnitOfWork) -> None:
        await CALL.remember(context.get(CallForEscalation), *place)(uow)
        await note_medium(uow, view.id, call.id, medium=Medium.CHANNEL)
        if not is_there:
            how = "no direct message reaches them, and they can't be invited to the channel"
            await note_unavailable(uow, view.id, call.id, how=how)

    return Done(record)


async def _bring_in(services: Services, channel_id: str, call: CallView) -> bool:
    """Invite them first: a mention notifies only members of the channel. Return whether they are."""
    try:
        (outcome,) = await services.gateway.invite(channel_id, [call.person.external_id])
    except SlackPermanent as error:
        log.info("not_invited_for_mention", error=error.error)
        return False
    return outcome.error is None


async def attention_of(services: Services, person: str) -> Attention:
    """Return a person's do-not-disturb and status; if Slack doesn't answer, assume none."""
    try:
        return await services.gateway.attention(person)
    except SlackFailure as error:
        log.info("attention_unknown", error=error.error)
        return Attention()


def away_text(
    attention: Attention, *, zone: str, now: datetime, present: tuple[str, ...] = ()
) -> str:
    """Return why a person may not notice a call, or ""; times are in their own zone.

    A status that starts with one of `present` doesn't count.
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


# -- looking up the names of a step ---------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """The people and groups that Slack found, and the names that it doesn't know."""

    people: list[PersonFacts] = field(default_factory=list)
    groups: list[GroupFacts] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    told: list[PagerTold] = field(default_factory=list)


async def look_up_callees(context: EffectContext) -> Settlement:
    """Look up a step's names in Slack; the transaction that stores the people also calls them."""
    effect = context.get(LookUpCallees)
    async with context.services.database.reading() as session:
        step = await session.get(EscalationStep, effect.step_id)
    if step is None or step.status != StepStatus.LOOKING_UP:
        return Dropped("nobody to look up")
    found, services = _Found(), context.services
    for name in await _unknown(services, step):
        await _look_up(services, name, found)
    record = partial(
        _record, escalation_id=effect.escalation_id, step_id=effect.step_id, found=found
    )
    return Done(record)


async def _unknown(services: Services, step: EscalationStep) -> Sequence[str]:
    async with services.database.reading() as session:
        return await names_to_look_up(
            session, step, policy=services.policy, now=services.clock.now()
        )


async def _look_up(services: Services, name: str, found: _Found) -> None:
    """Look up one name of the policy: an address of a pager, a group, an e-mail or a member id."""
    if "/" in name and services.policy.find_pager(name.partition("/")[0]) is not None:
        await _ask_pager(services, name, found)
    elif name.startswith(("@", "S")):
        await _look_up_group(services, name, found)
    elif "@" in name:
        await _look_up_person(services, name, found)
    else:
        await _look_up_people(services, [name], found)


async def _ask_pager(services: Services, address: str, found: _Found) -> None:
    """Ask who is on call at an address; if it can't tell, the fallback is looked up, too."""
    if any(one.address == address for one in found.told):
        return
    told = await who_is_on_call_there(services, address)
    for email in told.emails:
        await _look_up_person(services, email, found)
        if email in found.not_found:
            error = f"it says {email}, and nobody in this workspace has that address"
            told = PagerTold(address=address, error=error)
    found.told.append(told)
    if not told.emails:
        for name in await fallback_names(services):
            await _look_up(services, name, found)


async def _look_up_group(services: Services, name: str, found: _Found) -> None:
    gateway, bare = services.gateway, name.removeprefix("@")
    try:
        group = next((one for one in await gateway.groups() if bare in {one.id, one.handle}), None)
        members: Sequence[str] = await gateway.group_members(group.id) if group else ()
    except SlackPermanent:  # a missing scope or a plan without groups counts as not found
        group, members = None, ()
    if group is None:
        found.not_found.append(name)
    else:
        found.groups.append(GroupFacts(group.id, group.handle, tuple(members)))
        await _look_up_people(services, members, found)


async def _look_up_people(services: Services, user_ids: Sequence[str], found: _Found) -> None:
    """Ask Slack who these people are, except those known already."""
    async with services.database.reading() as session:
        known = await find_people_named(session, user_ids, workspace_id=services.workspace.id)
    for user_id in user_ids:
        person = known.get(user_id)
        if person is not None and person.kind != PersonKind.UNKNOWN:
            continue
        user = await find_user(services, user_id)
        facts = facts_of(user) if user is not None else None
        if facts is None or facts.kind is None:
            found.not_found.append(user_id)
        else:
            found.people.append(facts)


async def _look_up_person(services: Services, email: str, found: _Found) -> None:
    user = await find_user(services, email)
    if user is None:
        found.not_found.append(email)
        return
    facts = facts_of(user)
    # Keep the policy's spelling of the address: Slack's answer may omit it.
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
    await resume_step(
        uow, escalation_id, step_id=step_id, not_found=found.not_found, told=found.told
    )


FEATURE = Feature(
    name="escalation_effects",
    effects={CallForEscalation: call_person, LookUpCallees: look_up_callees},
    live_messages=(CARD, CALL),
)
