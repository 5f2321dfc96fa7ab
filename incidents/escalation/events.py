"""Events about escalations that are on no timeline."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepTimed(FeatureEvent):
    """The time of the next step was set, although nobody was called."""

    escalation_id: uuid.UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNoted(FeatureEvent):
    """A call has news: the medium it was made by, or a reason why it may go unnoticed."""

    escalation_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalatedChanged(FeatureEvent):
    """The escalated proposal has changed."""

    escalation_id: uuid.UUID
