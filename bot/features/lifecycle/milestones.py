"""Milestones: the form that corrects an incident's times."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.framework.arguments import OnIncident
from bot.framework.feature import Feature
from bot.framework.requests import FieldErrors, Reply, Request
from bot.framework.verbs import Form, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo
from incidents.incident.views import IncidentView
from incidents.lifecycle.milestones import reachable, set_milestones
from incidents.policy.policy import Action

LABELS = {
    "detected_at": "Detected",
    "impact_started_at": "Impact started",
    "impact_ended_at": "Impact ended",
    "mitigated_at": "Mitigated",
    "resolved_at": "Resolved",
}


class Moments(OnIncident):
    """An incident's moments; `asked` names those that the form showed."""

    asked: tuple[str, ...] = ()
    detected_at: datetime | None = None
    impact_started_at: datetime | None = None
    impact_ended_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None


async def set_moments(request: Request, given: Moments) -> Reply:
    """Store the moments that the form showed."""
    moments = {name: getattr(given, name) for name in given.asked if name in LABELS}
    try:
        await request.transact(partial(set_milestones, ref=given.ref, moments=moments))
    except AlreadySo:
        if not moments:
            raise
        text = "You haven't changed anything yet. Change a time, or press Cancel."
        return FieldErrors({next(iter(moments)): text})
    return None


def milestones_form(view: IncidentView) -> blocks.View:
    """Return the form with the moments that the incident's status allows."""
    asked = reachable(view.status)
    return blocks.modal(
        f"Times of {view.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(view.title)}. All figures come from these times."
            ),
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
    )


FEATURE = Feature(
    name="milestones",
    verbs=(
        Verb(
            Moments,
            usage="milestones",
            family="status",
            summary="Open the form for detected, impact started and ended, mitigated, resolved.",
            aliases=("times",),
            form="milestones_submit",
            opened_by=("milestones_open",),
            needs=Action.EDIT,
            show=lambda _, view, given: Form(
                milestones_form(view), replace(given, asked=reachable(view.status))
            ),
            perform=set_moments,
        ),
    ),
)
