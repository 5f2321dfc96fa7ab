"""Effects of shift handovers, private to the two people and, for a rating, the author's mentors.

They hold ids and no texts, and a failed one isn't reported to anybody else.
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class ShowHandover(Effect):
    """Show the note to one of its two people, or update it there."""

    kind: ClassVar[str] = "show_handover"
    one_persons_own: ClassVar[bool] = True
    handover_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellOfHandover(Effect):
    """Tell one of the two people, or a mentor, news of the handover; `what` is its wording's key."""

    kind: ClassVar[str] = "tell_of_handover"
    one_persons_own: ClassVar[bool] = True
    handover_id: uuid.UUID
    person_id: uuid.UUID
    what: str
    question_id: uuid.UUID | None = None
