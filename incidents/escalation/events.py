"""What happens to escalations and stands in no timeline."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepTimed(FeatureEvent):
    """When the next step is called was set anew, though nobody was called."""

    escalation_id: uuid.UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNoted(FeatureEvent):
    """Something became known of a call: by what it was made, or why it may go unnoticed."""

    escalation_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalatedChanged(FeatureEvent):
    """What was escalated, a proposal, isn't as it was."""

    escalation_id: uuid.UUID
