"""Echoes: Slack events about the bot's own actions, or that repeat another event.

Declaring one incident causes a dozen of them. They need no handling, so they are answered before
any lookup.
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.framework.requests import WorkspaceInfo

_OF_A_MESSAGE: Final = frozenset(
    {"message", "pin_added", "pin_removed", "reaction_added", "reaction_removed"}
)
# Lines that Slack writes into a channel in addition to a separate event.
_NOTICES: Final = frozenset(
    f"{room}_{happening}"
    for room in ("channel", "group")
    for happening in ("join", "leave", "topic", "purpose", "name", "archive", "unarchive")
)


def is_own_event(body: Mapping[str, Any], us: WorkspaceInfo) -> bool:
    """Tell whether the request is an event about the bot's own action, or a channel notice."""
    event = body.get("event")
    if not isinstance(event, Mapping) or event.get("type") not in _OF_A_MESSAGE:
        return False
    if event.get("subtype") in _NOTICES:
        return True
    is_by_us = event.get("user") == us.bot_external_id
    return is_by_us or (bool(us.bot_id) and event.get("bot_id") == us.bot_id)
