"""The form that resolves: asks once for what the record lacks, filled with what is likely."""

from collections.abc import Iterable
from datetime import datetime

from bot.framework.incident_forms import remember
from bot.framework.refusals import invalid_text
from bot.slack import blocks, mentions
from incidents.incident.views import IncidentView
from incidents.lifecycle.resolve import Resolution

CALLBACK_ID = "resolve_submit"

_MISSING = {
    "impact_started_at": "Needed, unless there was no customer impact (tick the box above).",
    "impact_ended_at": "Needed, unless there was no customer impact (tick the box above).",
    "resolution": "Say in a sentence what fixed it.",
}
_ORDER = "The impact can't end before it started."


def resolve_form(view: IncidentView, *, text: str, now: datetime) -> blocks.View:
    """Return the form, filled from the record and with what was said already."""
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
                # Only if somebody said so: ticked beforehand, nobody would notice it.
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
        callback_id=CALLBACK_ID,
        submit="Resolve",
        private_metadata=remember(view),
    )


def read_form(form: blocks.FormState) -> Resolution:
    """Return what the form's values say."""
    return Resolution(
        text=form.text("resolution"),
        impact_started_at=form.instant("impact_started_at"),
        impact_ended_at=form.instant("impact_ended_at"),
        has_customer_impact=not form.checked("no_impact", "none"),
    )


def find_errors(given: Resolution, *, now: datetime) -> dict[str, str]:
    """Return everything that is wrong with the values themselves, by field."""
    if not given.has_customer_impact:
        return {}
    times = {
        "impact_started_at": given.impact_started_at,
        "impact_ended_at": given.impact_ended_at,
    }
    errors = {name: time_error(name, "future") for name, at in times.items() if at and at > now}
    start, end = times.values()
    # People choose minutes: an end in the minute of its start isn't before it.
    if start and end and end.replace(second=0) < start.replace(second=0, microsecond=0):
        errors.setdefault("impact_ended_at", _ORDER)
    return errors


def missing_errors(fields: Iterable[str]) -> dict[str, str]:
    """Return what to say in the fields that are still empty."""
    return {name: _MISSING[name] for name in fields}


def time_error(field: str, problem: str) -> str:
    """Return what is wrong with a time."""
    if (field, problem) == ("impact_ended_at", "order"):
        return _ORDER
    return invalid_text(field, problem, "")
