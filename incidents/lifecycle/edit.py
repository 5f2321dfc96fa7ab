"""Edit an incident's title, summary, impact and services; the record keeps old → new per field.

Two people may edit at once. If only one of them changed a field, that change is kept; if both did,
the second edit is refused as a clash.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.calling.at_once import call_at_once
from incidents.core.errors import AlreadySo, EditClash
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import Edited, FieldChange, FieldValue
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.declare import check_title
from incidents.policy.policy import Action
from incidents.storage.database import storable, trimmed

FIELDS = ("title", "summary", "impact", "services")


@dataclass(frozen=True, slots=True)
class Edit:
    """What an editor wants: new field values, and fingerprints of the values that they saw."""

    changes: Mapping[str, FieldValue]
    seen: Mapping[str, str] = field(default_factory=dict)


async def edit(uow: UnitOfWork, ref: IncidentRef, *, wanted: Edit) -> Outcome:
    """Change fields of the incident, with old and new values on the record.

    Raises: NotPermitted; AlreadySo if nothing would change; EditClash if others changed the same
        fields meanwhile; InvalidInput for an empty title.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.EDIT, incident)
    changes = {
        name: (current_value(incident, name), _cleaned(name, value))
        for name, value in wanted.changes.items()
    }
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        raise AlreadySo("everything")
    clashing = [
        name
        for name, (current, _) in changes.items()
        if name in wanted.seen and wanted.seen[name] != fingerprint(current)
    ]
    if clashing:
        who = {name: await _last_editor(uow.session, incident, name) for name in clashing}
        raise EditClash(who)
    for name, (_, value) in changes.items():
        setattr(incident, name, list(value) if isinstance(value, tuple) else value)
    told = {name: FieldChange(old=old, new=new) for name, (old, new) in changes.items()}
    uow.record(incident, Edited(changes=told))
    if "services" in changes:
        await call_at_once(uow, incident)
    data = {"reference": str(incident.reference), "fields": sorted(changes)}
    return Outcome("edited", incident.id, data)


def current_value(incident: Incident, name: str) -> FieldValue:
    """Return the value of a field as edits compare it. Raises: KeyError for other fields."""
    if name not in FIELDS:
        raise KeyError(name)
    value = getattr(incident, name)
    return tuple(value) if name == "services" else str(value)


def fingerprint(value: FieldValue) -> str:
    """Return a short digest of a value; a form stores it to remember what its editor saw."""
    text = json.dumps(list(value) if isinstance(value, tuple) else trimmed(value))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cleaned(name: str, value: FieldValue) -> FieldValue:
    if isinstance(value, tuple):
        named = (" ".join(storable(item).split()) for item in value)
        return tuple(dict.fromkeys(item for item in named if item))
    return check_title(value) if name == "title" else trimmed(value)


async def _last_editor(session: AsyncSession, incident: Incident, name: str) -> str:
    """Return the name of the last person who changed the field, or "" if no entry says so."""
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident.id, TimelineEntry.kind == Edited.kind)
        .order_by(TimelineEntry.sequence.desc())
    )
    for entry in (await session.execute(query)).scalars():
        edited = Edited.read(entry.content)
        if edited is not None and name in edited.changes:
            return entry.actor_name
    return ""
