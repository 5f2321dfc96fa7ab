"""What happens to those who learn: it is theirs and their mentors', so no timeline holds it."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowingChanged(FeatureEvent):
    """A shadowing began, moved or ended, and one of its two people has to see it."""

    shadowing_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowBroughtIn(FeatureEvent):
    """A shadow was brought to an incident; `channel_effect_id` opens or joins its channel."""

    incident_id: uuid.UUID
    channel_effect_id: uuid.UUID | None
    observation_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefEvent(FeatureEvent):
    """Something happened to the debrief that `owner_id` writes of an incident."""

    incident_id: uuid.UUID
    debrief_id: uuid.UUID
    owner_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefAsked(DebriefEvent):
    """The incident is over for a shadow, who is asked for a debrief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefUnwritten(DebriefEvent):
    """The debrief wasn't written in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefWritten(DebriefEvent):
    """The owner wrote the debrief, or wrote it again; `readers` have it or get it now."""

    readers: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationChanged(FeatureEvent):
    """A junior and a mentor were paired in an incident, or what they see of it changed."""

    incident_id: uuid.UUID
    conversation_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JuniorAsked(FeatureEvent):
    """A junior asked others for something, as the entry says, and their mentor has to know."""

    incident_id: uuid.UUID
    conversation_id: uuid.UUID
    entry_id: uuid.UUID
