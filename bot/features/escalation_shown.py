"""Which escalation a button, a form or a command means, as the person may see it."""

import uuid

from bot.features.incident_forms import view_for_form
from bot.requests import Request
from incidents.directory import find_people_named
from incidents.errors import Superseded
from incidents.escalation_views import EscalationView, get_escalation_view
from incidents.escalations import CallStatus, Escalation, escalations_of
from incidents.incident import ById, IncidentRef
from incidents.policy import Action
from incidents.read_models import IncidentView


def id_of(text: str) -> uuid.UUID:
    """Return the id that a value holds. Raises: Superseded for one that isn't ours."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Superseded("escalation_withdrawn") from None


def escalation_of_value(value: str) -> uuid.UUID:
    """Return the escalation of a button's value `incident|escalation|…`. Raises: Superseded."""
    return id_of([*value.split("|"), ""][1])


def example_line(request: Request, words: str) -> str:
    """Return a whole command as the example that a refusal gives."""
    return f"`{typed_line(request, words)}`"


def typed_line(request: Request, words: str) -> str:
    """Return a command as it is typed where the person is, with the reference where they gave it."""
    reference = request.words.reference
    return " ".join([request.policy.command, *([str(reference)] if reference else []), words])


async def shown_escalation(
    request: Request, escalation_id: uuid.UUID, *, action: Action = Action.VIEW
) -> tuple[EscalationView, IncidentView]:
    """Return an escalation and its incident, if the person may see it and do this.

    Raises: Superseded; IncidentNotFound; NotPermitted.
    """
    async with request.services.database.reading() as session:
        row = await session.get(Escalation, escalation_id)
    if row is None or row.workspace_id != request.services.workspace.id:
        raise Superseded("escalation_withdrawn")
    incident = await view_for_form(request, ById(row.incident_id), action=action)
    async with request.services.database.reading() as session:
        view = await get_escalation_view(
            session, escalation_id, policy=request.policy, now=request.now
        )
    return view, incident


async def names_in_steps(request: Request, view: EscalationView) -> dict[str, str]:
    """Return how people read the names of the steps that wait, by how the policy has them."""
    wanted = [name for step in view.waiting_steps for name in step.reach]
    async with request.services.database.reading() as session:
        people = await find_people_named(
            session, wanted, workspace_id=request.services.workspace.id
        )
    return {name: people[name].name if name in people else name for name in wanted}


async def escalations_shown(
    request: Request, ref: IncidentRef
) -> tuple[tuple[EscalationView, ...], IncidentView]:
    """Return every escalation of an incident that the person may see, the newest first.

    Raises: IncidentNotFound; NotPermitted.
    """
    incident = await view_for_form(request, ref, action=Action.VIEW)
    async with request.services.database.reading() as session:
        rows = await escalations_of(session, incident.id)
        views = [
            await get_escalation_view(session, row.id, policy=request.policy, now=request.now)
            for row in reversed(rows)
        ]
    return tuple(views), incident


def find_meant(
    views: tuple[EscalationView, ...], number: int | None, *, viewer_id: uuid.UUID | None = None
) -> EscalationView | None:
    """Return the one that is meant: by its number, else the newest that waits, else the newest.

    Of those that wait, first what calls the viewer, then what they sent.
    """
    if number is not None:
        return next((view for view in views if view.number == number), None)
    waiting = [view for view in views if view.is_unanswered]
    calling = [view for view in waiting if _calls(view, viewer_id)]
    sent = [view for view in waiting if view.author is not None and view.author.id == viewer_id]
    return next(iter((*calling, *sent, *waiting, *views)), None)


def _calls(view: EscalationView, person_id: uuid.UUID | None) -> bool:
    return any(
        call.person.id == person_id and call.status is CallStatus.OPEN for call in view.calls
    )
