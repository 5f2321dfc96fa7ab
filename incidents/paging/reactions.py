"""Reactions to what happens to pages: the pagers are asked, one thing after the other for each page."""

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from incidents.engine.effects import Effect
from incidents.engine.plan import IncidentPlan, Plan
from incidents.engine.reminders import Remind, ReminderKind
from incidents.paging.effects import (
    AcknowledgePage,
    EndTrialPage,
    ResolvePage,
    SendTrialPage,
    ShowTrial,
    TriggerPage,
    UpdatePage,
)
from incidents.paging.events import Demand, PagesMoved
from incidents.paging.trials import TRIAL_TIME, TrialMoved

# A page that no pager has accepted after this long has failed, whatever the reason.
FAILED_AFTER: Final = timedelta(seconds=60)

_EFFECTS: Final[Mapping[Demand, Callable[..., Effect]]] = MappingProxyType(
    {
        Demand.TRIGGER: TriggerPage,
        Demand.ACKNOWLEDGE: AcknowledgePage,
        Demand.RESOLVE: ResolvePage,
        Demand.UPDATE: UpdatePage,
    }
)


def ask_pagers(plan: IncidentPlan[PagesMoved]) -> None:
    """Plan what each page's pager has to do, and look after a minute whether it did."""
    demand = plan.event.demand
    for page_id in plan.event.page_ids:
        effect = _EFFECTS[demand](incident_id=plan.facts.incident_id, page_id=page_id)
        key = f"update_page:{page_id}" if demand is Demand.UPDATE else None
        plan.add(effect, lane=page_lane(page_id), name=str(page_id), coalesce_key=key)
        if demand is Demand.TRIGGER:
            plan.remind(
                ReminderKind.PAGE_NOT_ACCEPTED,
                after=FAILED_AFTER,
                subject_type="page",
                subject_id=page_id,
            )


def follow_trial(plan: Plan[TrialMoved]) -> None:
    """Send and end test pages, show how far they are, and end them in two minutes."""
    trial = plan.event
    for page_id in trial.sent:
        plan.add(SendTrialPage(page_id=page_id), lane=page_lane(page_id), name=str(page_id))
    for page_id in trial.ended:
        plan.add(EndTrialPage(page_id=page_id), lane=page_lane(page_id), name=str(page_id))
    show = ShowTrial(trial_id=trial.trial_id)
    key = f"{show.kind}:{trial.trial_id}"
    plan.add(show, lane=f"trial:{trial.trial_id}", coalesce_key=key)
    if trial.sent:
        plan.set_reminder(
            Remind(
                kind=ReminderKind.TRIAL_DUE,
                subject_type="trial",
                subject_id=trial.trial_id,
                incident_id=None,
                due_at=plan.now + TRIAL_TIME,
            )
        )


def page_lane(page_id: uuid.UUID) -> str:
    """Return the lane of one page: a slow pager holds up nothing else."""
    return f"page:{page_id}"
