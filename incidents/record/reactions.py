"""What follows from corrections of the record."""

from typing import Any

from incidents.engine.effects import EraseEntryMessage
from incidents.engine.plan import IncidentPlan
from incidents.incident.timeline import EntryKind


def say_correction(plan: IncidentPlan[Any]) -> None:
    """A note was said in the channel, so its correction is too; a mark never was."""
    if (plan.entry.content or {}).get("target_kind") == EntryKind.NOTE:
        plan.post()


def erase_message(plan: IncidentPlan[Any]) -> None:
    """A redacted entry's text also leaves the messages that had said it or show it."""
    if plan.entry.target_id is None:
        return
    plan.refresh_card()
    plan.refresh_announcement()
    effect = EraseEntryMessage(incident_id=plan.facts.incident_id, entry_id=plan.entry.target_id)
    plan.add(effect, lane="channel", after=plan.channel_gate)
