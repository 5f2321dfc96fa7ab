"""What follows from an export."""

from typing import Any

from incidents.engine.effects import UploadExport
from incidents.engine.plan import IncidentPlan


def upload_export(plan: IncidentPlan[Any]) -> None:
    """An export goes as a file to the incident's own channel, and nowhere else."""
    effect = UploadExport(
        incident_id=plan.facts.incident_id,
        entry_id=plan.entry.id,
        format=str((plan.entry.content or {}).get("format", "md")),
    )
    plan.add(effect, lane="exports", after=plan.channel_gate)
