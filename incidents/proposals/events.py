"""Events of proposals that are on no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersConcerned(FeatureEvent):
    """An entry concerns people it doesn't name: no timeline says who supervises whom."""

    entry_id: uuid.UUID
    people: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsRedacted(FeatureEvent):
    """A proposal's text was redacted: who has a copy, and which entries repeated it."""

    proposal_id: uuid.UUID
    told: tuple[uuid.UUID, ...]
    said: tuple[uuid.UUID, ...]
