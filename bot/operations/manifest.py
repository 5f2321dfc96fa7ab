"""Builds the app manifest from the permissions and events that the features need.

`SCOPES` and `SUBSCRIPTIONS` are the only lists of permissions and their purposes; `doctor` compares
them with the granted scopes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from bot.framework.feature import Feature

ENDPOINT: Final = "/slack/events"


@dataclass(frozen=True, slots=True)
class ScopeNeed:
    """A permission and why the bot needs it."""

    scope: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event's names in Slack's settings and the permissions it needs."""

    names: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShortcutText:
    """A shortcut's text in Slack's menus; `kind` is "message" or "global"."""

    kind: str
    name: str
    description: str


SCOPES: Final = (
    ScopeNeed("commands", "the slash command and the shortcuts"),
    ScopeNeed("chat:write", "messages, status cards, announcements"),
    ScopeNeed("channels:manage", "opening, naming and archiving incident channels"),
    ScopeNeed("groups:write", "opening, naming and archiving channels of private incidents"),
    ScopeNeed("channels:join", "joining the announcement channel"),
    ScopeNeed("channels:read", "finding channels and who is in them"),
    ScopeNeed("groups:read", "finding private channels and who is in them"),
    ScopeNeed("channels:history", "marked messages, and looking before a message is sent again"),
    ScopeNeed("groups:history", "marked messages in private channels, and looking before sending"),
    ScopeNeed("im:write", "reminders and checklists by direct message"),
    ScopeNeed("im:history", "looking before a direct message is sent again"),
    ScopeNeed("mpim:write", "the group conversation of a junior responder and their mentor"),
    ScopeNeed("mpim:history", "looking before a message is sent there again"),
    ScopeNeed("pins:write", "pinning the status card"),
    ScopeNeed("reactions:write", "the sign on a message that is on the timeline"),
    ScopeNeed("bookmarks:read", "looking before a bookmark is added"),
    ScopeNeed("bookmarks:write", "links to runbook and dashboard"),
    ScopeNeed("files:write", "uploading timelines and postmortems"),
    ScopeNeed("users:read", "names and time zones"),
    ScopeNeed("users:read.email", "people that the policy names by email address"),
    ScopeNeed("usergroups:read", "groups that the policy names"),
    ScopeNeed("dnd:read", "whether do-not-disturb keeps a call from being noticed"),
)

_READ: Final = ("channels:read", "groups:read")
SUBSCRIPTIONS: Final[Mapping[str, Subscription]] = MappingProxyType(
    {
        "app_home_opened": Subscription(("app_home_opened",)),
        "app_mention": Subscription(("app_mention",), ("app_mentions:read",)),
        "app_uninstalled": Subscription(("app_uninstalled",)),
        "channel_archive": Subscription(("channel_archive",), ("channels:read",)),
        "channel_deleted": Subscription(("channel_deleted",), ("channels:read",)),
        "channel_id_changed": Subscription(("channel_id_changed",), _READ),
        "channel_left": Subscription(("channel_left",), ("channels:read",)),
        "channel_rename": Subscription(("channel_rename",), ("channels:read",)),
        "channel_shared": Subscription(("channel_shared",), _READ),
        "channel_unshared": Subscription(("channel_unshared",), _READ),
        "channel_unarchive": Subscription(("channel_unarchive",), ("channels:read",)),
        "file_shared": Subscription(("file_shared",), ("files:read",)),
        "group_archive": Subscription(("group_archive",), ("groups:read",)),
        "group_deleted": Subscription(("group_deleted",), ("groups:read",)),
        "group_left": Subscription(("group_left",), ("groups:read",)),
        "group_rename": Subscription(("group_rename",), ("groups:read",)),
        "group_unarchive": Subscription(("group_unarchive",), ("groups:read",)),
        "member_joined_channel": Subscription(("member_joined_channel",), _READ),
        "member_left_channel": Subscription(("member_left_channel",), _READ),
        "message": Subscription(
            ("message.channels", "message.groups"), ("channels:history", "groups:history")
        ),
        "pin_added": Subscription(("pin_added",), ("pins:read",)),
        "pin_removed": Subscription(("pin_removed",), ("pins:read",)),
        "reaction_added": Subscription(("reaction_added",), ("reactions:read",)),
        "reaction_removed": Subscription(("reaction_removed",), ("reactions:read",)),
        "subteam_created": Subscription(("subteam_created",), ("usergroups:read",)),
        "subteam_members_changed": Subscription(("subteam_members_changed",), ("usergroups:read",)),
        "subteam_updated": Subscription(("subteam_updated",), ("usergroups:read",)),
        "team_join": Subscription(("team_join",), ("users:read",)),
        "tokens_revoked": Subscription(("tokens_revoked",)),
        "user_change": Subscription(("user_change",), ("users:read",)),
    }
)

SHORTCUTS: Final[Mapping[str, ShortcutText]] = MappingProxyType(
    {
        "declare": ShortcutText("global", "Declare incident", "Opens the form to declare one"),
        "declare_from_message": ShortcutText(
            "message",
            "Declare incident",
            "Declare incident from this message: the form opens with its text",
        ),
        "add_to_timeline": ShortcutText(
            "message", "Add to timeline", "Puts this message on the incident's timeline"
        ),
        "escalate_from_message": ShortcutText(
            "message",
            "Escalate",
            "Escalate from this message: the form opens, with it as evidence",
        ),
    }
)


def needed_scopes(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return the permissions the bot needs, sorted and without repeats."""
    scopes = {need.scope for need in SCOPES}
    for event_type in handled_events(features):
        scopes.update(SUBSCRIPTIONS[event_type].scopes)
    return tuple(sorted(scopes))


def purpose_of(scope: str, features: Iterable[Feature]) -> str:
    """Describe what a permission is for."""
    own = next((need.purpose for need in SCOPES if need.scope == scope), None)
    if own is not None:
        return own
    events = [
        event_type
        for event_type in sorted(handled_events(features))
        if scope in SUBSCRIPTIONS[event_type].scopes
    ]
    return f"the events {', '.join(events)}"


def handled_events(features: Iterable[Feature]) -> frozenset[str]:
    """Return the event types that the features handle."""
    return frozenset(event_type for feature in features for event_type in feature.events)


def build_manifest(
    features: Iterable[Feature], *, command: str, url: str | None = None
) -> dict[str, Any]:
    """Return the manifest for Socket Mode, or for HTTP at the public address `url`.

    Raises:
        KeyError: a feature handles an event or shortcut that the tables here don't list.
        ValueError: `url` isn't an address that Slack accepts.
    """
    features = tuple(features)
    endpoint = _endpoint(url) if url else None
    shortcuts = sorted(name for feature in features for name in feature.shortcuts)
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Sitrep",
            "description": "Runs an incident from declaration to postmortem",
            "background_color": "#1f2933",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                # The bot sends reminders and checklists here, and doesn't read replies.
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Sitrep", "always_online": True},
            "slash_commands": [_slash_command(command, endpoint)],
            "shortcuts": [_shortcut(name) for name in shortcuts],
        },
        "oauth_config": {"scopes": {"bot": list(needed_scopes(features))}},
        "settings": _settings(features, endpoint),
    }


def _settings(features: tuple[Feature, ...], endpoint: str | None) -> dict[str, Any]:
    names = sorted(
        name for event_type in handled_events(features) for name in SUBSCRIPTIONS[event_type].names
    )
    events: dict[str, Any] = {"bot_events": names}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if endpoint:
        events["request_url"] = endpoint
        interactivity["request_url"] = interactivity["message_menu_options_url"] = endpoint
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": False,
        "socket_mode_enabled": endpoint is None,
        "token_rotation_enabled": False,
    }


def _slash_command(command: str, endpoint: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "command": command,
        "description": "Declare an incident, or work on one",
        "usage_hint": "declare sev2 Checkout errors | help",
        # Slack then sends people and channels as ids, which are unambiguous.
        "should_escape": True,
    }
    return {**described, "url": endpoint} if endpoint else described


def _shortcut(callback_id: str) -> dict[str, str]:
    text = SHORTCUTS[callback_id]
    return {
        "type": text.kind,
        "name": text.name,
        "callback_id": callback_id,
        "description": text.description,
    }


def _endpoint(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must start with https:// and have no ? or #")
    path = parts.path.rstrip("/")
    return f"https://{parts.netloc}{path if path.endswith(ENDPOINT) else path + ENDPOINT}"
