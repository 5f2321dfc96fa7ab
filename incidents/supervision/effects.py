"""Effects of supervision: what the person and their mentors are told, each directly and alone.

They hold ids and no word of what was set or written. Stored ones must stay readable
(`effects.py`).
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class TellStage(Effect):
    """Tell the person or a mentor directly that a stage was set; rendered from the record."""

    kind: ClassVar[str] = "tell_stage"
    one_persons_own: ClassVar[bool] = True
    record_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellMentorship(Effect):
    """Tell the person or the mentor directly that they are now mentor and mentee, or no longer."""

    kind: ClassVar[str] = "tell_mentorship"
    one_persons_own: ClassVar[bool] = True
    mentorship_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellRenewal(Effect):
    """Tell the person or a mentor directly that a sign-off is to be renewed."""

    kind: ClassVar[str] = "tell_renewal"
    one_persons_own: ClassVar[bool] = True
    record_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class UploadProgress(Effect):
    """Upload somebody's own progress (md, csv, json) to their direct messages, made anew then."""

    kind: ClassVar[str] = "upload_progress"
    one_persons_own: ClassVar[bool] = True
    person_id: uuid.UUID
    format: str = "md"
