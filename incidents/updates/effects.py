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
