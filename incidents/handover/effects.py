"""Effects of on-call handoffs: the business of their two people alone.

They hold ids and no word of what anybody wrote, and that one failed is said to nobody else.
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class ShowHandover(Effect):
    """Show an on-call handoff to one of its two people, or bring it up to date there."""

    kind: ClassVar[str] = "show_handover"
    one_persons_own: ClassVar[bool] = True
    handover_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class TellOfHandover(Effect):
    """Tell one of its two people what came of an on-call handoff; `what` is a key of the words."""

    kind: ClassVar[str] = "tell_of_handover"
    one_persons_own: ClassVar[bool] = True
    handover_id: uuid.UUID
    person_id: uuid.UUID
    what: str
    question_id: uuid.UUID | None = None
