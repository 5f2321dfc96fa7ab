"""Reactions to the events of browsing."""

from incidents.browse.events import HomeOpened
from incidents.engine.effects import RefreshHome
from incidents.engine.plan import Plan


def show_home(plan: Plan[HomeOpened]) -> None:
    """Update the person's Home tab."""
    person_id, page = plan.event.person_id, plan.event.page
    effect = RefreshHome(person_id=person_id, page=page)
    key = f"{effect.kind}:{person_id}:{page}"
    plan.add(effect, lane=f"home:{person_id}", coalesce_key=key)
