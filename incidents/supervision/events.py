"""What happens on somebody's way to working alone: no timeline holds it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSet(FeatureEvent):
    """Somebody's stage was set; `told` are they and their mentors, without who set it."""

    record_id: uuid.UUID
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorshipChanged(FeatureEvent):
    """Two people became mentor and mentee, or no longer are; `told` leaves out who changed it."""

    mentorship_id: uuid.UUID
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalExpected(FeatureEvent):
    """A sign-off has to be renewed at some instant."""

    record_id: uuid.UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDue(FeatureEvent):
    """A sign-off has to be renewed now; `told` are the person and their mentors."""

    record_id: uuid.UUID
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRequested(FeatureEvent):
    """Somebody asked for their own progress as files, in these formats."""

    person_id: uuid.UUID
    formats: tuple[str, ...]
