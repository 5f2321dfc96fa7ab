"""Echoes: events by which Slack tells us what we did ourselves, or tells a second time.

Declaring one incident makes a dozen of them. Nothing follows from any, so they are answered before
anything is looked up.
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.framework.requests import WorkspaceInfo

_OF_A_MESSAGE: Final = frozenset(
    {"message", "pin_added", "pin_removed", "reaction_added", "reaction_removed"}
)
# Lines that Slack writes into a channel besides sending an event of its own.
_NOTICES: Final = frozenset(
    f"{room}_{happening}"
    for room in ("channel", "group")
    for happening in ("join", "leave", "topic", "purpose", "name", "archive", "unarchive")
)


def is_own_event(body: Mapping[str, Any], us: WorkspaceInfo) -> bool:
    """Tell whether the request is an event that only repeats what we did, or a notice."""
    event = body.get("event")
    if not isinstance(event, Mapping) or event.get("type") not in _OF_A_MESSAGE:
        return False
    if event.get("subtype") in _NOTICES:
        return True
    is_by_us = event.get("user") == us.bot_external_id
    return is_by_us or (bool(us.bot_id) and event.get("bot_id") == us.bot_id)
