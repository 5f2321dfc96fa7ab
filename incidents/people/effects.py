"""Effects about people."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class SendOwnData(Effect):
    """Send a person what is stored about them, as a file by direct message."""

    kind: ClassVar[str] = "send_own_data"
    one_persons_own: ClassVar[bool] = True
    person_id: uuid.UUID
