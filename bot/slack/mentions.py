"""Escapes people's text for Slack, and reads and writes Slack's tokens.

People's text passes through `escape` (or `escape_line`, `code`) exactly once, on the way out; the
record keeps the text as typed.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

NameLookup = Callable[[str], str | None]

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"

# Invisible and zero-width: keeps Slack from seeing a ping.
_JOINER = "\u2060"
_AT_NAME = re.compile(r"(?<![\w.+-])@(?=\w)")
_QUOTE_ALL = re.compile(r"^(\s*)(?:&gt;){3}", re.MULTILINE)
_FENCE = re.compile(r"`{3,}")
_GRAVE = "\u02cb"

_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|([^>]*))?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|([^>]*))?>")
# What stands between two names: `@ann, @ben`, `@ann and @ben`.
_JOINS_NAMES = re.compile(r"^(?:(?:and|or|plus)\s+|(?:&amp;|[,;&+/])\s*)+(?=[<@])", re.IGNORECASE)
_DATE = re.compile(r"<!date\^(\d+)\^[^|>]*(?:\|([^>]*))?>")
_SPECIAL = re.compile(r"<!([a-z]+)(?:\|([^>]*))?>")
_SKIN_TONE = re.compile(r"(?<=\w)::skin-tone-[2-6]:")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^|>]*)(?:\|([^>]*))?>")

_CURLY = str.maketrans(
    {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"'}
    | {"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'"}
)
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")


def escape(text: str) -> str:
    """Return people's text as mrkdwn that can't ping, disguise a link or break the layout."""
    escaped = _escape_entities(_harmless(text))
    escaped = _AT_NAME.sub(f"@{_JOINER}", escaped)
    escaped = _QUOTE_ALL.sub(rf"\1{_JOINER}&gt;&gt;&gt;", escaped)
    return _with_paired_backticks(escaped)


def escape_line(text: str) -> str:
    """Return people's text escaped and on one line, for titles, fields and table cells."""
    return escape(" ".join(text.split()))


def code(text: str) -> str:
    """Return people's text as inline code, on one line; backticks become a look-alike."""
    line = " ".join(_harmless(text).split()).replace("`", _GRAVE) or " "
    return f"`{_AT_NAME.sub(f'@{_JOINER}', _escape_entities(line))}`"


def tidy_line(text: str) -> str:
    """Return people's text on one line for a place without markup, such as a header."""
    return _harmless(" ".join(text.split()))


def mention(user_id: str) -> str:
    """Return the token that names a person and notifies them."""
    return f"<@{user_id}>"


def channel_link(channel_id: str) -> str:
    """Return the token that links to a channel."""
    return f"<#{channel_id}>"


def here() -> str:
    """Return the token that notifies everybody active in the channel: only for alarms."""
    return "<!here>"


def link(url: str, label: str) -> str:
    """Return a labelled link, or the escaped label alone if the address isn't http(s)."""
    shown = escape_line(label).replace("|", "\u2502") or escape_line(url)
    if not is_web_address(url):
        return shown
    target = _escape_entities(url).replace("|", "%7C")
    return f"<{target}|{shown}>"


def is_web_address(url: str) -> bool:
    """Return whether a text is an http(s) address that Slack accepts as a link."""
    return re.fullmatch(r"https?://[^\s<>]{1,2900}", url) is not None


def date(
    instant: datetime,
    fmt: str = "{date_short_pretty} at {time}",
    fallback: str | None = None,
) -> str:
    """Return a token that shows each reader their own time; the default fallback is in UTC."""
    moment = instant.astimezone(UTC)
    spare = fallback if fallback is not None else f"{moment:%Y-%m-%d %H:%M} UTC"
    shown = _escape_entities(spare).replace("|", "\u2502").replace("^", " ")
    return f"<!date^{int(moment.timestamp())}^{fmt}|{shown}>"


def parse_user(token: str) -> str | None:
    """Return the user id in `<@U…>` or `<@U…|name>`, or None."""
    found = _USER.fullmatch(token.strip())
    return found[1] if found else None


def begins_with_a_person(text: str) -> bool:
    """Tell whether the text goes on with another person, so that callers can refuse a second name."""
    return parse_user(next_name(text)) is not None


def next_name(text: str) -> str:
    """Return the first word after a name, without what joins two names, as in `and @ben`."""
    words = _JOINS_NAMES.sub("", text.strip(), count=1).split(maxsplit=1)
    return words[0] if words else ""


def parse_channel(token: str) -> str | None:
    """Return the channel id in `<#C…>` or `<#C…|name>`, or None."""
    found = _CHANNEL.fullmatch(token.strip())
    return found[1] if found else None


def parse_group(token: str) -> str | None:
    """Return the group id in `<!subteam^S…>` or `<!subteam^S…|@handle>`, or None."""
    found = _GROUP.fullmatch(token.strip())
    return found[1] if found else None


def plain(text: str, *, name_of: NameLookup | None = None) -> str:
    """Return Slack's mrkdwn as the plain text that readers saw, for timelines and exports.

    `name_of` takes a user, channel or group id and returns None if it doesn't know it.
    """

    def named(identifier: str) -> str | None:
        return name_of(identifier) if name_of is not None else None

    text = _USER.sub(lambda m: f"@{named(m[1]) or m[2] or m[1]}", text)
    text = _CHANNEL.sub(lambda m: f"#{named(m[1]) or m[2] or m[1]}", text)
    text = _GROUP.sub(lambda m: f"@{named(m[1]) or (m[2] or m[1]).removeprefix('@')}", text)
    text = _DATE.sub(lambda m: m[2] or _utc(int(m[1])), text)
    text = _SPECIAL.sub(lambda m: f"@{(m[2] or m[1]).removeprefix('@')}", text)
    text = _LINK.sub(_readable_link, text)
    text = _SKIN_TONE.sub(":", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def normalise_typing(text: str) -> str:
    """Undo a phone's typography in a command: its quotes and spaces."""
    text = _ZERO_WIDTH.sub("", text)
    return _ODD_SPACE.sub(" ", text).translate(_CURLY)


def _harmless(text: str) -> str:
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    if text.isascii():
        return text
    text = _BIDI_CONTROLS.sub("", text).encode("utf-8", "ignore").decode("utf-8")
    return "\n".join(_isolated(line) for line in text.split("\n"))


def _isolated(line: str) -> str:
    # An isolate ends at the end of its line, so each line needs its own.
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in line):
        return f"{_ISOLATE}{line}{_END_ISOLATE}"
    return line


def _escape_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_paired_backticks(text: str) -> str:
    # An unpaired backtick or fence would swallow our own text after it.
    if "`" not in text:
        return text
    fences = list(_FENCE.finditer(text))
    if len(fences) % 2:
        last = fences.pop()
        text = text[: last.start()] + _GRAVE * len(last[0]) + text[last.end() :]
    parts: list[str] = []
    position = 0
    for opened, closed in zip(fences[::2], fences[1::2], strict=True):
        parts.append(_with_paired_ticks(text[position : opened.start()]))
        inner = text[opened.end() : closed.start()].replace("`", _GRAVE)
        parts.append(f"```{inner}```")
        position = closed.end()
    parts.append(_with_paired_ticks(text[position:]))
    return "".join(parts)


def _with_paired_ticks(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.count("`") % 2:
            before, _, after = line.rpartition("`")
            lines[number] = f"{before}{_GRAVE}{after}"
    return "\n".join(lines)


def _readable_link(found: re.Match[str]) -> str:
    address, label = found[1].removeprefix("mailto:"), found[2]
    if not label or label in (address, found[1]):
        return address
    return f"{label} ({address})"


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
