"""Every kind of timeline entry that this version knows, by its stored name."""

from types import MappingProxyType
from typing import Final

from incidents.calling import entries as calling_entries
from incidents.channel import entries as channel_entries
from incidents.checkins import entries as checkins_entries
from incidents.drills import entries as drills_entries
from incidents.engine import entries as engine_entries
from incidents.escalation import entries as escalation_entries
from incidents.exports import entries as exports_entries
from incidents.incident import entries as incident_entries
from incidents.incident import role_entries
from incidents.incident.payload import EntryTypes
from incidents.lifecycle import entries as lifecycle_entries
from incidents.people import entries as people_entries
from incidents.postmortem import entries as postmortem_entries
from incidents.proposals import entries as proposals_entries
from incidents.record import entries as record_entries
from incidents.roles import entries as roles_entries
from incidents.updates import entries as updates_entries

ENTRY_TYPES: Final[EntryTypes] = MappingProxyType(
    {
        payload.kind: payload
        for room in (
            incident_entries,
            role_entries,
            engine_entries,
            record_entries,
            exports_entries,
            checkins_entries,
            lifecycle_entries,
            roles_entries,
            updates_entries,
            channel_entries,
            people_entries,
            postmortem_entries,
            proposals_entries,
            escalation_entries,
            calling_entries,
            drills_entries,
        )
        for payload in room.ENTRIES
    }
)
