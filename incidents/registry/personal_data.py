"""What is stored about one person: their own export, and what can be erased for them.

Every table that points at people is searched, so that a new one can't be forgotten. Their name in
entries is covered by hashes and stays; docs/proof.md says so.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Table, cast, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import instant_text
from incidents.core.ids import Reference
from incidents.core.people import FORMER_MEMBER, Actor, Person, find_person
from incidents.engine.prompts import Prompt
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.exports.documents import json_bytes
from incidents.exports.export import ExportFile
from incidents.incident.incident import Incident, visible_to
from incidents.incident.timeline import TimelineEntry
from incidents.learning.tables import Debrief
from incidents.people.events import OwnDataRequested
from incidents.record.audit_log import AuditKind, audit
from incidents.record.hiding import HiddenWords
from incidents.registry.tables import metadata

FORMAT: Final = "sitrep-person-1"

# Columns that point at people without a foreign key: what was recorded outlives the row.
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "timeline_entries": ("actor_id",),
    "audit_entries": ("actor_id", "subject_id"),
}
# Proofs and inner workings: they tell nothing about the person.
_LEFT_OUT: Final = frozenset(
    {"salt", "content_hash", "previous_hash", "entry_hash", "workspace_id", "outcome"}
)


async def request_own_data(uow: UnitOfWork) -> Outcome:
    """Send the actor what is stored about them; nobody can request another person's.

    Raises: InvalidInput if the actor is no person.
    """
    if uow.actor.person_id is None:
        raise InvalidInput("person", "not_a_person")
    uow.emit(OwnDataRequested(person_id=uow.actor.person_id))
    return Outcome("own_data_requested")


async def export_person(
    session: AsyncSession, *, workspace_id: uuid.UUID, external_id: str, viewer: Actor
) -> ExportFile:
    """Return everything about a person as JSON, of incidents that the viewer may see.

    Raises: InvalidInput for somebody unknown.
    """
    person = await find_person(session, workspace_id=workspace_id, external_id=external_id)
    if person is None:
        raise InvalidInput("person", "unknown")
    visible = select(Incident.id).where(Incident.workspace_id == workspace_id, visible_to(viewer))
    value = {
        "format": FORMAT,
        "person": _row([column.key for column in Person.__table__.columns], _values(person)),
        "tables": {
            table.name: rows
            for table, condition in _about(person.id)
            if (rows := await _rows(session, table, condition, visible=visible, of=person.id))
        },
        "hidden": await _hidden(session, person, visible),
        "named_in": await _named_in(session, person, visible),
    }
    return ExportFile(f"person-{external_id}.json", json_bytes(value))


async def erase_person(uow: UnitOfWork, *, external_id: str) -> Outcome:
    """Erase name, address, zone, and private texts of somebody who has left; for the operator.

    What they wrote on the record is redacted entry by entry, and their name there stays.

    Raises: InvalidInput for somebody unknown, or still active: Slack would give it all back.
    """
    person = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=external_id)
    if person is None:
        raise InvalidInput("person", "unknown")
    if person.is_active:
        raise InvalidInput("person", "is still active in Slack; deactivate them there first")
    person.name, person.email, person.zone = FORMER_MEMBER, None, "UTC"
    texts = 0
    debriefs = select(Debrief).where(Debrief.owner_id == person.id)
    for debrief in (await uow.session.execute(debriefs)).scalars():
        debrief.answers = []
        texts += 1
    prompts = select(Prompt).where(Prompt.person_id == person.id, Prompt.text.is_not(None))
    for prompt in (await uow.session.execute(prompts)).scalars():
        prompt.text = None
        texts += 1
    await audit(uow, AuditKind.PERSON_ERASED, {"texts": texts}, subject_id=person.id)
    return Outcome("person_erased", data={"texts": texts})


def _about(person_id: uuid.UUID) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Yield each table that points at people, and the condition for the rows about this one."""
    for table in metadata().sorted_tables:
        pointing = [
            column
            for column in table.columns
            if any(key.column.table.name == "people" for key in column.foreign_keys)
            or column.name in _ALSO.get(table.name, ())
        ]
        if pointing:
            yield table, or_(*(column == person_id for column in pointing))


async def _rows(
    session: AsyncSession,
    table: Table,
    condition: ColumnElement[bool],
    *,
    visible: Any,
    of: uuid.UUID,
) -> list[dict[str, Any]]:
    names = [column.key for column in table.columns if column.key not in _LEFT_OUT]
    query = select(*(table.c[name] for name in names)).where(condition, _seen(table, visible))
    rows = [_row(names, row) for row in (await session.execute(query)).all()]
    return [_without_others_own(table, row, of=str(of)) for row in rows]


def _without_others_own(table: Table, row: dict[str, Any], *, of: str) -> dict[str, Any]:
    """Return the row without what belongs to somebody else: an author's score of their packet."""
    if table.name != "escalations" or row["author_id"] == of:
        return row
    return {name: value for name, value in row.items() if not name.startswith("score")}


def _seen(table: Table, visible: Any) -> ColumnElement[bool]:
    """Return the condition that a row's incident, if it has one, may be seen."""
    if table.name == "incidents":
        return table.c.id.in_(visible)
    if "incident_id" not in table.columns:
        return true()
    return or_(table.c.incident_id.is_(None), table.c.incident_id.in_(visible))


async def _hidden(session: AsyncSession, person: Person, visible: Any) -> list[dict[str, Any]]:
    """Return which entries of the person are hidden, and not what they say.

    What is hidden may be a secret or about somebody else. Revealed, it is in the next file.
    """
    keys = select(HiddenWords.row_key).where(
        HiddenWords.workspace_id == person.workspace_id,
        HiddenWords.table_name == TimelineEntry.__tablename__,
    )
    hidden = [uuid.UUID(key[0]) for key in (await session.execute(keys)).scalars()]
    query = (
        select(Incident.number, Incident.is_drill, TimelineEntry.sequence, TimelineEntry.kind)
        .join(Incident, Incident.id == TimelineEntry.incident_id)
        .where(
            TimelineEntry.incident_id.in_(visible),
            TimelineEntry.actor_id == person.id,
            TimelineEntry.id.in_(hidden),
        )
        .order_by(Incident.is_drill, Incident.number, TimelineEntry.sequence)
    )
    return [_place(row) for row in (await session.execute(query)).all()]


async def _named_in(session: AsyncSession, person: Person, visible: Any) -> list[dict[str, Any]]:
    """Return which entries of others name the person; their text belongs to the people who wrote it."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    position = (func.instr if sqlite else func.strpos)(
        cast(TimelineEntry.content, String), str(person.id)
    )
    query = (
        select(Incident.number, Incident.is_drill, TimelineEntry.sequence, TimelineEntry.kind)
        .join(Incident, Incident.id == TimelineEntry.incident_id)
        .where(
            TimelineEntry.incident_id.in_(visible),
            TimelineEntry.content.is_not(None),
            or_(TimelineEntry.actor_id.is_(None), TimelineEntry.actor_id != person.id),
            position > 0,
        )
        .order_by(Incident.is_drill, Incident.number, TimelineEntry.sequence)
    )
    return [_place(row) for row in (await session.execute(query)).all()]


def _place(row: Any) -> dict[str, Any]:
    incident = Reference(row.number, row.is_drill)
    return {"incident": str(incident), "entry": row.sequence, "kind": row.kind}


def _values(person: Person) -> list[Any]:
    return [getattr(person, column.key) for column in Person.__table__.columns]


def _row(names: list[str], values: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
    return value
