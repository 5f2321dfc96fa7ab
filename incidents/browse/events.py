"""Events of browsing, which belong in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened(FeatureEvent):
    """A person opened their Home tab or changed its page."""

    person_id: uuid.UUID
    page: int = 1
