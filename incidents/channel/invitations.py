"""Invitations to the incident channel, as the record knows them.

Refusals that come together are a batch: one message tells each reader about all of them, and its
*Retry* tries them all again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.entries import InviteRefused, RefusedInvite
from incidents.channel.events import RefusedInvitesChanged
from incidents.channel.insiders import find_gone
from incidents.core.errors import Superseded
from incidents.core.people import Person, PersonFacts, find_person, save_person
from incidents.core.sentences import Who
from incidents.engine.entries import EffectRetried
from incidents.engine.outbox import EffectRow, EffectStatus, get_effects
from incidents.engine.settling import requeue
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, Participant, save_participant
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action

# What follows the last refusal within this time is told together with it.
TOGETHER_WITHIN = timedelta(minutes=2)

_UNDER_WAY = (EffectStatus.PENDING, EffectStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Invited:
    """The result of one invitation; `error` is None if the person is in."""

    external_id: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedNow:
    """One person of a batch: the refusal; can it be retried, is it being tried, are they in?"""

    refused: RefusedInvite
    can_retry: bool = False
    is_tried: bool = False
    is_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBatch:
    """Invitations refused together, as they are now; `refusals` counts how often."""

    id: uuid.UUID
    refusals: int
    people: tuple[RefusedNow, ...] = ()


async def record_invitations(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    channel_id: str,
    invited: Sequence[Invited],
    effect_id: uuid.UUID | None = None,
) -> None:
    """Record who is invited (a private incident becomes visible to them) and who can't be.

    Records nothing if the incident has left that channel: it may continue without them.
    """
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id != channel_id:
        return
    # Others may have been recorded in this transaction: the queries below have to find them.
    await uow.flush()
    gone = await find_gone(uow.session, incident)
    refused: list[RefusedInvite] = []
    for one in invited:
        person = await find_person(
            uow.session, workspace_id=uow.workspace_id, external_id=one.external_id
        )
        if one.error is not None:
            refused.append(RefusedInvite(person=_named(person, one), error=one.error))
        elif one.external_id not in gone:  # else sight was taken back while they were being invited
            await _let_in(uow, incident, person, one.external_id)
    batch_id = await _batch_of(uow, incident.id, effect_id) if effect_id is not None else None
    if refused:
        own = batch_id or await _latest_batch(uow, incident.id) or effect_id
        entry = InviteRefused(refused=tuple(refused), effect_id=effect_id, batch_id=own)
        uow.record(incident, entry)
    elif batch_id is not None:
        await _say_changed(uow, incident, batch_id)


def _named(person: Person | None, invited: Invited) -> Who:
    if person is None:  # an id that we don't know may be an address or a group that matched nobody
        return Who(invited.external_id)
    return Who(person.name, person.id, "" if person.name else person.external_id)


async def _let_in(
    uow: UnitOfWork, incident: Incident, person: Person | None, external_id: str
) -> None:
    if person is None:
        facts = PersonFacts(external_id)
        person = await save_person(uow.session, facts, workspace_id=uow.workspace_id)
    part = await save_participant(
        uow.session, incident_id=incident.id, person_id=person.id, invited_at=uow.now
    )
    # Inviting adds them at once; the event of their joining may be late or lost.
    part.is_in_channel = part.is_in_channel or part.left_at is None


async def retry_invitations(uow: UnitOfWork, batch_id: uuid.UUID) -> Outcome:
    """Requeue the refused invitations of a batch.

    Raises: Superseded if none is left to retry; IncidentNotFound; NotPermitted.
    """
    query = select(EffectRow.incident_id).where(
        EffectRow.id == batch_id, EffectRow.workspace_id == uow.workspace_id
    )
    incident_id = (await uow.session.execute(query)).scalar_one_or_none()
    if incident_id is None:
        raise Superseded("effect")
    incident = await uow.get_incident(ById(incident_id))
    await uow.permit(Action.RETRY_EFFECT, incident)
    entries = await _entries_of(uow.session, incident_id, batch_id)
    rows = await get_effects(uow.session, {one.effect_id for one in entries if one.effect_id})
    dead = [row for row in rows.values() if row.status == EffectStatus.DEAD]
    if not dead:
        raise Superseded("effect")
    for row in dead:
        await requeue(uow.session, row, now=uow.now)
        uow.record(incident, EffectRetried(effect_id=row.id, effect_kind=row.kind))
    uow.wake_others()
    await _say_changed(uow, incident, batch_id)
    return Outcome("effect_retried", incident.id, {"effect_kind": dead[0].kind})


async def note_arrival(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> None:
    """Update what was said about somebody's refused invitation, now that they are in."""
    await uow.flush()
    for entry in await _refusals(uow.session, incident.id):
        if entry.batch_id is not None and person_id in {one.id for one in entry.people}:
            await _say_changed(uow, incident, entry.batch_id)
            return


async def get_refused_batch(
    session: AsyncSession, incident_id: uuid.UUID, batch_id: uuid.UUID
) -> RefusedBatch:
    """Return the batch: each person once, with the latest refusal."""
    entries = await _entries_of(session, incident_id, batch_id)
    statuses = await _statuses(session, {one.effect_id for one in entries if one.effect_id})
    inside = select(Participant.person_id).where(
        Participant.incident_id == incident_id, Participant.is_in_channel.is_(True)
    )
    there = set((await session.execute(inside)).scalars())
    people: dict[uuid.UUID | str, RefusedNow] = {}
    for entry in entries:
        status = statuses.get(entry.effect_id)
        for one in entry.refused:
            people[one.person.id or one.person.name] = RefusedNow(
                refused=one,
                can_retry=status == EffectStatus.DEAD,
                is_tried=status in _UNDER_WAY,
                is_in=one.person.id in there,
            )
    return RefusedBatch(id=batch_id, refusals=len(entries), people=tuple(people.values()))


async def _statuses(
    session: AsyncSession, effect_ids: set[uuid.UUID]
) -> dict[uuid.UUID | None, str]:
    query = select(EffectRow.id, EffectRow.status).where(EffectRow.id.in_(effect_ids))
    found = await session.execute(query)
    return {row[0]: row[1] for row in found}


async def _say_changed(uow: UnitOfWork, incident: Incident, batch_id: uuid.UUID) -> None:
    entries = await _entries_of(uow.session, incident.id, batch_id)
    people = {person: None for entry in entries for person in entry.people}
    uow.emit(RefusedInvitesChanged(batch_id=batch_id, people=tuple(people)), incident)


async def _batch_of(
    uow: UnitOfWork, incident_id: uuid.UUID, effect_id: uuid.UUID
) -> uuid.UUID | None:
    """Return the batch of an effect that was refused before."""
    found = (
        one.batch_id
        for one in await _refusals(uow.session, incident_id)
        if one.effect_id == effect_id
    )
    return next(found, None)


async def _latest_batch(uow: UnitOfWork, incident_id: uuid.UUID) -> uuid.UUID | None:
    entries = await _refusals(uow.session, incident_id, since=uow.now - TOGETHER_WITHIN)
    return next((one.batch_id for one in entries if one.batch_id is not None), None)


async def _entries_of(
    session: AsyncSession, incident_id: uuid.UUID, batch_id: uuid.UUID
) -> list[InviteRefused]:
    entries = await _refusals(session, incident_id)
    return [one for one in reversed(entries) if one.batch_id == batch_id]


async def _refusals(
    session: AsyncSession, incident_id: uuid.UUID, *, since: datetime | None = None
) -> list[InviteRefused]:
    """Return the incident's refused invitations, the latest first."""
    query = (
        select(TimelineEntry.content)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind == InviteRefused.kind)
        .order_by(TimelineEntry.sequence.desc())
    )
    if since is not None:
        query = query.where(TimelineEntry.recorded_at >= since)
    read = [InviteRefused.read(content) for content in (await session.execute(query)).scalars()]
    return [one for one in read if one is not None]
