"""Who may approve a proposal, and who to tell: the commander, mentors, people in the policy."""

import uuid
from collections.abc import Iterable

from sqlalchemy import select

from incidents.core.errors import MayNotAnswer, NeedsApproval, NotPermitted
from incidents.core.people import Person, PersonKind, actor_of
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById, Incident, Participant, find_incident
from incidents.incident.roles import current_roles
from incidents.people.directory import find_group_members, find_people_named
from incidents.policy.policy import COMMANDER, Action
from incidents.policy.references import GroupRef, PersonRef, Standing
from incidents.proposals.tables import Proposal
from incidents.rights.decide import gather_standing, managers_named, permit
from incidents.rights.stages import Stage, mentors_of

# So that one restart doesn't wake a whole department.
MOST_TOLD = 10
MOST_NAMED = 5
# In a crowded channel, so that nobody waits for the search; everybody there sees the card.
MOST_LOOKED_AT = 30

_EVERYBODYS = frozenset({Standing.ANYONE, Standing.RESPONDER, Standing.PEER, Standing.SENIOR})


async def check_answerer(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Check that the actor may approve or decline. Raises: MayNotAnswer, with who may."""
    person_id = uow.actor.person_id
    person = await uow.session.get(Person, person_id) if person_id is not None else None
    if person is not None and await may_answer(uow, incident, proposal, person):
        return
    is_own = person_id == proposal.requested_by_id
    # Only the requester may learn who their mentors are.
    found = await find_approvers(uow, incident, proposal, is_wide=False, has_mentors=is_own)
    grantees = uow.policy.rights.who_may(proposal.approving) if proposal.approving else ()
    raise MayNotAnswer(
        is_own=is_own,
        who=tuple(one.name for one in found[:MOST_NAMED]),
        needs=", ".join(str(item) for item in grantees),
    )


async def may_answer(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, person: Person
) -> bool:
    """Tell whether this person may approve: has the right, is solo here, isn't the requester."""
    action = proposal.approving
    if action is None or person.id == proposal.requested_by_id or not person.is_active:
        return False
    if not await may(uow, incident, person, action, subject_id=proposal.requested_by_id):
        return False
    facts = await gather_standing(
        uow.session,
        actor_of(person),
        incident=incident,
        policy=uow.policy,
        workspace_id=uow.workspace_id,
    )
    return facts.stage is Stage.SOLO


async def may(
    uow: UnitOfWork,
    incident: Incident,
    person: Person,
    action: Action,
    *,
    subject_id: uuid.UUID | None = None,
) -> bool:
    """Tell whether a person, not only the actor, has a right in the incident and can see it."""
    viewer = actor_of(person)
    ref = ById(incident.id)
    seen = await find_incident(uow.session, ref, workspace_id=uow.workspace_id, viewer=viewer)
    if seen is None:
        return False
    try:
        await permit(
            uow.session,
            viewer,
            action,
            incident=incident,
            policy=uow.policy,
            workspace_id=uow.workspace_id,
            subject_id=subject_id,
        )
    except (NotPermitted, NeedsApproval):
        return False
    return True


async def find_approvers(
    uow: UnitOfWork,
    incident: Incident,
    proposal: Proposal,
    *,
    is_wide: bool,
    has_mentors: bool = True,
) -> list[Person]:
    """Return who could approve, nearest first; `is_wide` adds people who are in the channel.

    Nobody outside a private incident or a drill learns of it.
    """
    candidates = await mentors_and_commander(
        uow, incident, proposal.requested_by_id, has_mentors=has_mentors
    )
    candidates += await _others(uow, incident, proposal, is_wide=is_wide)
    found: list[Person] = []
    for person_id in dict.fromkeys(candidates):
        person = await uow.session.get(Person, person_id)
        if person is None or person.kind != PersonKind.MEMBER or len(found) >= MOST_TOLD:
            continue
        if incident.is_drill and not await _takes_part(uow, incident, person_id):
            continue
        if await may_answer(uow, incident, proposal, person):
            found.append(person)
    return found


async def mentors_and_commander(
    uow: UnitOfWork, incident: Incident, person_id: uuid.UUID, *, has_mentors: bool = True
) -> list[uuid.UUID]:
    """Return the commander and the person's mentors if they see the incident, never the person."""
    held = await current_roles(uow.session, incident.id)
    wanted = [role.person_id for role in held if role.role_key == COMMANDER]
    if has_mentors:
        wanted += await mentors_of(
            uow.session, workspace_id=uow.workspace_id, person_id=person_id, policy=uow.policy
        )
    found: list[uuid.UUID] = []
    for one in dict.fromkeys(wanted):
        person = await uow.session.get(Person, one)
        if person is None or not person.is_active or one == person_id:
            continue
        is_known = not incident.is_drill or await _takes_part(uow, incident, one)
        if is_known and await may(uow, incident, person, Action.VIEW):
            found.append(one)
    return found


async def _others(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, *, is_wide: bool
) -> list[uuid.UUID]:
    held = await current_roles(uow.session, incident.id)
    named = await _named_by_policy(uow, incident, proposal)
    found = [*(role.person_id for role in held), *(person.id for person in named)]
    if is_wide and _is_for_everybody(uow, proposal):
        query = (
            select(Participant.person_id)
            .where(Participant.incident_id == incident.id, Participant.is_in_channel)
            .order_by(Participant.joined_at, Participant.id)
            .limit(MOST_LOOKED_AT)
        )
        found += (await uow.session.execute(query)).scalars()
    return found


def _is_for_everybody(uow: UnitOfWork, proposal: Proposal) -> bool:
    """Tell whether being in the channel may be enough; the policy's other people are known."""
    grantees = uow.policy.rights.who_may(proposal.approving) if proposal.approving else ()
    return not _EVERYBODYS.isdisjoint(grantees)


async def _named_by_policy(
    uow: UnitOfWork, incident: Incident, proposal: Proposal
) -> Iterable[Person]:
    grantees = uow.policy.rights.who_may(proposal.approving) if proposal.approving else ()
    if Standing.MANAGER in grantees:
        grantees = (*grantees, *managers_named(uow.policy, incident.services))
    groups = [str(item) for item in grantees if isinstance(item, GroupRef)]
    members = await find_group_members(uow.session, groups, workspace_id=uow.workspace_id)
    names = [str(item) for item in grantees if isinstance(item, PersonRef)]
    names += [external_id for group in members.values() for external_id in group]
    people = await find_people_named(uow.session, names, workspace_id=uow.workspace_id)
    return people.values()


async def _takes_part(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    query = select(Participant.id).where(
        Participant.incident_id == incident.id, Participant.person_id == person_id
    )
    found = (await uow.session.execute(query)).scalar_one_or_none()
    return found is not None or incident.declared_by_id == person_id
