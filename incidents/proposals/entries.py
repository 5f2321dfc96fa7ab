"""Entries about proposals: one payload per kind, which words itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from incidents.core.sentences import Who
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionProposed(Payload):
    """Somebody proposed an action."""

    kind: ClassVar[str] = "action_proposed"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    class_key: str = ""
    class_name: str = ""
    needs: str = ""
    text: str = ""
    risk: str = ""
    undo: str = ""
    check: str = ""
    expires_at: datetime | None = None
    command: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRevised(Payload):
    """The requester changed their proposal."""

    kind: ClassVar[str] = "proposal_revised"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    class_key: str = ""
    class_name: str = ""
    needs: str = ""
    text: str = ""
    risk: str = ""
    undo: str = ""
    check: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalApproved(Payload):
    """Somebody approved a proposal."""

    kind: ClassVar[str] = "proposal_approved"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    reason: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDeclined(Payload):
    """Somebody declined a proposal."""

    kind: ClassVar[str] = "proposal_declined"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLapsed(Payload):
    """An approval no longer counts: its approver may no longer approve."""

    kind: ClassVar[str] = "approval_lapsed"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    needs: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalUnanswered(Payload):
    """Nobody answered a proposal in time."""

    kind: ClassVar[str] = "proposal_unanswered"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    step: int = 0
    minutes: int = 0
    class_name: str = ""
    is_escalated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalExpired(Payload):
    """A proposal ended by itself, or with its incident."""

    kind: ClassVar[str] = "proposal_expired"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    was_answered: bool = False
    is_incident_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass(Payload):
    """Somebody went ahead without approval."""

    kind: ClassVar[str] = "break_glass"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAsked(Payload):
    """The bot asked for the result of going ahead without approval."""

    kind: ClassVar[str] = "result_asked"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    person: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalCarriedOut(Payload):
    """A proposal was carried out."""

    kind: ClassVar[str] = "proposal_carried_out"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAbandoned(Payload):
    """Somebody abandoned a proposal."""

    kind: ClassVar[str] = "proposal_abandoned"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionsAsked(Payload):
    """Somebody asked everybody for strong objections to a proposal."""

    kind: ClassVar[str] = "objections_asked"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    poll_id: uuid.UUID | None = None
    until: datetime | None = None
    box_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRaised(Payload):
    """Somebody objected to a proposal."""

    kind: ClassVar[str] = "objection_raised"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    poll_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionsEnded(Payload):
    """A poll for objections ended."""

    kind: ClassVar[str] = "objections_ended"
    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who | None = None
    text_from: uuid.UUID | None = None
    poll_id: uuid.UUID | None = None
    count: int = 0
    people: tuple[Mapping[str, Any], ...] = ()


ENTRIES: Final[tuple[type[Payload], ...]] = (
    ActionProposed,
    ProposalRevised,
    ProposalApproved,
    ProposalDeclined,
    ApprovalLapsed,
    ProposalUnanswered,
    ProposalExpired,
    BreakGlass,
    ResultAsked,
    ProposalCarriedOut,
    ProposalAbandoned,
    ObjectionsAsked,
    ObjectionRaised,
    ObjectionsEnded,
)
