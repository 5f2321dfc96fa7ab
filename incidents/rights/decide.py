"""Who may do what: `decide()` is the only check and pure; `permit()` gathers its facts."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import NeedsApproval, NotPermitted
from incidents.core.people import (
    Actor,
    PeopleGroup,
    Person,
    PersonKind,
    own_address,
    shared_handles,
)
from incidents.incident.incident import Incident, find_participant
from incidents.incident.roles import current_roles
from incidents.policy.policy import Action, Policy, Rights
from incidents.policy.proposals import Proposals
from incidents.policy.references import Grantee, GroupRef, Invitee, PersonRef, RoleRef, Standing
from incidents.rights.acting_stage import stage_in
from incidents.rights.stages import Stage, is_among, levels_of, mentees_of


class Verdict(StrEnum):
    """The possible answers of `decide()`."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict; if it is a refusal, `needs` says who may (keys of the policy)."""

    verdict: Verdict
    needs: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Tell whether the actor may go ahead now."""
        return self.verdict is Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """The actor's standing in the incident: the facts that rights depend on."""

    is_in_channel: bool = False
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # ids and handles of the groups the actor is in
    email: str | None = None  # None as well if others have the same address
    is_peer: bool = False
    is_senior: bool = False
    # Supervises the person concerned; if the action concerns nobody, supervises anybody.
    is_mentor: bool = False
    is_manager: bool = False
    # Their stage in this incident.
    stage: Stage = Stage.SOLO

    @property
    def is_responder(self) -> bool:
        """Tell whether the actor holds a role or is in the incident channel."""
        return self.is_in_channel or bool(self.roles)


def decide(
    actor: Actor,
    action: Action,
    facts: StandingFacts,
    *,
    rights: Rights,
    proposals: Proposals | None = None,
) -> Decision:
    """Decide whether the actor may do this, given their standing in the incident.

    Systems may do what `incidents/core/systems.py` lists. Below solo, people need approval for
    the actions that `proposals` lists for their stage, and destroy nothing.
    """
    if not actor.is_person:
        is_listed = actor.system is not None and action in actor.system.may
        return Decision(Verdict.ALLOWED) if is_listed else Decision(Verdict.REFUSED, ("member",))
    if not actor.is_active:
        return Decision(Verdict.REFUSED, ("active",))
    if actor.person_kind is not PersonKind.MEMBER and action not in _without_membership(
        actor, rights
    ):
        return Decision(Verdict.REFUSED, ("member",))
    grantees = rights.who_may(action)
    if not any(_grants(grantee, actor, facts) for grantee in grantees):
        return Decision(Verdict.REFUSED, tuple(str(grantee) for grantee in grantees))
    if action in _SOLO_ONLY and facts.stage is not Stage.SOLO:
        return Decision(Verdict.REFUSED, ("solo",))
    if proposals is not None and proposals.guards(action, stage=facts.stage):
        return Decision(Verdict.NEEDS_APPROVAL)
    return Decision(Verdict.ALLOWED)


def _without_membership(actor: Actor, rights: Rights) -> frozenset[Action]:
    """Return what the actor may do without being known as a member."""
    allowed = frozenset(rights.guests_may)
    return allowed | _AT_ONCE if actor.person_kind is PersonKind.UNKNOWN else allowed


# An incident doesn't wait until the chat service says who declares it.
_AT_ONCE = frozenset({Action.DECLARE, Action.ADD_NOTE})


# What can't be undone, and needs a second person who depends on nobody's sign-off.
_SOLO_ONLY = frozenset({Action.REDACT_ENTRY})


def _grants(grantee: Grantee, actor: Actor, facts: StandingFacts) -> bool:
    match grantee:
        case Standing.ANYONE:
            return True
        case Standing.RESPONDER:
            return facts.is_responder
        case Standing.PEER:
            return facts.is_peer and actor.person_kind is PersonKind.MEMBER
        case Standing.SENIOR:
            return facts.is_senior and actor.person_kind is PersonKind.MEMBER
        case Standing.MENTOR:
            return facts.is_mentor
        case Standing.MANAGER:
            return facts.is_manager
        case RoleRef(key=key):
            return key in facts.roles
        case PersonRef(user_id=user_id, email=email):
            if user_id:
                return user_id == actor.external_id
            return facts.email is not None and (email or "").lower() == facts.email
        case GroupRef(group_id=group_id, handle=handle):
            return (group_id or handle) in facts.groups


async def permit(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    *,
    incident: Incident | None,
    policy: Policy,
    workspace_id: uuid.UUID,
    subject_id: uuid.UUID | None = None,
) -> None:
    """Return quietly if the actor may do this.

    `subject_id` is the person concerned, whose mentors may act.

    Raises: NotPermitted, with who may; NeedsApproval, if they may once somebody approves.
    """
    without_facts = decide(actor, action, StandingFacts(), rights=policy.rights)
    # Only the facts tell whether a guarded action needs approval, even if everybody has the right.
    is_guarded = actor.is_person and policy.proposals.guard_of(action) is not None
    if without_facts.is_allowed and not is_guarded and action not in _SOLO_ONLY:
        return
    facts = await gather_standing(
        session,
        actor,
        incident=incident,
        policy=policy,
        workspace_id=workspace_id,
        subject_id=subject_id,
    )
    decision = decide(actor, action, facts, rights=policy.rights, proposals=policy.proposals)
    incident_id = incident.id if incident is not None else None
    match decision.verdict:
        case Verdict.REFUSED:
            raise NotPermitted(action, ", ".join(decision.needs), incident_id=incident_id)
        case Verdict.NEEDS_APPROVAL:
            raise NeedsApproval(action, incident_id=incident_id)
        case Verdict.ALLOWED:
            return


async def gather_standing(
    session: AsyncSession,
    actor: Actor,
    *,
    incident: Incident | None,
    policy: Policy,
    workspace_id: uuid.UUID,
    subject_id: uuid.UUID | None = None,
) -> StandingFacts:
    """Return the actor's standing in the incident, from the database."""
    if actor.person_id is None:
        return StandingFacts()
    person = await session.get(Person, actor.person_id)
    groups = await _groups_of(session, actor, workspace_id=workspace_id)
    levels = await levels_of(
        session, workspace_id=workspace_id, person_id=actor.person_id, policy=policy
    )
    mentees = await mentees_of(
        session, workspace_id=workspace_id, mentor_id=actor.person_id, policy=policy
    )
    general = StandingFacts(
        groups=groups,
        email=await own_address(session, person),
        is_peer=levels.is_peer,
        is_senior=levels.is_senior,
        is_mentor=bool(mentees) if subject_id is None else subject_id in mentees,
        is_manager=await is_among(
            session, actor.person_id, _all_managers(policy), workspace_id=workspace_id
        ),
    )
    if incident is None:
        return general
    part = await find_participant(session, incident_id=incident.id, person_id=actor.person_id)
    held = await current_roles(session, incident.id)
    roles = frozenset(role.role_key for role in held if role.person_id == actor.person_id)
    return replace(
        general,
        is_in_channel=part is not None and part.is_in_channel,
        roles=roles,
        is_manager=await is_among(
            session,
            actor.person_id,
            managers_named(policy, incident.services),
            workspace_id=workspace_id,
        ),
        stage=await stage_in(
            session, incident, person_id=actor.person_id, roles=roles, levels=levels
        ),
    )


def managers_named(policy: Policy, services: Iterable[str]) -> tuple[Invitee, ...]:
    """Return the managers of these services, else the policy's general manager."""
    found = (policy.find_service(key) for key in services)
    own = tuple(item.manager for item in found if item is not None and item.manager is not None)
    common = policy.escalation.manager
    return own or ((common,) if common is not None else ())


def _all_managers(policy: Policy) -> tuple[Invitee, ...]:
    """Return every manager that the policy names: for what belongs to no incident."""
    named = (policy.escalation.manager, *(service.manager for service in policy.services))
    return tuple(one for one in named if one is not None)


async def _groups_of(
    session: AsyncSession, actor: Actor, *, workspace_id: uuid.UUID
) -> frozenset[str]:
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        PeopleGroup.member_external_ids.contains(actor.external_id or " "),
    )
    groups = [
        group
        for group in (await session.execute(query)).scalars()
        if actor.external_id in group.member_external_ids.split()
    ]
    shared = await shared_handles(
        session, [group.handle for group in groups], workspace_id=workspace_id
    )
    return frozenset(
        name for group in groups for name in (group.external_id, group.handle) if name not in shared
    )
