"""Reactions to overrides: the people concerned are told."""

from incidents.engine.plan import Plan
from incidents.on_call.effects import TellOfOverride
from incidents.on_call.events import OverrideEvent


def tell_people(plan: Plan[OverrideEvent]) -> None:
    """Tell the stand-in and the person whose turn it is, in the order in which it happened."""
    event = plan.event
    for person_id in event.tell:
        effect = TellOfOverride(
            override_id=event.override_id, person_id=person_id, is_stop=event.is_stop
        )
        plan.add(effect, lane=f"override:{event.override_id}:{person_id}", name=str(person_id))
