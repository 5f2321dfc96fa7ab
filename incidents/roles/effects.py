"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class TellRoleHolder(Effect):
    """Send a new role holder the role's duties and checklist by direct message."""

    kind: ClassVar[str] = "tell_role_holder"
    entry_id: uuid.UUID
    person_id: uuid.UUID
    role_key: str


@dataclass(frozen=True, kw_only=True)
class RefreshHandoff(Effect):
    """Show or update a handoff, in the channel or in a direct message."""

    kind: ClassVar[str] = "refresh_handoff"
    handoff_id: uuid.UUID
    person_id: uuid.UUID | None = None
