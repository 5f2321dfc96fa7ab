"""The postmortem of an incident as a file: gather its facts for a viewer, then render them."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor
from incidents.core.signing import SigningKey, head_line
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.payload import EntryTypes, decode, people_of
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import (
    EntryView,
    PersonView,
    entry_view,
    get_incident_view,
    people_views,
)
from incidents.policy.policy import Policy
from incidents.postmortem.action_items import action_items_of
from incidents.postmortem.draft import PostmortemFacts, render_markdown
from incidents.postmortem.durations import RoleSpan
from incidents.postmortem.postmortem import find_postmortem_view
from incidents.record.corrections import CORRECTIONS, correct
from incidents.record.entries import RECORD_TYPES


@dataclass(frozen=True, slots=True)
class PostmortemFile:
    """A rendered postmortem: `content` is UTF-8 Markdown."""

    name: str
    content: bytes


async def build_postmortem(
    session: AsyncSession,
    ref: IncidentRef,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    template: str,
    policy: Policy,
    entry_types: EntryTypes,
    now: datetime,
    signer: SigningKey | None = None,
) -> PostmortemFile:
    """Return the newest postmortem of an incident, or what its draft would be now.

    Its last line says up to which entry of the record it goes.

    Raises: IncidentNotFound, also if the viewer may not see it.
    """
    facts = await gather_postmortem(
        session,
        ref,
        workspace_id=workspace_id,
        viewer=viewer,
        policy=policy,
        entry_types=entry_types,
        now=now,
    )
    text = render_markdown(facts, template=template).rstrip("\n")
    incident = await session.get_one(Incident, facts.incident.id)
    line = head_line(str(incident.id), incident.chain_head, signer)
    return PostmortemFile(file_name(facts), f"{text}\n\n{line}.\n".encode())


def file_name(facts: PostmortemFacts) -> str:
    """Return the file's name, such as `inc-12-postmortem-v1.md` or `…-v1-final.md`."""
    reference = facts.incident.reference.lower()
    if facts.postmortem is None:
        return f"{reference}-postmortem-preview.md"
    final = "-final" if facts.postmortem.is_published else ""
    return f"{reference}-postmortem-v{facts.postmortem.version}{final}.md"


async def gather_postmortem(
    session: AsyncSession,
    ref: IncidentRef,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    policy: Policy,
    entry_types: EntryTypes,
    now: datetime,
) -> PostmortemFacts:
    """Return what the postmortem is made from. Raises: IncidentNotFound."""
    incident = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    entries = await _entries(session, incident.id)
    roles = await _role_rows(session, incident.id)
    postmortem = await find_postmortem_view(session, incident.id)
    owner_id = postmortem.owner_id if postmortem else None
    named = (decode(entry.kind, entry.content, entry_types).payload for entry in entries)
    wanted = {who.id for payload in named for who in people_of(payload) if who.id is not None}
    wanted |= {owner_id} if owner_id is not None else set()
    people = await _people(session, entries, roles, wanted)
    by_id = {person.id: person for person in people}
    return PostmortemFacts(
        incident=incident,
        entries=entries,
        entry_types=entry_types,
        roles=_role_spans(roles, by_id, policy=policy),
        people=people,
        action_items=await action_items_of(session, incident.id),
        sections=policy.postmortem.sections,
        now=now,
        postmortem=postmortem,
        owner=by_id.get(owner_id) if owner_id else None,
    )


def standing_entries(rows: Iterable[TimelineEntry]) -> tuple[EntryView, ...]:
    """Return the entries as they read now, without withdrawn ones, in the order of display."""
    rows = sorted(rows, key=lambda row: row.sequence)
    corrections = [row for row in rows if row.kind in CORRECTIONS]
    standing: list[EntryView] = []
    for row in rows:
        if row.kind in CORRECTIONS:
            continue
        targeting = [one for one in corrections if one.target_id == row.id]
        now_reads = correct(row, targeting, entry_types=RECORD_TYPES)
        if now_reads.is_withdrawn:
            continue
        view = replace(
            entry_view(row),
            occurred_at=now_reads.occurred_at,
            content=dict(now_reads.content),
            is_redacted=now_reads.is_redacted,
        )
        standing.append(view)
    return tuple(sorted(standing, key=lambda entry: (entry.occurred_at, entry.sequence)))


async def _entries(session: AsyncSession, incident_id: uuid.UUID) -> tuple[EntryView, ...]:
    query = select(TimelineEntry).where(TimelineEntry.incident_id == incident_id)
    return standing_entries((await session.execute(query)).scalars())


async def _role_rows(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[RoleAssignment]:
    query = (
        select(RoleAssignment)
        .where(RoleAssignment.incident_id == incident_id)
        .order_by(RoleAssignment.started_at, RoleAssignment.id)
    )
    return (await session.execute(query)).scalars().all()


async def _people(
    session: AsyncSession,
    entries: Iterable[EntryView],
    roles: Iterable[RoleAssignment],
    others: set[uuid.UUID],
) -> tuple[PersonView, ...]:
    """Return everybody on the record: who acted, held a role, wrote what was marked, is named."""
    wanted = others | {entry.actor_id for entry in entries if entry.actor_id}
    wanted |= {role.person_id for role in roles}
    return tuple((await people_views(session, wanted)).values())


def _role_spans(
    rows: Iterable[RoleAssignment], people: dict[uuid.UUID, PersonView], *, policy: Policy
) -> tuple[RoleSpan, ...]:
    """Return the times in roles, in the policy's order of roles, then by time."""
    order = {role.key: place for place, role in enumerate(policy.roles)}
    spans = [
        RoleSpan(
            role_key=row.role_key,
            role_name=row.role_name,
            person_id=row.person_id,
            person_name=people[row.person_id].name,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]
    return tuple(
        sorted(spans, key=lambda span: (order.get(span.role_key, len(order)), span.started_at))
    )
