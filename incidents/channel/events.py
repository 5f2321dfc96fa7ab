"""Events around the channel that are on no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivingDue(FeatureEvent):
    """The incident has been over long enough to archive its channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSuperfluous(FeatureEvent):
    """A channel was opened too late: the incident continues elsewhere."""

    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewcomerArrived(FeatureEvent):
    """Somebody joined the channel who hasn't had a read-in lately."""

    person_id: uuid.UUID
