"""Who may do what: `decide()` is the one check, pure; `permit()` gathers its facts and asks it."""

import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.errors import NotPermitted
from incidents.incident import Incident, find_participant
from incidents.people import Actor, PeopleGroup, Person, PersonKind
from incidents.policy import Action, Policy, Rights
from incidents.policy_refs import Grantee, GroupRef, PersonRef, RoleRef, Standing
from incidents.roles import current_roles
from incidents.stages import levels_of, mentees_of


class Verdict(StrEnum):
    """What `decide()` can say."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, and who may instead (keys of the policy) when it isn't allowed."""

    verdict: Verdict
    needs: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Tell whether the actor may go ahead now."""
        return self.verdict is Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """What the actor is to the incident: the facts that rights speak of."""

    is_in_channel: bool = False
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # ids and handles of the groups the actor is in
    email: str | None = None
    is_senior: bool = False
    # Supervises the person it is about; where it is about nobody in particular, anybody at all.
    is_mentor: bool = False

    @property
    def is_responder(self) -> bool:
        """Tell whether the actor holds a role or is in the incident channel."""
        return self.is_in_channel or bool(self.roles)


def decide(actor: Actor, action: Action, facts: StandingFacts, *, rights: Rights) -> Decision:
    """Say whether the actor may do this, given what they are to the incident."""
    if not actor.is_person:
        return Decision(Verdict.ALLOWED)
    if actor.person_kind is not PersonKind.MEMBER and action not in rights.guests_may:
        return Decision(Verdict.REFUSED, ("member",))
    grantees = rights.who_may(action)
    if any(_grants(grantee, actor, facts) for grantee in grantees):
        return Decision(Verdict.ALLOWED)
    return Decision(Verdict.REFUSED, tuple(str(grantee) for grantee in grantees))


def _grants(grantee: Grantee, actor: Actor, facts: StandingFacts) -> bool:
    match grantee:
        case Standing.ANYONE:
            return True
        case Standing.RESPONDER:
            return facts.is_responder
        case Standing.SENIOR:
            return facts.is_senior and actor.person_kind is PersonKind.MEMBER
        case Standing.MENTOR:
            return facts.is_mentor
        case RoleRef(key=key):
            return key in facts.roles
        case PersonRef(user_id=user_id, email=email):
            return user_id == actor.external_id if user_id else email == facts.email
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
    """Return quietly if the actor may do this. Raises: NotPermitted, with who may.

    `subject_id` is the person it is done to or about, for whom mentors may act.
    """
    without_facts = decide(actor, action, StandingFacts(), rights=policy.rights)
    if without_facts.is_allowed:
        return
    facts = await gather_standing(
        session,
        actor,
        incident=incident,
        policy=policy,
        workspace_id=workspace_id,
        subject_id=subject_id,
    )
    decision = decide(actor, action, facts, rights=policy.rights)
    if not decision.is_allowed:
        raise NotPermitted(action=action, needs=", ".join(decision.needs))


async def gather_standing(
    session: AsyncSession,
    actor: Actor,
    *,
    incident: Incident | None,
    policy: Policy,
    workspace_id: uuid.UUID,
    subject_id: uuid.UUID | None = None,
) -> StandingFacts:
    """Return what the actor is to the incident, from the database."""
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
        email=person.email if person else None,
        is_senior=levels.is_senior,
        is_mentor=bool(mentees) if subject_id is None else subject_id in mentees,
    )
    if incident is None:
        return general
    part = await find_participant(session, incident_id=incident.id, person_id=actor.person_id)
    held = await current_roles(session, incident.id)
    return replace(
        general,
        is_in_channel=part is not None and part.is_in_channel,
        roles=frozenset(role.role_key for role in held if role.person_id == actor.person_id),
    )


async def _groups_of(
    session: AsyncSession, actor: Actor, *, workspace_id: uuid.UUID
) -> frozenset[str]:
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        PeopleGroup.member_external_ids.contains(actor.external_id or " "),
    )
    groups = (await session.execute(query)).scalars()
    return frozenset(
        name
        for group in groups
        if actor.external_id in group.member_external_ids.split()
        for name in (group.external_id, group.handle)
    )
