"""Evidence for a packet: marked messages and files of the timeline, offered for picking."""

import uuid
from collections.abc import Iterable, Sequence

from bot.replies import Options, Reply
from bot.requests import Request
from bot.slack import blocks as b
from bot.slack.truncation import shorten
from incidents.incident import IncidentRef
from incidents.timeline import EntryKind
from incidents.timeline_views import TimelineItem, get_timeline

_KINDS = frozenset({EntryKind.MARKED, EntryKind.PINNED, EntryKind.FILE_LINKED})
_MOST = 100
_LONGEST_LINE = 400


async def suggest_evidence(request: Request) -> Reply:
    """Offer what is marked on the timeline and fits the words typed, the newest first."""
    typed = str(request.payload.get("value") or "").casefold()
    items = await find_marked(request, request.incident_of_metadata())
    options = [_option(item) for item in reversed(items) if typed in item.what.casefold()]
    return Options(options=options[:_MOST])


async def find_marked(request: Request, ref: IncidentRef) -> Sequence[TimelineItem]:
    """Return the marked messages and files of an incident that this person may see."""
    async with request.services.database.reading() as session:
        timeline = await get_timeline(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )
    return [
        item
        for item in timeline.items
        if item.entry.kind in _KINDS and not item.entry.is_withdrawn and not item.entry.is_redacted
    ]


async def chosen_evidence(request: Request, ref: IncidentRef, ids: Iterable[str]) -> list[str]:
    """Return the chosen entries as lines for the packet, each with its link."""
    wanted = {uuid.UUID(one) for one in ids}
    if not wanted:
        return []
    return [
        evidence_line(item.what, item.link)
        for item in await find_marked(request, ref)
        if item.entry.id in wanted
    ]


def evidence_line(text: str, link: str) -> str:
    """Return one piece of evidence: what it says on one line, and where it stands."""
    said = shorten(" ".join(text.split()), _LONGEST_LINE)
    return f"{said} {link}".strip()


def _option(item: TimelineItem) -> b.Option:
    at, by = item.entry.occurred_at, item.entry.actor_name
    return b.option(
        item.what, value=str(item.entry.id), description=f"{at:%H:%M} UTC, marked by {by}"
    )
