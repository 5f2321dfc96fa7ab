"""The brief of a handoff: what the next commander must know, drafted from the record.

A brief holds ids of entries, not their texts, so a redaction leaves no copy here.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from incidents.checkins.entries import CheckinAnswered, CheckinAsked
from incidents.core.hash_chain import instant_text
from incidents.core.people import Person
from incidents.incident.entries import UpdatePosted
from incidents.incident.incident import Incident
from incidents.incident.payload import Payload
from incidents.incident.roles import current_roles
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import Note, Withdrawn

LAST_NOTES = 3
LAST_QUESTIONS = 3

_QUOTED: Mapping[str, type[Payload]] = MappingProxyType(
    {one.kind: one for one in (UpdatePosted, CheckinAsked, Note)}
)


@dataclass(frozen=True, slots=True)
class BriefLine:
    """An entry that the brief quotes; `text` is empty if it was redacted or withdrawn."""

    at: datetime
    author_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The state of the incident when the handoff was offered or requested."""

    status: str
    severity: str
    impact: str
    next_update_due_at: datetime | None
    roles: tuple[tuple[str, str], ...]  # name of the role, name of its holder
    last_update: BriefLine | None
    questions: tuple[BriefLine, ...]
    notes: tuple[BriefLine, ...]


async def draft_brief(session: AsyncSession, incident: Incident) -> dict[str, Any]:
    """Return the brief of the incident as it is now, as JSON values."""
    due_at = incident.next_update_due_at
    return {
        "status": incident.status,
        "severity": incident.severity_name,
        "impact": incident.impact,
        "next_update_due_at": instant_text(due_at) if due_at else None,
        "roles": await _roles(session, incident.id),
        "last_update_id": next(
            iter(await _newest(session, incident.id, kind=UpdatePosted.kind, limit=1)), None
        ),
        "note_ids": await _newest(session, incident.id, kind=Note.kind, limit=LAST_NOTES),
        "question_ids": await _open_questions(session, incident.id),
    }


async def load_brief(session: AsyncSession, stored: Mapping[str, Any]) -> Brief:
    """Return a stored brief with the current texts of its entries."""
    update_id = stored.get("last_update_id")
    update_ids = [update_id] if update_id else []
    question_ids = stored.get("question_ids") or []
    note_ids = stored.get("note_ids") or []
    lines = await _lines(session, [*update_ids, *question_ids, *note_ids])
    due_at = stored.get("next_update_due_at")
    return Brief(
        status=str(stored.get("status", "")),
        severity=str(stored.get("severity", "")),
        impact=str(stored.get("impact", "")),
        next_update_due_at=datetime.fromisoformat(due_at).astimezone(UTC) if due_at else None,
        roles=tuple((role, name) for role, name in stored.get("roles") or ()),
        last_update=lines.get(update_id) if update_id else None,
        questions=_found(lines, question_ids),
        notes=_found(lines, note_ids),
    )


def _found(lines: Mapping[str, BriefLine], ids: Iterable[str]) -> tuple[BriefLine, ...]:
    return tuple(lines[one] for one in ids if one in lines and lines[one].text)


async def _roles(session: AsyncSession, incident_id: uuid.UUID) -> list[list[str]]:
    held = await current_roles(session, incident_id)
    query = select(Person).where(Person.id.in_([role.person_id for role in held]))
    names = {person.id: person.name for person in (await session.execute(query)).scalars()}
    return [[role.role_name, names.get(role.person_id, "")] for role in held]


async def _newest(
    session: AsyncSession, incident_id: uuid.UUID, *, kind: str, limit: int
) -> list[str]:
    """Return the ids of the newest entries of a kind, without withdrawn ones, earliest first."""
    taken_back = aliased(TimelineEntry)
    is_withdrawn = (
        select(taken_back.id)
        .where(taken_back.target_id == TimelineEntry.id, taken_back.kind == Withdrawn.kind)
        .exists()
    )
    query = (
        select(TimelineEntry.id)
        .where(
            TimelineEntry.incident_id == incident_id,
            TimelineEntry.kind == kind,
            TimelineEntry.content.is_not(None),
            ~is_withdrawn,
        )
        .order_by(TimelineEntry.sequence.desc())
        .limit(limit)
    )
    ids = list((await session.execute(query)).scalars())
    return [str(entry_id) for entry_id in reversed(ids)]


async def _open_questions(session: AsyncSession, incident_id: uuid.UUID) -> list[str]:
    """Return the ids of the newest unanswered check-ins, earliest first."""
    answer = aliased(TimelineEntry)
    is_answered = (
        select(answer.id)
        .where(answer.target_id == TimelineEntry.id, answer.kind == CheckinAnswered.kind)
        .exists()
    )
    query = (
        select(TimelineEntry.id)
        .where(
            TimelineEntry.incident_id == incident_id,
            TimelineEntry.kind == CheckinAsked.kind,
            ~is_answered,
        )
        .order_by(TimelineEntry.sequence.desc())
        .limit(LAST_QUESTIONS)
    )
    ids = list((await session.execute(query)).scalars())
    return [str(entry_id) for entry_id in reversed(ids)]


async def _lines(session: AsyncSession, ids: Sequence[str]) -> dict[str, BriefLine]:
    if not ids:
        return {}
    wanted = [uuid.UUID(one) for one in ids]
    query = select(TimelineEntry).where(TimelineEntry.id.in_(wanted))
    entries = (await session.execute(query)).scalars()
    return {
        str(entry.id): BriefLine(entry.occurred_at, entry.actor_name, _text_of(entry))
        for entry in entries
    }


def _text_of(entry: TimelineEntry) -> str:
    match _QUOTED[entry.kind].read(entry.content):
        case UpdatePosted() as update:
            return update.text or update.actions or update.impact or update.next_steps
        case CheckinAsked(question=question):
            return question
        case Note(text=text):
            return text
    return ""
