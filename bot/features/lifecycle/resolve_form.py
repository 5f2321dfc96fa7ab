"""The form that resolves: asks once for what the record lacks, prefilled with likely values."""

from collections.abc import Mapping
from datetime import datetime

from bot.framework.arguments import OnIncident
from bot.framework.refusals import invalid_text
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import DomainError, InformationMissing, InvalidInput
from incidents.incident.views import IncidentView
from incidents.lifecycle.resolve import Resolution

_MISSING = {
    "impact_started_at": "Needed, unless there was no customer impact (tick the box above).",
    "impact_ended_at": "Needed, unless there was no customer impact (tick the box above).",
    "resolution": "Say in a sentence what fixed it.",
}
_ORDER = "The impact can't end before it started."


class Ending(OnIncident):
    """What fixed it, and the impact; None keeps what the record says."""

    resolution: str = ""
    no_impact: bool | None = None
    impact_started_at: datetime | None = None
    impact_ended_at: datetime | None = None


def resolve_form(view: IncidentView, *, text: str, now: datetime) -> blocks.View:
    """Return the form, filled from the record and with the typed text."""
    return blocks.modal(
        f"Resolve {view.reference}",
        blocks=[
            blocks.context(mentions.escape_line(view.title)),
            blocks.checkboxes(
                "no_impact",
                label="Customer impact",
                options=[
                    blocks.option("No customer impact: the times below don't count", value="none")
                ],
                # Tick only what somebody stated: nobody would notice a default tick.
                initial=() if view.has_customer_impact else ("none",),
            ),
            blocks.datetime_input(
                "impact_started_at",
                label="Impact started",
                initial=view.impact_started_at or view.detected_at,
                optional=True,
            ),
            blocks.datetime_input(
                "impact_ended_at",
                label="Impact ended",
                initial=view.impact_ended_at or view.mitigated_at or now,
                optional=True,
            ),
            blocks.text_input(
                "resolution",
                label="What fixed it?",
                initial=text or view.resolution,
                multiline=True,
                placeholder="Rolled back checkout 1.42",
            ),
        ],
        submit="Resolve",
    )


def resolution_of(given: Ending) -> Resolution:
    """Convert the form's values for the domain."""
    return Resolution(
        text=given.resolution,
        impact_started_at=given.impact_started_at,
        impact_ended_at=given.impact_ended_at,
        has_customer_impact=None if given.no_impact is None else not given.no_impact,
    )


def find_errors(given: Ending, *, now: datetime) -> dict[str, str]:
    """Return the errors in the values themselves, by field."""
    if given.no_impact:
        return {}
    start, end = given.impact_started_at, given.impact_ended_at
    times = {"impact_started_at": start, "impact_ended_at": end}
    errors = {
        name: invalid_text(name, "future", "") for name, at in times.items() if at and at > now
    }
    # People choose minutes, so an end in the same minute as the start is fine.
    if start and end and end.replace(second=0) < start.replace(second=0, microsecond=0):
        errors.setdefault("impact_ended_at", _ORDER)
    return errors


def explain(_: Request, error: DomainError) -> Mapping[str, str] | None:
    """Return error texts for fields that are empty, or for an end before the start."""
    match error:
        case InformationMissing(fields=missing):
            return {name: _MISSING[name] for name in missing}
        case InvalidInput(field="impact_ended_at" as field, problem="order"):
            return {field: _ORDER}
    return None
