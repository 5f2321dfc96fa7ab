"""A person's own progress as a file: Markdown to read, JSON or CSV for other programs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import instant_text
from incidents.core.markdown_text import escape, escape_block, table
from incidents.core.people import PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.exports.csv_format import csv_bytes
from incidents.exports.documents import json_bytes
from incidents.exports.export import ExportFile, ExportFormat
from incidents.supervision.events import ProgressRequested
from incidents.supervision.progress import Counts, ProgressView, StageLine, Tally

FORMAT = "sitrep-progress-1"

_HEADER = (
    *("incident", "is_drill", "declared_at", "severity", "services", "participation", "roles"),
    "seconds_to_evidence",
)


def export_progress(view: ProgressView, *, fmt: ExportFormat, now: datetime) -> ExportFile:
    """Return the progress as a file in this format."""
    name = f"progress-{now.astimezone(UTC):%Y-%m-%d}.{fmt.value}"
    match fmt:
        case ExportFormat.MARKDOWN:
            return ExportFile(name, _markdown(view, now=now))
        case ExportFormat.CSV:
            return ExportFile(name, csv_bytes(_HEADER, _rows(view)))
        case ExportFormat.JSON:
            return ExportFile(name, _json(view, now=now))


# -- for reading ------------------------------------------------------------------------------


def _markdown(view: ProgressView, *, now: datetime) -> bytes:
    parts = [
        f"# Progress of {escape(view.name)}",
        f"Exported {_instant(now)}. Times are UTC. Made for you alone; share it as you like.",
        "## Stages",
        *_stages(view),
        "## Incidents",
        _tally(view.real),
        "## Drills",
        _tally(view.drills),
        "## Asking for help and learning",
        table(("Figure", "Value"), list(_figures(view))),
        "## Month by month",
        _months(view),
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _stages(view: ProgressView) -> Iterator[str]:
    if not view.stages:
        yield "None is recorded: solo in everything."
        return
    head = ("As", "For", "Stage", "Since", "By", "To be renewed by", "Missing for the next")
    yield table(head, [_stage(line) for line in view.stages])
    for line in view.stages:
        if line.note:
            yield f"{_scope(line)}, {escape(line.set_by)}:"
            yield escape_block(line.note)


def _stage(line: StageLine) -> tuple[str, ...]:
    missing = "; ".join(f"{need.key} {need.have} of {need.wanted}" for need in line.missing)
    return (
        escape(line.scope.role_key) or "every role",
        escape(line.scope.service_key) or "every service",
        line.stage.value,
        _instant(line.since) if line.since else "",
        escape(line.set_by) or "the policy",
        _instant(line.renewal_due_at) if line.renewal_due_at else "",
        missing,
    )


def _scope(line: StageLine) -> str:
    role = escape(line.scope.role_key) or "every role"
    return f"{line.stage}, {role}, {escape(line.scope.service_key) or 'every service'}"


def _tally(tally: Tally) -> str:
    if not tally.overall.total:
        return "None so far."
    rows = [("All", *_counts(tally.overall))]
    rows += [(f"Severity {escape(key)}", *_counts(counts)) for key, counts in tally.by_severity]
    rows += [(f"Service {escape(key)}", *_counts(counts)) for key, counts in tally.by_service]
    return table(("", "Observed", "Assisted", "Led"), rows)


def _counts(counts: Counts) -> tuple[str, str, str]:
    return str(counts.observed), str(counts.assisted), str(counts.led)


def _figures(view: ProgressView) -> Iterator[tuple[str, str]]:
    average = "" if view.completeness is None else f", {view.completeness} of 100 complete"
    yield "Escalations", f"{view.escalations} sent{average}"
    yield "Time to evidence (median)", _minutes(view.to_evidence)
    yield "Prompts", f"{view.answered} of {view.prompts} answered"
    yield "Debriefs", f"{view.debriefs} of {view.debriefs_asked} written"
    yield "Mentors", ", ".join(escape(name) for name in view.mentors) or "none"


def _months(view: ProgressView) -> str:
    if not view.months:
        return "Nothing yet."
    rows = [
        (
            month.name,
            str(month.escalations),
            "" if month.completeness is None else str(month.completeness),
            _minutes(month.to_evidence),
            f"{month.answered} of {month.prompts}",
            str(month.debriefs),
        )
        for month in view.months
    ]
    head = ("Month", "Escalations", "Completeness", "Time to evidence", "Prompts", "Debriefs")
    return table(head, rows)


def _minutes(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds() / 60:.0f} min"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


# -- for elsewhere ----------------------------------------------------------------------------


def _rows(view: ProgressView) -> Iterator[tuple[str, ...]]:
    for part in view.parts:
        seconds = "" if part.to_evidence is None else str(int(part.to_evidence.total_seconds()))
        yield (
            *(part.reference, str(part.is_drill).lower(), instant_text(part.declared_at)),
            *(part.severity_key, " ".join(part.services), part.participation().value),
            " ".join(f"{one.role_key}:{one.stage}" for one in part.held),
            seconds,
        )


def _json(view: ProgressView, *, now: datetime) -> bytes:
    value = {
        "format": FORMAT,
        "exported_at": instant_text(now),
        "person": {"id": view.external_id, "name": view.name},
        "mentors": list(view.mentors),
        "stages": [_stage_json(line) for line in view.stages],
        "incidents": _tally_json(view.real),
        "drills": _tally_json(view.drills),
        "escalations": {"sent": view.escalations, "completeness": view.completeness},
        "seconds_to_evidence": _seconds(view.to_evidence),
        "prompts": {"asked": view.prompts, "answered": view.answered},
        "debriefs": {"asked": view.debriefs_asked, "written": view.debriefs},
        "months": [
            {
                "month": month.name,
                "escalations": month.escalations,
                "completeness": month.completeness,
                "seconds_to_evidence": _seconds(month.to_evidence),
                "prompts": month.prompts,
                "answered": month.answered,
                "debriefs": month.debriefs,
            }
            for month in view.months
        ],
        "parts": [
            {
                "incident": part.reference,
                "is_drill": part.is_drill,
                "declared_at": instant_text(part.declared_at),
                "severity": part.severity_key,
                "services": list(part.services),
                "participation": part.participation().value,
                "roles": [{"role": one.role_key, "stage": one.stage} for one in part.held],
                "seconds_to_evidence": _seconds(part.to_evidence),
            }
            for part in view.parts
        ],
    }
    return json_bytes(value)


def _stage_json(line: StageLine) -> dict[str, Any]:
    return {
        "role": line.scope.role_key or None,
        "service": line.scope.service_key or None,
        "stage": line.stage.value,
        "up_to": line.up_to or None,
        "since": instant_text(line.since) if line.since else None,
        "set_by": line.set_by or None,
        "is_sign_off": line.is_sign_off,
        "note": line.note,
        "renewal_due_at": instant_text(line.renewal_due_at) if line.renewal_due_at else None,
        "needs": [
            {"key": need.key, "wanted": need.wanted, "have": need.have} for need in line.needs
        ],
    }


def _tally_json(tally: Tally) -> dict[str, Any]:
    def plain(counts: Counts) -> dict[str, int]:
        return {"observed": counts.observed, "assisted": counts.assisted, "led": counts.led}

    return {
        "all": plain(tally.overall),
        "by_severity": {key: plain(counts) for key, counts in tally.by_severity},
        "by_service": {key: plain(counts) for key, counts in tally.by_service},
    }


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())


async def request_progress_export(uow: UnitOfWork, *, fmt: ExportFormat) -> Outcome:
    """Send the actor their own progress; nobody can request another person's.

    Raises: InvalidInput for guests and people of other workspaces, who have none.
    """
    actor = uow.actor
    if actor.person_id is None or actor.person_kind is not PersonKind.MEMBER:
        raise InvalidInput("person", "a_guest")
    formats = (ExportFormat.MARKDOWN.value, fmt.value)
    uow.emit(ProgressRequested(person_id=actor.person_id, formats=formats))
    return Outcome("progress_export_requested")
