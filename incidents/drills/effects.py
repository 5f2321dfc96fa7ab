"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class SendMentorNotes(Effect):
    """Send the mentor of a drill the notes on its scenario, by direct message."""

    kind: ClassVar[str] = "send_mentor_notes"
    run_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class SendScorecard(Effect):
    """Send one of a drill's two people the scorecard, by direct message."""

    kind: ClassVar[str] = "send_scorecard"
    run_id: uuid.UUID
    person_id: uuid.UUID
