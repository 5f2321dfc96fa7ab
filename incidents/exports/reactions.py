"""Reactions to an export."""

from incidents.engine.effects import UploadExport
from incidents.engine.plan import IncidentPlan
from incidents.exports.entries import Exported


def upload_export(plan: IncidentPlan[Exported]) -> None:
    """Upload an export as a file to the incident's own channel, and nowhere else."""
    effect = UploadExport(
        incident_id=plan.facts.incident_id, entry_id=plan.entry.id, format=plan.event.format
    )
    plan.add(effect, lane="exports", after=plan.channel_gate)
