"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class UploadPostmortem(Effect):
    """Upload the postmortem to the channel, built from the record at that moment."""

    kind: ClassVar[str] = "upload_postmortem"
    needs_channel: ClassVar[bool] = True
    postmortem_id: uuid.UUID
