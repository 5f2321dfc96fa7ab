"""Replays what the entries say about an incident's channel, and compares it with the row."""

from collections.abc import Iterable, Iterator

from incidents.channel.entries import (
    ChannelArchived,
    ChannelDeleted,
    ChannelIdChanged,
    ChannelRenamed,
    ChannelUnarchived,
)
from incidents.core.hash_chain import Flaw
from incidents.incident.entries import ChannelLinked, ChannelOpened, MovedToPrivate
from incidents.incident.incident import Incident
from incidents.incident.payload import Payload
from incidents.incident.timeline import TimelineEntry
from incidents.record.replay import with_contents

_KINDS: dict[str, type[Payload]] = {
    one.kind: one
    for one in (
        *(ChannelOpened, ChannelLinked, ChannelRenamed, ChannelIdChanged, ChannelDeleted),
        *(ChannelArchived, ChannelUnarchived, MovedToPrivate),
    )
}


def compare_channel(incident: Incident, entries: Iterable[TimelineEntry]) -> Iterator[Flaw]:
    """Yield what the row says about the channel otherwise than the entries, which are in order."""
    channel_id: str | None = None
    name: str | None = None
    is_archived, last = False, 0
    for entry, content in with_contents(entries):
        last = entry.sequence
        if entry.kind not in _KINDS:
            continue
        said = _KINDS[entry.kind].read(content)
        match said:
            case ChannelOpened() | ChannelLinked():
                channel_id, name, is_archived = said.channel_id, said.channel_name, False
            case ChannelRenamed(new=new):
                name = new
            case ChannelIdChanged():
                channel_id = said.channel_id
            case ChannelArchived() | ChannelUnarchived():
                is_archived = isinstance(said, ChannelArchived)
            case MovedToPrivate(is_in_place=True):
                pass  # Slack made the channel private, and it stays
            case ChannelDeleted() | MovedToPrivate():
                channel_id, name, is_archived = None, None, False
            case _:
                return  # it can't be read, which is a finding of its own
    stored = (incident.channel_id, incident.channel_name, incident.is_channel_archived)
    if stored != (channel_id, name, is_archived):
        yield Flaw(last, "channel_differs")
