"""Facts: the state of an incident at the end of a transaction, frozen, for rules to decide on."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.ids import Reference
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.roles import current_roles
from incidents.policy.policy import COMMANDER


@dataclass(frozen=True, slots=True)
class RoleFact:
    """Who holds a role."""

    role_key: str
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class CallFact:
    """One person called by an escalation."""

    call_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationFact:
    """An escalation: its state and calls; `for_id` is who the bot escalated for, else None."""

    id: uuid.UUID
    is_unanswered: bool
    is_taken: bool
    for_id: uuid.UUID | None
    calls: tuple[CallFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFact:
    """A proposal: whether it still waits for something, and who has a copy in direct messages."""

    id: uuid.UUID
    is_live: bool
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What reactions may look at, apart from the entry and the policy."""

    incident_id: uuid.UUID
    reference: Reference
    is_private: bool
    is_drill: bool
    status: IncidentStatus
    severity_key: str
    severity_rank: int
    services: tuple[str, ...]
    declared_by_id: uuid.UUID | None
    declared_at: datetime
    next_update_due_at: datetime | None
    channel_id: str | None
    channel_effect_id: uuid.UUID | None
    is_channel_archived: bool
    is_channel_exposed: bool
    roles: tuple[RoleFact, ...]
    now: datetime
    # People whose guidance needs a look; loaded only for entries that may change it.
    to_guide: tuple[uuid.UUID, ...] = ()
    # The incident's escalations; loaded only for entries that change how they are shown.
    escalations: tuple[EscalationFact, ...] = ()
    # Found only for entries after which their messages may have to change.
    proposals: tuple[ProposalFact, ...] = ()
    # Its handoffs, each with who was asked; loaded only after a redaction.
    handoffs: tuple[tuple[uuid.UUID, uuid.UUID | None], ...] = ()
    # Whether anybody reads what we post in the channel; found only for entries that ask people.
    has_readers: bool = True
    # Who is in the channel and reads what we post; found only for entries that mention people there.
    present: frozenset[uuid.UUID] = frozenset()
    # Whether messages about entries still offer something that may have ended with this one.
    has_entry_messages: bool = False
    # Whether somebody may follow its news; found only for entries that may be some.
    has_followers: bool = False
    # Whose Home may show something else now; found only for entries after which that may be.
    home_readers: tuple[uuid.UUID, ...] = ()

    @property
    def is_open(self) -> bool:
        """Tell whether the incident is still being worked on."""
        return is_open(self.status)

    @property
    def lead_id(self) -> uuid.UUID | None:
        """Return the commander, else the declarer."""
        return self.find_holder(COMMANDER) or self.declared_by_id

    def holders(self, role_key: str) -> tuple[uuid.UUID, ...]:
        """Return the people who hold the role."""
        return tuple(role.person_id for role in self.roles if role.role_key == role_key)

    def find_holder(self, role_key: str) -> uuid.UUID | None:
        """Return the first person who holds the role, or None."""
        return next(iter(self.holders(role_key)), None)


async def gather_facts(session: AsyncSession, incident: Incident, *, now: datetime) -> Facts:
    """Return the facts of the incident as this transaction leaves it."""
    roles = await current_roles(session, incident.id)
    return Facts(
        incident_id=incident.id,
        reference=incident.reference,
        is_private=incident.is_private,
        is_drill=incident.is_drill,
        status=incident.lifecycle_status,
        severity_key=incident.severity_key,
        severity_rank=incident.severity_rank,
        services=tuple(incident.services),
        declared_by_id=incident.declared_by_id,
        declared_at=incident.declared_at,
        next_update_due_at=incident.next_update_due_at,
        channel_id=incident.channel_id,
        channel_effect_id=incident.channel_effect_id,
        is_channel_archived=incident.is_channel_archived,
        is_channel_exposed=incident.is_channel_exposed,
        roles=tuple(RoleFact(role.role_key, role.person_id) for role in roles),
        now=now,
    )
