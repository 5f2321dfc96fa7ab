"""A grown database: years of incidents with valid chains, written in bulk instead of by use cases.

The newest incidents are open, the next ones were resolved in the last days, and all others are
closed: databases of different sizes differ only in how much past they hold.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.core.hash_chain import GENESIS_HASH
from incidents.core.ids import new_id
from incidents.core.people import Actor, Person, PersonKind, actor_of
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.reminders import Reminder, ReminderKind, ReminderStatus
from incidents.incident import timeline
from incidents.incident.entries import ChannelOpened, Declared, Moved, StatusChanged
from incidents.incident.incident import Incident, Participant
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.numbers import Counter
from incidents.incident.payload import Payload
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import Note
from incidents.storage.database import Base, Database, insert_rows
from incidents.storage.processed_requests import ProcessedRequest

OPEN = 20
RECENT = 30
EFFECTS_EACH = 10
_REQUESTS_EACH = 5
_APART = timedelta(hours=1)
_LASTED = timedelta(minutes=30)
_PRIVATE_EVERY = 20
_AT_A_TIME = 200
_TABLES: tuple[type[Base], ...] = (
    *(Incident, TimelineEntry, Participant),
    *(EffectRow, Reminder, ProcessedRequest),
)


@dataclass(frozen=True, slots=True)
class Grown:
    """Who is in a grown database, and one of its closed incidents."""

    people: tuple[Actor, ...]
    guest: Actor
    old_incident: uuid.UUID


@dataclass(frozen=True, slots=True)
class Past:
    """How much past to write, and until when."""

    workspace_id: uuid.UUID
    incidents: int
    entries_each: int
    until: datetime


async def grow(database: Database, past: Past) -> Grown:
    """Add people and incidents to a workspace that has none."""
    people = [_person(past, f"person{number}") for number in range(20)]
    guest = _person(past, "guest", PersonKind.GUEST)
    counter = {"workspace_id": past.workspace_id, "name": "incident", "value": past.incidents}
    await _write(database, {Person: [*people, guest], Counter: [counter]})
    writer = _Writer(past, tuple(actor_of(Person(**one)) for one in people), guest["id"])
    for first in range(1, past.incidents + 1, _AT_A_TIME):
        for number in range(first, min(first + _AT_A_TIME, past.incidents + 1)):
            writer.add(number)
        await _write(database, writer.take())
    return Grown(writer.people, actor_of(Person(**guest)), writer.first_id)


async def _write(database: Database, rows: Mapping[type[Base], Sequence[dict[str, Any]]]) -> None:
    async with database.writing() as session:
        for entity, some in rows.items():
            await insert_rows(session, entity, some)
        await session.commit()


class _Writer:
    """Makes the rows of one incident after the other."""

    def __init__(self, past: Past, people: tuple[Actor, ...], guest_id: uuid.UUID) -> None:
        self.people = people
        self.first_id = new_id()
        self._past = past
        self._guest_id = guest_id
        self._rows: dict[type[Base], list[dict[str, Any]]] = {one: [] for one in _TABLES}

    def take(self) -> dict[type[Base], list[dict[str, Any]]]:
        """Return the rows made since the last time."""
        made, self._rows = self._rows, {one: [] for one in _TABLES}
        return made

    def add(self, number: int) -> None:
        """Make the rows of the incident with this number."""
        incident = self._incident(number)
        actor = self.people[number % len(self.people)]
        for payload, at in self._story(incident):
            entry = timeline.append(
                incident.chain_head,
                payload.kind,
                payload.content(),
                workspace_id=self._past.workspace_id,
                incident_id=incident.id,
                actor=actor,
                occurred_at=at,
                recorded_at=at,
            )
            incident.last_sequence, incident.last_entry_hash = entry.sequence, entry.entry_hash
            self._rows[TimelineEntry].append(timeline.row_of(entry))
        columns = Incident.__table__.columns
        self._rows[Incident].append({one.key: getattr(incident, one.key) for one in columns})
        self._add_participants(incident)
        self._add_finished_work(incident)

    def _incident(self, number: int) -> Incident:
        left = self._past.incidents - number  # how many are newer
        declared_at = self._past.until - _APART * (left + 1)
        ended_at = declared_at + _LASTED if left >= OPEN else None
        is_closed = left >= OPEN + RECENT
        status = IncidentStatus.CLOSED if is_closed else IncidentStatus.RESOLVED
        declarer = self.people[number % len(self.people)]
        return Incident(
            id=self.first_id if number == 1 else new_id(),
            workspace_id=self._past.workspace_id,
            number=number,
            is_drill=False,
            is_private=number % _PRIVATE_EVERY == 0,
            title=f"{_WORDS[number % len(_WORDS)]} {number:x} is slow in region {number % 7}",
            summary="",
            impact="",
            resolution="" if ended_at is None else "Rolled back",
            services=["checkout"],
            has_customer_impact=True,
            severity_key="sev2",
            severity_name="SEV2",
            severity_rank=2,
            status=IncidentStatus.TRIAGE if ended_at is None else status,
            declared_by_id=declarer.person_id,
            detected_at=declared_at,
            declared_at=declared_at,
            impact_started_at=None,
            impact_ended_at=None,
            # Long ago, unless it is one of the recent ones: however large, a week is a week.
            resolved_at=ended_at,
            closed_at=ended_at if is_closed else None,
            channel_id=f"C{number:08X}",
            channel_name=f"inc-{number}",
            is_channel_archived=False,
            is_channel_private=False,
            channel_sharing="",
            last_sequence=0,
            last_entry_hash=GENESIS_HASH,
            version=1,
        )

    def _story(self, incident: Incident) -> list[tuple[Payload, datetime]]:
        at = incident.declared_at
        declared = Declared(
            title=incident.title,
            severity=incident.severity_name,
            severity_key=incident.severity_key,
            severity_rank=incident.severity_rank,
            status=IncidentStatus.TRIAGE,
            services=tuple(incident.services),
            is_private=incident.is_private,
            detected_at=at,
        )
        opened = ChannelOpened(
            channel_id=incident.channel_id or "", channel_name=incident.channel_name or ""
        )
        ending = self._ending(incident)
        notes = self._past.entries_each - 2 - len(ending)
        told = [Note(text=f"Observation {one}: errors fell to {one} %") for one in range(notes)]
        return [(one, at) for one in (declared, opened, *told)] + ending

    def _ending(self, incident: Incident) -> list[tuple[Payload, datetime]]:
        if incident.resolved_at is None:
            return []
        at = incident.resolved_at
        resolved = StatusChanged(
            old=IncidentStatus.TRIAGE,
            new=IncidentStatus.RESOLVED,
            resolution=incident.resolution,
            milestones={"resolved_at": Moved(new=at)},
        )
        closed = StatusChanged(
            old=IncidentStatus.RESOLVED,
            new=IncidentStatus.CLOSED,
            milestones={"closed_at": Moved(new=at)},
        )
        return [(resolved, at), *([(closed, at)] if incident.closed_at else [])]

    def _add_participants(self, incident: Incident) -> None:
        number = incident.number
        inside = {self.people[(number + one) % len(self.people)].person_id for one in range(3)}
        if number <= 3:
            inside.add(self._guest_id)
        self._rows[Participant] += [
            {
                "id": new_id(),
                "incident_id": incident.id,
                "person_id": person_id,
                "invited_at": incident.declared_at,
                "is_in_channel": True,
            }
            for person_id in inside
        ]

    def _add_finished_work(self, incident: Incident) -> None:
        """Add effects, reminders and request keys, settled when it was declared."""
        at = incident.declared_at
        common = {"workspace_id": self._past.workspace_id, "created_at": at}
        about = {**common, "incident_id": incident.id, "due_at": at, "settled_at": at}
        effect = {**about, "kind": "post_entry", "status": EffectStatus.DONE}
        for number in range(EFFECTS_EACH):
            what = {"incident_id": str(incident.id), "entry_id": str(incident.id)}
            lane = f"{incident.id}:{'channel' if number % 2 else 'card'}"
            row = {**effect, "id": new_id(), "payload": what, "lane": lane, "progress": {}}
            self._rows[EffectRow].append(row)
        for kind in (ReminderKind.UPDATE_DUE, ReminderKind.STALE):
            subject = {"kind": kind, "subject_type": "incident", "subject_id": incident.id}
            row = {**about, **subject, "id": new_id(), "data": {}, "status": ReminderStatus.FIRED}
            self._rows[Reminder].append(row)
        for number in range(_REQUESTS_EACH):
            key = f"press:{incident.id}:{number}"
            self._rows[ProcessedRequest].append({**common, "key": key, "outcome": {}})


_WORDS = ("checkout", "search", "payments", "login", "export", "mail", "queue", "storage")


def _person(past: Past, name: str, kind: PersonKind = PersonKind.MEMBER) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": past.workspace_id,
        "external_id": f"U{name.upper()}",
        "name": name,
        "zone": "UTC",
        "kind": kind.value,
        "is_active": True,
    }
