"""What follows for people who are guided."""

from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.guidance.tables import look_reminder


def look_after_guided(plan: IncidentPlan[Any]) -> None:
    """Whoever is guided, or may be from now on, is looked after at once, in private."""
    for person_id in plan.facts.to_guide:
        facts = plan.facts
        plan.set_reminder(look_reminder(facts.incident_id, person_id, now=facts.now))
