"""Effects about who is on call."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class TellOfOverride(Effect):
    """Tell somebody that an override concerning them began or was stopped."""

    kind: ClassVar[str] = "tell_of_override"
    one_persons_own: ClassVar[bool] = True
    override_id: uuid.UUID
    person_id: uuid.UUID
    is_stop: bool
