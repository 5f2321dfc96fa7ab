"""What happens when somebody looks: no timeline holds it."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened(FeatureEvent):
    """Somebody opened their Home tab, or turned its page."""

    person_id: uuid.UUID
    page: int = 1
