"""Events about people that belong in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDataRequested(FeatureEvent):
    """A person asked for what is stored about them."""

    person_id: uuid.UUID
