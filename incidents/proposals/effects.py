"""Effects of this feature: intended work outside the database."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class RefreshProposal(Effect):
    """Show or update a proposal, in the channel or in a direct message."""

    kind: ClassVar[str] = "refresh_proposal"
    shows_entry: ClassVar[bool] = True
    proposal_id: uuid.UUID
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RefreshProposalOfEntry(Effect):
    """Update every copy of the proposal whose words were in a redacted entry."""

    kind: ClassVar[str] = "refresh_proposal_of_entry"
    entry_id: uuid.UUID
