"""Reactions to the events of browsing."""

from incidents.browse.events import HomeOpened
from incidents.engine.effects import RefreshHome
from incidents.engine.plan import IncidentPlan, Plan
from incidents.incident.payload import Payload


def show_home(plan: Plan[HomeOpened]) -> None:
    """Update the person's Home tab."""
    person_id, page = plan.event.person_id, plan.event.page
    effect = RefreshHome(person_id=person_id, page=page)
    key = f"{effect.kind}:{person_id}:{page}"
    plan.add(effect, lane=f"home:{person_id}", coalesce_key=key)


def show_homes(plan: IncidentPlan[Payload]) -> None:
    """Update the Home tab of those for whom something of the incident waits or waited."""
    for person_id in plan.facts.home_readers:
        effect = RefreshHome(person_id=person_id, page=0)
        plan.refresh(effect, lane=f"home:{person_id}", of=f"{person_id}:0")
