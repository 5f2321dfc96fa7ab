"""What Sitrep reads of Slack's requests, checked once at the door, over HTTP and sockets alike.

Handlers read the plain payload. What they read has its type here: a field that isn't listed may
hold anything. Texts lose what databases refuse.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

from incidents.storage.database import storable

# Slack's payloads nest less than a third of this.
_DEEPEST: Final = 64
# Until the year 9999, as `datetime` has it.
_LATEST: Final = 253_402_300_799

# Ids, timestamps, names of actions and forms: Slack's longest has 255 characters.
Code = Annotated[str, Meta(max_length=255)]
Instant = Annotated[int, Meta(ge=0, le=_LATEST)]
Anything = dict[str, Any]
T = TypeVar("T", bound=Struct)


class Unreadable(Exception):
    """The request isn't what Slack sends; the text names the field, and quotes nothing of it."""


class _Part(Struct, kw_only=True):
    """Other fields than those named are allowed."""


class _Typed(_Part):
    type: Code | None = None


class _Named(_Part):
    id: Code | None = None
    name: str | None = None
    username: str | None = None
    team_id: Code | None = None
    enterprise_id: Code | None = None


class _Option(_Part):
    value: str | None = None


class _Entry(_Part):
    """An element with what was typed or chosen in it; a pressed one is an action."""

    action_id: Code | None = None
    value: str | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None
    selected_user: Code | None = None
    selected_users: list[Code] | None = None
    selected_channel: Code | None = None
    selected_conversation: Code | None = None
    selected_date_time: Instant | None = None


class _Action(_Entry, kw_only=True):
    action_id: Code


class _State(_Part):
    values: dict[Code, dict[Code, _Entry]] | None = None


class _Block(_Part):
    type: Code
    block_id: Code | None = None


class _View(_Part):
    type: Code | None = None
    id: Code | None = None
    hash: Code | None = None
    callback_id: Code | None = None
    private_metadata: str | None = None
    app_installed_team_id: Code | None = None
    team_id: Code | None = None
    state: _State | None = None
    blocks: list[_Block] | None = None
    title: Anything | None = None
    close: Anything | None = None


class _File(_Part):
    id: Code | None = None
    name: str | None = None
    title: str | None = None
    permalink: str | None = None


class _Message(_Part):
    ts: Code | None = None
    thread_ts: Code | None = None
    text: str | None = None
    user: Code | None = None
    username: str | None = None
    bot_id: Code | None = None
    subtype: Code | None = None
    files: list[_File] | None = None
    blocks: list[_Block] | None = None
    attachments: list[Anything] | None = None


class _Container(_Part):
    channel_id: Code | None = None
    message_ts: Code | None = None
    view_id: Code | None = None
    is_ephemeral: bool | None = None


class _Item(_Part):
    type: Code | None = None
    channel: Code | None = None
    ts: Code | None = None
    message: _Message | None = None


class _Happening(_Message):
    """The inner event; `user` and `channel` are ids in most."""

    type: Code | None = None
    user: Code | _Named | None = None  # type: ignore[assignment]
    channel: Code | _Named | None = None
    channel_id: Code | None = None
    channel_type: Code | None = None
    event_ts: Code | None = None
    deleted_ts: Code | None = None
    message: _Message | None = None
    previous_message: _Message | None = None
    item: _Item | None = None
    item_user: Code | None = None
    reaction: Code | None = None
    inviter: Code | None = None
    actor_id: Code | None = None
    old_channel_id: Code | None = None
    new_channel_id: Code | None = None
    connected_team_id: Code | None = None
    is_ext_shared: bool | None = None
    tab: Code | None = None
    team: Code | None = None
    user_team: Code | None = None
    source_team: Code | None = None


class _Renaming(_Happening):
    channel: _Named | None = None


class _Profile(_Part):
    display_name: str | None = None
    real_name: str | None = None
    email: str | None = None
    team: Code | None = None


class _Employer(_Part):
    teams: list[Code] | None = None


class _Described(_Part):
    """Somebody as `users.info` describes them."""

    id: Code | None = None
    name: str | None = None
    team_id: Code | None = None
    tz: Code | None = None
    profile: _Profile | None = None
    enterprise_user: _Employer | None = None


class _Describing(_Happening):
    user: _Described | None = None  # type: ignore[assignment]


class _Group(_Part):
    id: Code | None = None
    handle: Code | None = None
    users: list[Code] | None = None


class _Grouping(_Happening):
    subteam: _Group | None = None


_HAPPENINGS: Final[Mapping[str, type[_Happening]]] = {
    "channel_rename": _Renaming,
    "group_rename": _Renaming,
    "subteam_created": _Grouping,
    "subteam_updated": _Grouping,
    "team_join": _Describing,
    "user_change": _Describing,
}


class _Authorization(_Part):
    team_id: Code | None = None
    enterprise_id: Code | None = None


class _Envelope(_Part):
    type: Code | None = None
    # A command.
    command: Code | None = None
    text: str | None = None
    user_id: Code | None = None
    user_name: str | None = None
    channel_id: Code | None = None
    # A press, a form, a shortcut.
    user: _Named | None = None
    team: Code | _Named | None = None
    enterprise: Code | _Named | None = None
    channel: Code | _Named | None = None
    container: _Container | None = None
    message: _Message | None = None
    view: _View | None = None
    actions: list[_Action] | None = None
    action_id: Code | None = None
    block_id: Code | None = None
    callback_id: Code | None = None
    value: str | None = None
    # A command or any of those.
    trigger_id: str | None = None
    response_url: str | None = None
    # An event.
    event_id: Code | None = None
    event: _Typed | None = None
    team_id: Code | None = None
    enterprise_id: Code | None = None
    authorizations: list[_Authorization] | None = None
    is_ext_shared_channel: bool | None = None
    challenge: str | None = None


def parse_json(text: str) -> Any:
    """Return the value of a JSON text. Raises: Unreadable."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unreadable("malformed") from None


def checked(body: object) -> dict[str, Any]:
    """Return a request's body, its texts without what can't be stored. Raises: Unreadable."""
    clean = _clean(body, depth=0)
    if not isinstance(clean, dict):
        raise Unreadable("not an object")
    envelope = _converted(clean, _Envelope, at="")
    if envelope.event is not None:
        model = _HAPPENINGS.get(envelope.event.type or "", _Happening)
        _converted(clean["event"], model, at=".event")
    else:
        clean.pop("event", None)  # Bolt takes null for an object
    missing = _missing(envelope, clean)
    if missing:
        raise Unreadable(f"without {missing}")
    return clean


def _missing(envelope: _Envelope, body: Mapping[str, Any]) -> str:
    """Return the first field without which a request of this kind makes no sense, or ""."""
    if "command" in body:
        return _first_without({"command": envelope.command, "user_id": envelope.user_id})
    who = envelope.user.id if envelope.user is not None else None
    message, view = envelope.message, envelope.view
    needed: dict[str, object] = {"type": envelope.type}
    match envelope.type:
        case "event_callback":
            needed["event.type"] = envelope.event and envelope.event.type
        case "block_actions":
            needed |= {"user.id": who, "actions": envelope.actions}
            needed["view.id"] = view is None or view.id
        case "view_submission" | "view_closed":
            needed |= {"user.id": who, "view.id": view and view.id, "view.type": view and view.type}
        case "message_action":
            needed |= {"user.id": who, "message.ts": message and message.ts}
            needed["channel"] = envelope.channel
        case "block_suggestion" | "shortcut":
            needed["user.id"] = who
    return _first_without(needed)


def _first_without(needed: Mapping[str, object]) -> str:
    return next((name for name, value in needed.items() if not value), "")


def _converted(value: object, model: type[T], *, at: str) -> T:
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error).replace("`$", f"`${at}")) from None


def _clean(value: object, *, depth: int) -> object:
    if depth > _DEEPEST:
        raise Unreadable("too deep")
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(key): _clean(item, depth=depth + 1) for key, item in value.items()}
        case list():
            return [_clean(item, depth=depth + 1) for item in value]
        case float() if not math.isfinite(value):
            raise Unreadable("a number out of range")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
