"""Every module that defines tables, imported in one place so that the metadata is complete."""

from sqlalchemy import MetaData

from incidents.browse import home
from incidents.checkins import checkins
from incidents.core import people
from incidents.engine import outbox, posted_messages, presence, prompts, reminders
from incidents.escalation import tables as escalations
from incidents.guidance import tables as guidance_records
from incidents.handover import tables as handovers
from incidents.incident import cadence as stakeholder_updates
from incidents.incident import incident, numbers, roles, timeline
from incidents.learning import tables as debriefs
from incidents.learning import tables as mentor_conversations
from incidents.learning import tables as shadowings
from incidents.on_call import tables as on_call
from incidents.paging import pages, trials
from incidents.postmortem import action_items, postmortem
from incidents.proposals import objections
from incidents.proposals import tables as proposals
from incidents.record import audit_log, captured_messages, hiding
from incidents.rights import stages
from incidents.roles import handoffs as handoff
from incidents.scenarios import runs as drill_runs
from incidents.storage import leases, processed_requests
from incidents.storage.database import Base
from incidents.updates import maintenance, subscriptions

MODULES = (
    action_items,
    proposals,
    audit_log,
    captured_messages,
    checkins,
    debriefs,
    escalations,
    guidance_records,
    handoff,
    handovers,
    hiding,
    home,
    incident,
    leases,
    maintenance,
    mentor_conversations,
    numbers,
    objections,
    outbox,
    on_call,
    pages,
    trials,
    people,
    posted_messages,
    postmortem,
    drill_runs,
    presence,
    processed_requests,
    prompts,
    reminders,
    roles,
    shadowings,
    stages,
    stakeholder_updates,
    subscriptions,
    timeline,
)


def metadata() -> MetaData:
    """Return the metadata of all tables."""
    return Base.metadata
