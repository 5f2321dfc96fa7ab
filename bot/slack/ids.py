"""Slack's identifiers, valid channel names, and message timestamps as instants."""

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

from anyascii import anyascii

UserId = NewType("UserId", str)
ChannelId = NewType("ChannelId", str)
GroupId = NewType("GroupId", str)
MessageTs = NewType("MessageTs", str)

MAX_CHANNEL_NAME = 80

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_RUNS = re.compile(r"-{2,}")
# Chinese characters (Japanese and Korean use them, too) and Korean syllables.
_SYLLABIC = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3]+")
_SYLLABLE = re.compile(r"(?<=[A-Za-z])(?=[A-Z])")
_APOSTROPHES = re.compile(r"(?<=\w)['`]|['`](?=\w)")
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_TS = re.compile(r"(\d{1,12})\.(\d{1,6})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def channel_name(pattern: str, *, number: int, title: str) -> str:
    """Fill `{number}` and `{slug}` into the pattern; return a valid name, whatever the title."""
    filled = pattern.replace("{number}", str(number)).replace("{slug}", slug(title))
    name = _cut(_tidy(filled), MAX_CHANNEL_NAME)
    return name if any(char.isalnum() for char in name) else f"incident-{number}"


def number_in(name: str, *, pattern: str) -> int | None:
    """Return the number in a channel's name that `channel_name` made from this pattern, or None."""
    before = _RUNS.sub("-", pattern.partition("{number}")[0]).lstrip("-_")
    start = ".*".join(re.escape(part) for part in before.split("{slug}"))
    found = re.match(f"{start}([1-9][0-9]{{0,8}})(?![0-9])", name)
    return int(found[1]) if found is not None else None


def with_suffix(name: str, number: int) -> str:
    """Return the name with `-2`, `-3` … at its end, for names that are taken."""
    suffix = f"-{number}"
    return f"{_cut(name, MAX_CHANNEL_NAME - len(suffix))}{suffix}"


def slug(title: str) -> str:
    """Return a title in any script as lower-case Latin letters, digits, underscores and hyphens.

    Slack documents no other letters for channel names.
    """
    latin = anyascii(_SYLLABIC.sub(_syllables, title))
    # Apostrophes are removed; spaces and other punctuation, except _, become hyphens.
    return _tidy(_APOSTROPHES.sub("", latin))


def is_channel_id(text: str) -> bool:
    """Return whether a text is a conversation's id rather than its name."""
    return _CHANNEL_ID.fullmatch(text) is not None


def is_user_id(text: str) -> bool:
    """Return whether a text is a person's id."""
    return _USER_ID.fullmatch(text) is not None


def ts_to_instant(ts: str) -> datetime:
    """Return the moment of a message timestamp such as `1700000000.000100`.

    Raises:
        ValueError: the text isn't a Slack timestamp.
    """
    found = _TS.fullmatch(ts)
    if found is None:
        raise ValueError("not a Slack timestamp")
    return _EPOCH + timedelta(seconds=int(found[1]), microseconds=int(found[2].ljust(6, "0")))


def instant_to_ts(instant: datetime) -> str:
    """Return an instant in the form of `oldest` and `latest` in Slack's history methods."""
    elapsed = instant.astimezone(UTC) - _EPOCH
    seconds, microseconds = divmod(elapsed // timedelta(microseconds=1), 1_000_000)
    return f"{seconds}.{microseconds:06d}"


def channel_link(workspace_url: str, channel_id: str) -> str:
    """Return the address of a channel in a browser."""
    return f"{workspace_url.rstrip('/')}/archives/{channel_id}"


def permalink(workspace_url: str, *, channel_id: str, ts: str, thread_ts: str | None = None) -> str:
    """Build a message's address without asking Slack; `workspace_url` is from `auth.test`."""
    address = f"{workspace_url.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}"
    if thread_ts is None or thread_ts == ts:
        return address
    return f"{address}?thread_ts={thread_ts}&cid={channel_id}"


def _syllables(found: re.Match[str]) -> str:
    """Return Chinese characters or Korean syllables in Latin letters, with hyphens between them."""
    return _SYLLABLE.sub("-", anyascii(found[0]))


def _tidy(text: str) -> str:
    return _RUNS.sub("-", _NOT_IN_NAMES.sub("-", text.lower())).strip("-_")


def _cut(name: str, limit: int) -> str:
    if len(name) <= limit:
        return name
    head = name[:limit]
    # Drop a word that was cut in half, unless little would remain.
    whole = head[: head.rfind("-")] if name[limit] != "-" and "-" in head else head
    return (whole if len(whole) > limit // 2 else head).strip("-_")
