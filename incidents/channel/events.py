"""What happens around the channel and stands in no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivingDue(FeatureEvent):
    """The incident has been over for as long as its channel is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSuperfluous(FeatureEvent):
    """A channel was opened too late: the incident goes on elsewhere."""

    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewcomerArrived(FeatureEvent):
    """Somebody came into the channel who hasn't been read in lately."""

    person_id: uuid.UUID
