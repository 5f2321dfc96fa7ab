"""Escapes people's text for Markdown, so that it can't form tables, links, HTML, pings or headings.

Written for GitHub's flavour, which treats the most characters as markup.
"""

import re
from collections.abc import Sequence

_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]"
)
_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+=](?=[-+=\s]|$)|\d{1,9}(?=[.)]))")
_BULLET = re.compile(r"^\s*[-*\u2022]\s+(?=\S)")
# An invisible zero-width character keeps `@name` and `a@b` from becoming a ping or a link.
_JOINER = "\u2060"
_AT = re.compile(r"@(?=\w)")
_ADDRESS = re.compile(r"(?i)\b(?:(https?|ftp|mailto|xmpp)(:)|(www)(\.))")


def escape(text: str) -> str:
    """Return people's text as Markdown on one line, for cells and sentences."""
    return _escape_line(" ".join(_CONTROLS.sub("", text).split()))


def escape_block(text: str) -> str:
    """Return people's text as Markdown paragraphs; their lines and bullets stay."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    made: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        bullet = _BULLET.match(line)
        if bullet:
            made.append(f"- {escape(line[bullet.end() :])}")
            continue
        shown = escape(line)
        # A backslash at the end keeps the line break within a paragraph.
        goes_on = shown and following.strip() and not _BULLET.match(following)
        made.append(f"{shown}\\" if goes_on else shown)
    return _with_lists_apart(made)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; the cells must be Markdown already."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def _escape_line(line: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", line)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _ADDRESS.sub(_broken_address, escaped)
    escaped = _AT.sub(f"@{_JOINER}", escaped)
    return _LINE_START.sub(_broken_start, escaped)


def _broken_address(found: re.Match[str]) -> str:
    # Escaped punctuation looks the same but doesn't start a link.
    return f"{found[1] or found[3]}\\{found[2] or found[4]}"


def _broken_start(found: re.Match[str]) -> str:
    mark = found[1]
    return f"{mark}\\" if mark.isdecimal() else f"\\{mark}"


def _with_lists_apart(lines: list[str]) -> str:
    """Put an empty line around each list, so that paragraphs don't run into it."""
    made: list[str] = []
    for line in lines:
        if made and made[-1] and line and line.startswith("- ") != made[-1].startswith("- "):
            made.append("")
        made.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(made)).strip()
