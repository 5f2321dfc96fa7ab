"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class RefreshEscalationCard(Effect):
    """Post an escalation's card in the incident channel, or update it in place."""

    kind: ClassVar[str] = "refresh_escalation_card"
    needs_channel: ClassVar[bool] = True
    shows_entry: ClassVar[bool] = True
    escalation_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class CallForEscalation(Effect):
    """Call one person: send the packet and the answer buttons by direct message."""

    kind: ClassVar[str] = "call_for_escalation"
    escalation_id: uuid.UUID
    call_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RefreshEscalationCall(Effect):
    """Update the message that called somebody, in place: taken, over, a new packet."""

    kind: ClassVar[str] = "refresh_escalation_call"
    escalation_id: uuid.UUID
    call_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class LookUpCallees(Effect):
    """Look up names of a step that aren't known here yet, then call those people."""

    kind: ClassVar[str] = "look_up_callees"
    escalation_id: uuid.UUID
    step_id: uuid.UUID
