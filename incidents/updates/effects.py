"""Effects of stakeholder updates."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class PostNews(Effect):
    """Post an entry as a reply to the announcement; a broadcast shows in the channel, too."""

    kind: ClassVar[str] = "post_news"
    entry_id: uuid.UUID
    is_broadcast: bool = False


@dataclass(frozen=True, kw_only=True)
class TellFollowers(Effect):
    """Send an entry to everybody who follows the incident, each once: see `Delivery`."""

    kind: ClassVar[str] = "tell_followers"
    one_persons_own: ClassVar[bool] = True
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowMaintenance(Effect):
    """Post the notice of a planned maintenance or update it in place."""

    kind: ClassVar[str] = "show_maintenance"
    maintenance_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class PostMaintenanceNews(Effect):
    """Reply to a maintenance's notice with what people must hear; the channel shows it, too."""

    kind: ClassVar[str] = "post_maintenance_news"
    maintenance_id: uuid.UUID
    says: str


@dataclass(frozen=True, kw_only=True)
class TellMaintenanceFollowers(Effect):
    """Send what a maintenance's notice says now to everybody who follows it or its services."""

    kind: ClassVar[str] = "tell_maintenance_followers"
    one_persons_own: ClassVar[bool] = True
    maintenance_id: uuid.UUID
    says: str


@dataclass(frozen=True, kw_only=True)
class TellMaintenance(Effect):
    """Tell a maintenance's author news of it; `news` is the key of its wording."""

    kind: ClassVar[str] = "tell_maintenance"
    one_persons_own: ClassVar[bool] = True
    maintenance_id: uuid.UUID
    person_id: uuid.UUID
    news: str
    problem: str = ""
