"""Events of supervision, which belong in no timeline."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSet(FeatureEvent):
    """A person's stage was set; `told` are they and their mentors, except the one who set it."""

    record_id: uuid.UUID
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorshipChanged(FeatureEvent):
    """A mentor was named, agreed to or declined, or no longer is one.

    `asked` are asked whether they agree, or see how the question ended; `told` learn what changed.
    """

    mentorship_id: uuid.UUID
    question_id: uuid.UUID | None = None
    # Until when the question waits; None once it is over.
    expires_at: datetime | None = None
    asked: tuple[uuid.UUID, ...] = ()
    told: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalExpected(FeatureEvent):
    """A sign-off has to be renewed at `due_at`."""

    record_id: uuid.UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDue(FeatureEvent):
    """A sign-off has to be renewed now; `told` are the person and their mentors."""

    record_id: uuid.UUID
    told: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRequested(FeatureEvent):
    """A person asked for their own progress as files in these formats."""

    person_id: uuid.UUID
    formats: tuple[str, ...]
