"""Files shared in an incident's channel: the record keeps name and address, not the content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.record.entries import FileLinked
from incidents.record.marks import incident_to_write

MAX_NAME = 300


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file, as the chat service describes it."""

    id: str
    name: str
    permalink: str


async def link_files(
    uow: UnitOfWork, channel_id: str, *, files: Sequence[LinkedFile], sent_at: datetime
) -> Outcome:
    """Record links to files, each once per incident even if shared again.

    Raises: IncidentNotFound if the channel belongs to no incident; NotPermitted.
    """
    incident = await incident_to_write(uow, channel_id)
    await uow.permit(Action.ADD_NOTE, incident)
    query = select(TimelineEntry).where(
        TimelineEntry.incident_id == incident.id, TimelineEntry.kind == FileLinked.kind
    )
    linked = (FileLinked.read(row.content) for row in (await uow.session.execute(query)).scalars())
    known = {one.file_id for one in linked if one is not None}
    for file in files:
        if file.id in known:
            continue
        known.add(file.id)
        entry = FileLinked(name=file.name[:MAX_NAME], permalink=file.permalink, file_id=file.id)
        uow.record(incident, entry, occurred_at=min(sent_at, uow.now))
    return Outcome("files_linked", incident.id)
