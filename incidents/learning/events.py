"""Events of learning, private to learners and their mentors, so they belong in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowingChanged(FeatureEvent):
    """A shadowing began, changed its end or ended; `person_id` has to see it."""

    shadowing_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowBroughtIn(FeatureEvent):
    """A shadow was brought into an incident; `channel_effect_id` opens or joins its channel."""

    incident_id: uuid.UUID
    channel_effect_id: uuid.UUID | None
    observation_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchingChanged(FeatureEvent):
    """A shadow began or stopped watching an incident; their brief has to say so."""

    incident_id: uuid.UUID
    observation_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCopied(FeatureEvent):
    """Somebody's mentor is called, and they get a copy to learn from."""

    incident_id: uuid.UUID
    escalation_id: uuid.UUID
    call_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefEvent(FeatureEvent):
    """Something happened to the debrief that `owner_id` writes about an incident."""

    incident_id: uuid.UUID
    debrief_id: uuid.UUID
    owner_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefAsked(DebriefEvent):
    """The incident is over, and its shadow is asked for a debrief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefUnwritten(DebriefEvent):
    """The debrief wasn't written in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefHidden(DebriefEvent):
    """The incident became private: the bot stops asking for its debrief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefWritten(DebriefEvent):
    """The owner wrote or rewrote the debrief; `readers` get it or its new version."""

    readers: tuple[uuid.UUID, ...]
    # The owner had been reminded; that message shows what they wrote, too.
    was_reminded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationChanged(FeatureEvent):
    """A junior and a mentor were paired in an incident, or their view of it changed."""

    incident_id: uuid.UUID
    conversation_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JuniorAsked(FeatureEvent):
    """A junior asked others for something (the entry), and their mentor has to know."""

    incident_id: uuid.UUID
    conversation_id: uuid.UUID
    entry_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardOutdated(FeatureEvent):
    """A message forwarded to a mentor (about the entry) offers something that is over."""

    incident_id: uuid.UUID
    conversation_id: uuid.UUID
    entry_id: uuid.UUID
