"""What happens to somebody who is guided: their own, and in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceAwaited(FeatureEvent):
    """Somebody who is guided answered, was told something, or wants to be asked again."""

    incident_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceBegun(FeatureEvent):
    """Somebody is guided in an incident from now on."""

    incident_id: uuid.UUID
    guidance_id: uuid.UUID
