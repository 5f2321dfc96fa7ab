"""What a message says, and what is shared in it, wherever Slack keeps that.

Integrations often leave `text` empty and put everything into attachments or blocks; files come in
a dozen shapes, some of them without a name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Raw = Mapping[str, Any]

# Slack's own words for an attachment that can't be shown as text.
_NO_FALLBACK: Final = "[no preview available]"
_NAMES: Final = ("title", "name")
_LINKS: Final = ("permalink", "external_url", "url_private")
# What files are called that have no name of their own.
_KINDS: Final[Mapping[str, str]] = {
    "tombstone": "a deleted file",
    "hidden_by_limit": "a file that Slack hides",
    "access_denied": "a file that Sitrep can't see",
    "canvas": "a canvas",
    "quip": "a canvas",
    "list": "a list",
    "snippet": "a snippet",
    "space": "a post",
    "external": "a linked file",
    "docs": "a canvas",
    "lists": "a list",
}
_FILE_LINK: Final = re.compile(
    r"<(https://[a-z0-9.-]+\.slack\.com/"
    r"(?:files/[UWT][A-Z0-9]+/(?P<file>F[A-Z0-9]+)/?(?P<name>[^|>\s]*)"
    r"|(?P<kind>docs|lists|canvas)/[A-Z][A-Z0-9]+/?(?P<other>F[A-Z0-9]+)?[^|>\s]*))"
    r"(?:\|(?P<label>[^>]*))?>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file shared in a message; `is_whole` unless Slack has to be asked for name and link."""

    id: str
    name: str
    permalink: str
    is_whole: bool = True


# -- text -----------------------------------------------------------------------------------------


def text_of(raw: Raw) -> str:
    """Return what a message says as mrkdwn: its text, else its attachments, else its blocks."""
    text = str(raw.get("text") or "")
    if text.strip():
        return text
    attached = (_attached(one) for one in _maps(raw.get("attachments")))
    return _lines(attached) or blocks_text(raw.get("blocks"))


def author_of(raw: Raw) -> str:
    """Return the name under which an integration posted, or an empty text."""
    name = raw.get("username") or _map(raw.get("bot_profile")).get("name")
    return str(name or "")


def _attached(one: Raw) -> str:
    """Return what an attachment says: title, text and fields, else its fallback, else its blocks."""
    title, address = str(one.get("title") or ""), str(one.get("title_link") or "")
    fields = (
        f"{field.get('title') or ''}: {field.get('value') or ''}".strip(": ")
        for field in _maps(one.get("fields"))
    )
    linked = _link(address, title) if title else ""
    said = _lines((str(one.get("pretext") or ""), linked, str(one.get("text") or ""), *fields))
    fallback = str(one.get("fallback") or "")
    if said or (fallback and fallback.lower() != _NO_FALLBACK):
        return said or fallback
    return blocks_text(one.get("blocks") or _inner(one))


def _inner(one: Raw) -> list[Any]:
    """Return the blocks of a message that is quoted in an attachment."""
    quoted = _maps(one.get("message_blocks"))
    return [block for each in quoted for block in _maps(_map(each.get("message")).get("blocks"))]


def blocks_text(blocks: Any) -> str:
    """Return what blocks say as mrkdwn, one line for each."""
    return _lines(_block(block) for block in _maps(blocks))


def _block(block: Raw) -> str:
    match block.get("type"):
        case "rich_text":
            return _lines(_rich(part) for part in _maps(block.get("elements")))
        case "context":
            return " ".join(filter(None, (_plain(one) for one in _maps(block.get("elements")))))
        case "markdown":
            return str(block.get("text") or "")
        case "image" | "video":
            return _plain(block.get("title")) or str(block.get("alt_text") or "")
        case "table":
            rows = block.get("rows")
            return _lines(
                " | ".join(_block(cell) for cell in _maps(row))
                for row in (rows if isinstance(rows, list) else ())
            )
        case "raw_text":
            return str(block.get("text") or "")
        case _:
            fields = (_plain(field) for field in _maps(block.get("fields")))
            return _lines((_plain(block.get("text")), *fields))


def _plain(element: Any) -> str:
    """Return the text of a text object, or what an image shows."""
    found = _map(element)
    if found.get("type") == "image":
        return str(found.get("alt_text") or "")
    return str(found.get("text") or "")


def _rich(part: Raw) -> str:
    elements = _maps(part.get("elements"))
    if part.get("type") == "rich_text_list":
        return _lines(f"• {_rich(one)}" for one in elements)
    return "".join(_token(one) for one in elements)


def _token(element: Raw) -> str:
    """Return an element of rich text as the token that Slack's mrkdwn has for it."""
    match element.get("type"):
        case "user":
            return f"<@{element.get('user_id')}>"
        case "usergroup":
            return f"<!subteam^{element.get('usergroup_id')}>"
        case "channel":
            return f"<#{element.get('channel_id')}>"
        case "broadcast":
            return f"<!{element.get('range')}>"
        case "emoji":
            return f":{element.get('name')}:"
        case "date":
            fallback = str(element.get("fallback") or "")
            return f"<!date^{element.get('timestamp')}^{{date}}{'|' if fallback else ''}{fallback}>"
        case "link":
            label = _escaped(str(element.get("text") or ""))
            return _link(str(element.get("url") or ""), label)
        case "rich_text_section":
            return _rich(element)
        case _:
            return _escaped(str(element.get("text") or ""))


def _link(address: str, label: str) -> str:
    """Return a link as Slack writes it; `label` is mrkdwn, the address alone if it is empty."""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:[^|>\s]+", address):
        return label
    return f"<{address}|{label.replace('>', '&gt;')}>" if label else f"<{address}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# -- files ----------------------------------------------------------------------------------------


def files_of(raw: Raw) -> tuple[SharedFile, ...]:
    """Return the files of a message, also in what it forwards, and those that its text links to."""
    quoted = (one for part in _maps(raw.get("attachments")) for one in _maps(part.get("files")))
    shared = [file_of(one) for one in (*_maps(raw.get("files")), *quoted) if one.get("id")]
    linked = [_linked(found) for found in _FILE_LINK.finditer(text_of(raw))]
    return (*shared, *linked)


def file_of(raw: Raw) -> SharedFile:
    """Return a file: hosted by Slack, elsewhere, deleted, a canvas, a list, or known by id alone."""
    name = next((str(raw[key]) for key in _NAMES if raw.get(key)), "")
    modes = (str(raw.get("mode")), str(raw.get("filetype")))
    kind = next((_KINDS[mode] for mode in modes if mode in _KINDS), "a file")
    return SharedFile(
        id=str(raw.get("id") or ""),
        name=name or kind,
        permalink=next((str(raw[key]) for key in _LINKS if raw.get(key)), ""),
        is_whole=raw.get("file_access") != "check_file_info" or bool(name),
    )


def _linked(found: re.Match[str]) -> SharedFile:
    identifier = found["file"] or found["other"] or found[1]
    name = found["label"] or found["name"] or _KINDS.get(found["kind"] or "", "a canvas")
    return SharedFile(id=identifier, name=name, permalink=found[1])


def _maps(values: Any) -> Iterator[Raw]:
    if isinstance(values, list | tuple):
        yield from (one for one in values if isinstance(one, Mapping))


def _map(value: Any) -> Raw:
    return value if isinstance(value, Mapping) else {}


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(text for text in texts if text.strip())
