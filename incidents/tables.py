"""Every module that defines tables, imported in one place so that the metadata is complete."""

from sqlalchemy import MetaData

from incidents import (
    action_items,
    approvals,
    audit_log,
    captured_messages,
    checkins,
    debriefs,
    escalations,
    guidance_records,
    handoff,
    handovers,
    incident,
    leases,
    mentor_conversations,
    objections,
    outbox,
    people,
    posted_messages,
    postmortem,
    practice_runs,
    presence,
    processed_requests,
    prompts,
    reminders,
    roles,
    shadowings,
    stages,
    stakeholder_updates,
    timeline,
)
from incidents.database import Base

MODULES = (
    action_items,
    approvals,
    audit_log,
    captured_messages,
    checkins,
    debriefs,
    escalations,
    guidance_records,
    handoff,
    handovers,
    incident,
    leases,
    mentor_conversations,
    objections,
    outbox,
    people,
    posted_messages,
    postmortem,
    practice_runs,
    presence,
    processed_requests,
    prompts,
    reminders,
    roles,
    shadowings,
    stages,
    stakeholder_updates,
    timeline,
)


def metadata() -> MetaData:
    """Return the metadata of all tables."""
    return Base.metadata
