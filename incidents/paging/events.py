"""What happens to pages without being on a timeline."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from incidents.engine.plan import FeatureEvent


class Demand(StrEnum):
    """What is asked of a pager."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesMoved(FeatureEvent):
    """The pagers have to do this with these pages."""

    demand: Demand
    page_ids: tuple[uuid.UUID, ...]
