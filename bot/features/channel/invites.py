"""Invites people to the incident channel: the declarer, role holders, and people in the policy."""

import uuid
from collections.abc import Iterable
from functools import partial

import structlog

from bot.features.channel.feature import get_incident_row
from bot.features.channel.life import LOST
from bot.framework.acquaintance import facts_of
from bot.framework.effect_context import Done, Dropped, EffectContext, Failed, Settlement
from bot.framework.feature import Feature
from bot.framework.reading import find_user, is_hidden_from
from bot.framework.requests import Services
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway import SlackGateway
from incidents.channel.insiders import find_gone
from incidents.channel.invitations import Invited, record_invitations
from incidents.core.people import Person, PersonKind
from incidents.engine.effects import InvitePerson, InvitePolicyPeople
from incidents.incident.incident import Incident
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_group_members, find_people_named
from incidents.policy.policy import Policy

log = structlog.get_logger(__name__)


async def invite_person(context: EffectContext) -> Settlement:
    """Invite one person to the incident channel."""
    effect = context.get(InvitePerson)
    async with context.services.database.reading() as session:
        person = await session.get(Person, effect.person_id)
        if person is None:
            return Dropped("nobody to invite")
        incident = await get_incident_row(context, session)
        if await is_hidden_from(session, incident, person):
            return Dropped("no longer theirs to see")
    return await _invite(context, incident, [person.external_id], unknown=[])


async def invite_policy_people(context: EffectContext) -> Settlement:
    """Invite the people and groups in the policy; record those not found, and invite the rest."""
    effect = context.get(InvitePolicyPeople)
    services = context.services
    async with services.database.reading() as session:
        incident = await get_incident_row(context, session)
        if not _still_applies(effect, incident, services.policy):
            return Dropped("the incident is private now")
        people = await find_people_named(session, effect.people, workspace_id=services.workspace.id)
        groups = await find_group_members(
            session, effect.groups, workspace_id=services.workspace.id
        )
        gone = await find_gone(session, incident)
    found: list[str] = []
    unknown: list[str] = []
    for name in effect.people:
        user_id = await _invitee(services, name, people.get(name))
        (unknown if user_id is None else found).append(user_id or name)
    for name in effect.groups:
        members = groups.get(name)
        if members is None:
            members = await _members_of(services.gateway, name)
        if members is None:
            unknown.append(name)
        else:
            found.extend(await _let_in(services, members))
    invited = [one for one in dict.fromkeys(found) if one not in gone]
    return await _invite(context, incident, invited, unknown=unknown)


async def _let_in(services: Services, user_ids: Iterable[str]) -> list[str]:
    """Return the members of a group who may be invited; new ones are looked up."""
    wanted = list(user_ids)
    async with services.database.reading() as session:
        known = await find_people_named(session, wanted, workspace_id=services.workspace.id)
    invitees = [await _invitee(services, one, known.get(one)) for one in wanted]
    return [one for one in invitees if one is not None]


async def _invitee(services: Services, name: str, person: Person | None) -> str | None:
    """Return the id of a person in the policy who may be invited, else None.

    Strangers never are, whatever address they have; somebody new is looked up.
    """
    if person is not None and person.kind != PersonKind.UNKNOWN:
        return person.external_id if why_not_reachable(person) is None else None
    user = await find_user(services, name)
    if user is None or not user.is_active or facts_of(user).kind in _NOT_INVITED:
        return None
    return user.id


# Guests neither join channels themselves nor can a bot invite them.
GUESTS = frozenset({"ura_max_channels", "user_is_restricted", "user_is_ultra_restricted"})

# Trying again can't help: guests, deactivated accounts, names that match nobody.
FINAL = GUESTS | frozenset(
    {
        "no_user",
        "not_found",
        "user_disabled",
        "user_not_found",
        "users_not_found",
    }
)
_NOT_INVITED = frozenset({PersonKind.EXTERNAL, PersonKind.BOT, None})


def _still_applies(effect: InvitePolicyPeople, incident: Incident, policy: Policy) -> bool:
    """Tell whether the invitation still applies: private incidents admit only `private.invite`."""
    let_in = {str(ref) for ref in policy.private.invite}
    return not incident.is_private or let_in.issuperset((*effect.people, *effect.groups))


async def _members_of(gateway: SlackGateway, name: str) -> tuple[str, ...] | None:
    wanted = name.removeprefix("@")
    try:
        for group in await gateway.groups():
            if wanted in {group.id, group.handle}:
                return tuple(await gateway.group_members(group.id))
    except SlackPermanent:  # a missing scope, or a plan without groups: still invite the others
        return None
    return None


async def _invite(
    context: EffectContext, incident: Incident, user_ids: list[str], *, unknown: list[str]
) -> Settlement:
    channel_id = incident.channel_id
    if channel_id is None:
        return Dropped("no channel to invite to")
    try:
        outcomes = await context.services.gateway.invite(channel_id, user_ids)
    except SlackPermanent as refusal:
        if refusal.error in LOST:
            raise  # `while_channel_lasts` checks and records it
        invited = [Invited(user_id, refusal.cause) for user_id in user_ids]
    else:
        invited = [Invited(outcome.user_id, outcome.error) for outcome in outcomes]
        await _answer_declarer(context, incident.id, channel_id)
    invited += [Invited(name, "not_found") for name in unknown]
    record = partial(
        record_invitations,
        incident_id=incident.id,
        channel_id=channel_id,
        invited=invited,
        effect_id=context.effect_id,
    )
    causes = [one.error for one in invited if one.error is not None and one.error not in FINAL]
    return Failed(causes[0], record) if causes else Done(record)


async def _answer_declarer(context: EffectContext, incident_id: uuid.UUID, channel_id: str) -> None:
    """Give the declarer the channel's link, at most once: the invitation shows it, too."""
    _, answer = context.services.waiting.pop(incident_id, ("", None))
    if answer is None:
        return
    try:
        await answer(channel_id)
    except SlackFailure as error:
        log.info("answer_not_delivered", error=error.error)


FEATURE = Feature(
    name="invites",
    effects={InvitePerson: invite_person, InvitePolicyPeople: invite_policy_people},
)
