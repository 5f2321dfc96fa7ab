"""What happens to proposals and stands in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersConcerned(FeatureEvent):
    """An entry concerns people whom it doesn't name: who supervises whom stands in no timeline."""

    entry_id: uuid.UUID
    people: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsRedacted(FeatureEvent):
    """A proposal's words were redacted: who has a copy, and which entries were said with them."""

    proposal_id: uuid.UUID
    told: tuple[uuid.UUID, ...]
    said: tuple[uuid.UUID, ...]
