"""Events of the engine that belong in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChanged(FeatureEvent):
    """A private prompt was asked, answered or withdrawn; its owner's message has to show it."""

    prompt_id: uuid.UUID
    incident_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack(FeatureEvent):
    """Sitrep is back after an absence in which it may have missed something in these incidents."""

    absence_id: uuid.UUID
    incident_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMessagesOutdated(FeatureEvent):
    """The incident changed while a message about an entry was posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedTextRewritten(FeatureEvent):
    """An entry was redacted while its message was edited, so its words are there again."""

    incident_id: uuid.UUID
    entry_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMessageNotRefreshed(FeatureEvent):
    """One message about an entry couldn't be refreshed with the others, by an error of ours."""

    incident_id: uuid.UUID
    message_id: uuid.UUID
