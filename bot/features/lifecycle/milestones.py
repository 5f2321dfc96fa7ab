"""Milestones: the form that sets an incident's moments right, and how a change reads."""

from datetime import datetime
from functools import partial
from typing import Any

from bot.framework.feature import Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text
from bot.framework.replies import FieldErrors, Reply
from bot.framework.requests import Request
from bot.framework.slash_commands import Command
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.incident.incident import IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.milestones import reachable, set_milestones
from incidents.policy.policy import Action

LABELS = {
    "detected_at": "Detected",
    "impact_started_at": "Impact started",
    "impact_ended_at": "Impact ended",
    "mitigated_at": "Mitigated",
    "resolved_at": "Resolved",
}


async def milestones_command(request: Request) -> Reply:
    """Open the form from `/incident milestones`."""
    return await _open_form(request, request.incident_ref())


async def open_milestones(request: Request) -> Reply:
    """Open the form from the button."""
    return await _open_form(request, request.incident_of_value())


async def milestones_submitted(request: Request) -> Reply:
    """Set the moments from the form; what can't be is told in its field."""
    asked = [name for name in request.metadata.get("asked") or () if name in LABELS]
    moments = {name: request.form.instant(name) for name in asked}
    use_case = partial(set_milestones, ref=request.incident_of_metadata(), moments=moments)
    try:
        await request.transact(use_case)
    except AlreadySo:
        return FieldErrors({asked[0]: "Nothing is different yet. Change a time, or press Cancel."})
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return None


def milestones_form(view: IncidentView) -> blocks.View:
    """Return the form with the moments that an incident of this status can have."""
    asked = reachable(view.status)
    return blocks.modal(
        f"Times of {view.reference}",
        blocks=[
            blocks.context(f"{mentions.escape_line(view.title)}. Figures are computed from these."),
            *(
                blocks.datetime_input(
                    name,
                    label=LABELS[name],
                    initial=getattr(view, name),
                    optional=name != "detected_at",
                )
                for name in asked
            ),
        ],
        callback_id="milestones_submit",
        private_metadata=remember(view, asked=list(asked)),
    )


def milestone_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return a moment set right as a message: what, when, and what stood there before."""
    name = entry.text("name")
    label = LABELS.get(name, name.replace("_", " "))
    old, new = _instant(entry.content.get("old")), _instant(entry.content.get("new"))
    text = f"*{mentions.escape_line(label)}*: {mentions.date(new) if new else 'removed'}"
    if old is not None:
        text = f"{text} (was {mentions.date(old)})"
    text = f"{text}, set by {mentions.escape_line(entry.actor_name)}"
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=blocks.paragraphs(text))


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.EDIT)
    await request.open_view(milestones_form(view))
    return None


FEATURE = Feature(
    name="milestones",
    commands=(
        Command(
            name="milestones",
            usage="milestones",
            summary="Open the form for detected, impact started and ended, mitigated, resolved.",
            handler=milestones_command,
            aliases=("times",),
        ),
    ),
    actions={"milestones_open": open_milestones},
    views={"milestones_submit": milestones_submitted},
    entries={EntryKind.MILESTONE_SET: milestone_entry},
)
