"""Reactions that keep the Home tab current."""

from incidents.browse.events import HomeOpened
from incidents.engine.effects import RefreshHome
from incidents.engine.plan import IncidentPlan, Plan
from incidents.people.entries import SightEnded, SightTakenBack


def show_home(plan: Plan[HomeOpened]) -> None:
    """Update the person's Home tab."""
    person_id, page = plan.event.person_id, plan.event.page
    effect = RefreshHome(person_id=person_id, page=page)
    key = f"{effect.kind}:{person_id}:{page}"
    plan.add(effect, lane=f"home:{person_id}", coalesce_key=key)


def take_off_home(plan: IncidentPlan[SightEnded] | IncidentPlan[SightTakenBack]) -> None:
    """Show somebody who no longer sees a private incident their Home tab without it."""
    person_id = plan.event.whose(plan.entry.actor_id)
    if person_id is not None:
        plan.refresh(RefreshHome(person_id=person_id), lane="home", of=person_id)
