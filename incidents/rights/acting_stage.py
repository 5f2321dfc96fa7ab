"""A person's stage in one incident, from the roles they hold and have held in it.

A stage can apply to one role or one service. Giving up a role or removing a service doesn't change
a person's stage in that incident.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.incident.entries import Edited, FieldChange
from incidents.incident.incident import Incident
from incidents.incident.roles import current_roles, roles_ever_held
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import COMMANDER, Policy
from incidents.rights.stages import Levels, Stage, levels_of


async def stage_in(
    session: AsyncSession,
    incident: Incident,
    *,
    person_id: uuid.UUID,
    roles: frozenset[str],
    levels: Levels,
) -> Stage:
    """Return the stage as commander if they are it, else the lowest of their roles so far.

    `roles` are the ones held now; without any, their general stage counts too.
    """
    if levels.is_peer:
        return Stage.SOLO
    acting: set[str | None] = {COMMANDER}
    if COMMANDER not in roles:
        ever = await roles_ever_held(session, incident.id, person_id=person_id)
        acting = {*(roles or {None}), *ever}
    taken_off = await _taken_off(session, incident, person_id=person_id, levels=levels)
    services = {*incident.services, *taken_off}
    rank = incident.severity_rank
    return min(
        levels.stage(role_key=role, services=services, severity_rank=rank) for role in acting
    )


async def is_supervised_in(
    session: AsyncSession, incident: Incident, *, person_id: uuid.UUID, policy: Policy
) -> bool:
    """Tell whether somebody is below solo in this incident."""
    levels = await levels_of(
        session, workspace_id=incident.workspace_id, person_id=person_id, policy=policy
    )
    held = await current_roles(session, incident.id)
    roles = frozenset(role.role_key for role in held if role.person_id == person_id)
    stage = await stage_in(session, incident, person_id=person_id, roles=roles, levels=levels)
    return stage is not Stage.SOLO


async def _taken_off(
    session: AsyncSession, incident: Incident, *, person_id: uuid.UUID, levels: Levels
) -> set[str]:
    """Return the services that this person removed from the incident.

    A redacted change may have removed any service, so all that they have a stage for count.
    """
    query = select(TimelineEntry.content).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.kind == Edited.kind,
        TimelineEntry.actor_id == person_id,
    )
    found: set[str] = set()
    for content in (await session.execute(query)).scalars():
        edited = Edited.read(content)
        if edited is None:
            found |= {scope.service_key for scope in levels.by_scope if scope.service_key}
            continue
        change = edited.changes.get("services", FieldChange())
        found |= set(change.old) - set(change.new)
    return found
