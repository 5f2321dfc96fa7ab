"""Effects of supervision: direct messages to the person and their mentors.

They hold ids, but neither stages nor texts. Stored effects must stay readable (`effects.py`).
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class TellStage(Effect):
    """Tell the person or a mentor that a stage was set, rendered from the stage record."""

    kind: ClassVar[str] = "tell_stage"
    one_persons_own: ClassVar[bool] = True
    record_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowMentorQuestion(Effect):
    """Ask the person or one of their mentors to agree to a mentor; afterwards, show how it ended."""

    kind: ClassVar[str] = "show_mentor_question"
    one_persons_own: ClassVar[bool] = True
    mentorship_id: uuid.UUID
    question_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellMentorship(Effect):
    """Tell somebody concerned that a mentorship began, was declined or ended."""

    kind: ClassVar[str] = "tell_mentorship"
    one_persons_own: ClassVar[bool] = True
    mentorship_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellRenewal(Effect):
    """Tell the person or a mentor that a sign-off has to be renewed."""

    kind: ClassVar[str] = "tell_renewal"
    one_persons_own: ClassVar[bool] = True
    record_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class UploadProgress(Effect):
    """Upload a person's current progress (md, csv, json) to their direct messages."""

    kind: ClassVar[str] = "upload_progress"
    one_persons_own: ClassVar[bool] = True
    person_id: uuid.UUID
    format: str = "md"
