"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class RefreshProposal(Effect):
    """Show a proposal in the channel, or to one person directly, or bring it up to date there."""

    kind: ClassVar[str] = "refresh_proposal"
    proposal_id: uuid.UUID
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RefreshProposalOfEntry(Effect):
    """Bring every copy of the proposal up to date whose words a redacted entry had held."""

    kind: ClassVar[str] = "refresh_proposal_of_entry"
    entry_id: uuid.UUID
