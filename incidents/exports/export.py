"""Export a timeline: a use case requests it, and the file is made from the database when needed."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput
from incidents.core.people import Actor
from incidents.core.signing import SigningKey
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.exports.csv_format import render_csv
from incidents.exports.entries import Exported
from incidents.exports.json_format import render_json
from incidents.exports.markdown import render_markdown
from incidents.exports.records import TimelineRecord, build_record
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.payload import EntryTypes
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.storage.processed_requests import TYPED_AGAIN_WITHIN


class ExportFormat(StrEnum):
    """The format of an export."""

    MARKDOWN = "md"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An export as a file."""

    name: str
    content: bytes


def find_format(text: str) -> ExportFormat | None:
    """Return the format with this name, in any case, or None; "" means Markdown."""
    word = text.strip().casefold().lstrip(".")
    known = {"": "md", "markdown": "md"}
    return next((one for one in ExportFormat if one.value == known.get(word, word)), None)


async def request_export(
    uow: UnitOfWork, ref: IncidentRef, *, fmt: ExportFormat = ExportFormat.MARKDOWN
) -> Outcome:
    """Record that somebody exports the timeline; the file goes to the incident's own channel.

    Raises: IncidentNotFound; NotPermitted; InvalidInput if the incident has no channel or an
        archived one, where nothing can be uploaded.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.EXPORT, incident)
    if incident.channel_id is None and incident.channel_effect_id is None:
        raise InvalidInput("channel", "isn't there yet; choose one first")
    if incident.is_channel_archived:
        raise InvalidInput("channel", "is_archived")
    if incident.is_channel_exposed:
        raise InvalidInput("channel", "is_exposed")
    if not await _is_under_way(uow, incident, fmt):
        uow.record(incident, Exported(format=fmt.value))
    data = {
        "reference": str(incident.reference),
        "format": fmt.value,
        "channel_id": incident.channel_id,
    }
    return Outcome("export_requested", incident.id, data)


async def _is_under_way(uow: UnitOfWork, incident: Incident, fmt: ExportFormat) -> bool:
    """Tell whether the actor asked for the same a moment ago, and nothing was recorded since."""
    query = select(TimelineEntry).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.sequence == incident.last_sequence,
        TimelineEntry.kind == Exported.kind,
        TimelineEntry.actor_id == uow.actor.person_id,
        TimelineEntry.recorded_at > uow.now - TYPED_AGAIN_WITHIN,
    )
    last = (await uow.session.execute(query)).scalar_one_or_none()
    said = None if last is None else Exported.read(last.content)
    return said is not None and said.format == fmt.value


async def export_incident(
    session: AsyncSession,
    ref: IncidentRef,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    fmt: ExportFormat,
    entry_types: EntryTypes,
    sequence: int | None = None,
    signer: SigningKey | None = None,
) -> ExportFile:
    """Return the timeline as a file for this viewer; its name has `sequence`, else the newest.

    The file says up to which entry it goes and nothing of when it was made: two of the same record
    are equal, and of two of a growing one, the later has more at its end.

    Raises: IncidentNotFound.
    """
    record = await build_record(
        session, ref, workspace_id=workspace_id, viewer=viewer, entry_types=entry_types
    )
    return render(record, fmt=fmt, sequence=sequence, signer=signer)


def render(
    record: TimelineRecord,
    *,
    fmt: ExportFormat,
    sequence: int | None = None,
    signer: SigningKey | None = None,
) -> ExportFile:
    """Return the record in a format; the file name says which timeline, and its length then."""
    marks = "".join(f"-{mark}" for mark in record.markings if mark != "drill")
    number = sequence or record.head.sequence
    stem = f"{record.incident.reference.lower()}{marks}-timeline-{number}"
    name = f"{stem}.{fmt.value}"
    match fmt:
        case ExportFormat.MARKDOWN:
            return ExportFile(name, render_markdown(record, signer=signer))
        case ExportFormat.CSV:
            return ExportFile(name, render_csv(record, signer=signer))
        case ExportFormat.JSON:
            return ExportFile(name, render_json(record, signer=signer))
