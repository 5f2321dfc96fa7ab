"""Evidence from the record, offered while somebody escalates."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from bot.framework.arguments import OnIncident, from_view
from bot.framework.requests import Options, Reply, Request
from bot.slack import blocks
from bot.slack.truncation import shorten
from incidents.escalation.prefill import evidence_text, is_evidence
from incidents.incident.incident import IncidentRef
from incidents.record.timeline_view import TimelineItem, get_timeline
from incidents.registry.entries import ENTRY_TYPES

MARKED: Final = "escalation_marked"
_RECORDED: Final = "recorded"
_OLDER: Final = "marked"
# As many as fit on one screen with the ask; older ones are in a menu.
_MOST_OFFERED: Final = 5
_MOST: Final = 100
_LONGEST_LINE: Final = 400


async def find_evidence(request: Request, ref: IncidentRef) -> Sequence[TimelineItem]:
    """Return what the record can show: messages, files and links that this person may see."""
    timeline = await request.read(get_timeline, ref, entry_types=ENTRY_TYPES)
    return [
        item
        for item in timeline.items
        if is_evidence(item.entry)
        and not item.entry.is_withdrawn
        and not item.entry.is_redacted
        and evidence_text(item.entry).strip()
    ]


def evidence_inputs(
    found: Sequence[TimelineItem], *, ticked: Collection[str] | None, is_full: bool
) -> tuple[blocks.Block, ...]:
    """Return the newest evidence as checkboxes, and a menu of the older, if `is_full`.

    `ticked` are values; None: the form is new, and all are ticked.
    """
    if not found:
        return ()
    options = [_option(item) for item in reversed(found[-_MOST_OFFERED:])]
    offered = blocks.checkboxes(
        _RECORDED,
        label="Evidence from the record",
        options=options,
        initial=[str(one.value) for one in options] if ticked is None else ticked,
    )
    if not is_full or len(found) <= _MOST_OFFERED:
        return (offered,)
    older = blocks.multi_external_select(
        _OLDER,
        label="Older evidence",
        action_id=MARKED,
        optional=True,
        placeholder="Choose from the timeline",
    )
    return (offered, older)


def ticked_in(form: blocks.FormState) -> tuple[str, ...]:
    """Return the values of the evidence chosen in the form."""
    return (*form.choices(_RECORDED), *form.choices(_OLDER))


async def chosen_evidence(request: Request, ref: IncidentRef, ids: Iterable[str]) -> list[str]:
    """Return the chosen entries as lines for the packet, each with its link."""
    wanted = {uuid.UUID(one) for one in ids}
    if not wanted:
        return []
    return [
        evidence_line(evidence_text(item.entry), item.link)
        for item in await find_evidence(request, ref)
        if item.entry.id in wanted
    ]


async def suggest_evidence(request: Request) -> Reply:
    """Offer evidence from the timeline that contains the typed text, newest first."""
    typed = str(request.payload.get("value") or "").casefold()
    found = await find_evidence(request, from_view(OnIncident, request.view).ref)
    fitting = (item for item in reversed(found) if typed in evidence_text(item.entry).casefold())
    return Options(options=[_option(item) for item in fitting][:_MOST])


def evidence_line(text: str, link: str) -> str:
    """Return one piece of evidence: its text on one line, and its link."""
    said = shorten(" ".join(text.split()), _LONGEST_LINE)
    return f"{said} {link}".strip()


def with_evidence(evidence: str, lines: Sequence[str]) -> str:
    """Return the evidence followed by the lines that it doesn't contain yet."""
    known = evidence.strip()
    fresh = [line for line in dict.fromkeys(lines) if line and line not in known]
    return "\n".join(part for part in (known, *fresh) if part)


def _option(item: TimelineItem) -> blocks.Option:
    at, by = item.entry.occurred_at, item.entry.actor_name
    text = " ".join(evidence_text(item.entry).split())
    return blocks.option(text, value=str(item.entry.id), description=f"{at:%H:%M} UTC, from {by}")
