"""Events around the channel that are on no timeline."""

import uuid
from dataclasses import dataclass

from incidents.core.sentences import Who
from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivingDue(FeatureEvent):
    """The incident has been over long enough to archive its channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSuperfluous(FeatureEvent):
    """A channel was opened too late: the incident continues elsewhere."""

    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCardReplaced(FeatureEvent):
    """A new status card took the place of one that was lost or couldn't be edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedInvitesChanged(FeatureEvent):
    """Refused invitations are tried again, or their people are in now."""

    batch_id: uuid.UUID
    people: tuple[Who, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewcomerArrived(FeatureEvent):
    """Somebody joined the channel who hasn't had a read-in lately."""

    person_id: uuid.UUID
