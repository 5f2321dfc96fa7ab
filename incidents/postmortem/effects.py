"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class UploadPostmortem(Effect):
    """Upload the postmortem, made from the record when it is carried out, to the channel."""

    kind: ClassVar[str] = "upload_postmortem"
    needs_channel: ClassVar[bool] = True
    postmortem_id: uuid.UUID
