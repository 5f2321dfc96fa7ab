"""What the forms about an incident share: who may open them, what they remember, their buttons."""

import contextlib
import json
from typing import Any

from bot.framework.requests import Request
from incidents.core.errors import IncidentNotFound, NeedsApproval
from incidents.incident.incident import ByReference, IncidentRef, find_incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView, view_of
from incidents.lifecycle.status import allow_move, allow_reopening
from incidents.policy.policy import Action
from incidents.rights.decide import permit


async def view_for_form(
    request: Request,
    ref: IncidentRef,
    *,
    action: Action,
    target: IncidentStatus | None = None,
) -> IncidentView:
    """Return the incident that a form is about, if the person may do and the status allows it.

    Asked before the form opens, so that nobody fills one in for nothing; asked again on submit.

    Raises: IncidentNotFound; NotPermitted; TransitionRefused.
    """
    workspace_id = request.services.workspace.id
    async with request.services.database.reading() as session:
        incident = await find_incident(
            session, ref, workspace_id=workspace_id, viewer=request.actor
        )
        if incident is None:
            raise IncidentNotFound(str(ref.reference) if isinstance(ref, ByReference) else None)
        # Whoever needs agreement fills the form in first: that is what they ask for then.
        with contextlib.suppress(NeedsApproval):
            await permit(
                session,
                request.actor,
                action,
                incident=incident,
                policy=request.policy,
                workspace_id=workspace_id,
            )
        if action is Action.REOPEN:
            await allow_reopening(session, incident)
        elif target is not None:
            await allow_move(session, incident, target)
        return await view_of(session, incident)


def remember(view: IncidentView, **more: Any) -> str:
    """Return a form's metadata: which incident it is about, and what else it must know."""
    return json.dumps({"incident_id": str(view.id), **more})
