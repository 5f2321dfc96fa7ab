"""Events about people who are guided: private, and on no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceAwaited(FeatureEvent):
    """Check the person's guidance: they answered, were told something, or switched prompts on."""

    incident_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceBegun(FeatureEvent):
    """Guidance of a person in an incident has begun."""

    incident_id: uuid.UUID
    guidance_id: uuid.UUID
