"""Cuts the end of texts to Slack's limits, with a mark and without breaking tokens.

Lengths are in UTF-16 units, as a JavaScript client counts. These are never fewer than Python's
characters, so a text of emoji stays within a limit however Slack counts.
"""

import re

MARK = "…"

_BROKEN_ENTITY = re.compile(r"&[a-z]{0,4}$")
_FENCE = "```"
_ZERO_WIDTH_JOINER = "\u200d"


def width(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    """Return plain text of at most `limit` units, ending in a mark if something was cut."""
    if width(text) <= limit:
        return text
    return _head(text, limit - 1) + MARK


def shorten_mrkdwn(text: str, limit: int) -> str:
    """Return mrkdwn of at most `limit` units, never ending inside a `<…>` token or an entity."""
    if width(text) <= limit:
        return text
    return _without_broken_token(_head(text, limit - 1)) + MARK


def split_mrkdwn(text: str, limit: int) -> tuple[str, ...]:
    """Return mrkdwn in pieces of at most `limit` units, cut at line ends or spaces if possible.

    A code block that spans a cut is closed and reopened, so that each piece is complete.
    """
    pieces: list[str] = []
    rest = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    while width(rest) > limit:
        piece = _next_piece(rest, limit - 2 * (len(_FENCE) + 1))
        rest = rest[len(piece) :].lstrip("\n") if piece else ""
        if piece.count(_FENCE) % 2:
            piece, rest = f"{piece}\n{_FENCE}", f"{_FENCE}\n{rest}"
        pieces.append(piece)
    if rest.strip():
        pieces.append(rest)
    return tuple(pieces)


def _head(text: str, limit: int) -> str:
    # Decoding drops a lone surrogate that the cut may have left.
    units = text.encode("utf-16-le", "surrogatepass")[: max(limit, 0) * 2]
    return units.decode("utf-16-le", "ignore").rstrip(_ZERO_WIDTH_JOINER)


def _without_broken_token(head: str) -> str:
    # A literal "<" is always escaped, so a bare one opens a token.
    opened = head.rfind("<")
    if opened > head.rfind(">"):
        head = head[:opened]
    return _BROKEN_ENTITY.sub("", head)


def _next_piece(text: str, limit: int) -> str:
    head = _head(text, limit)
    whole = _without_broken_token(head) or head
    for separator in ("\n", " "):
        cut = whole.rfind(separator)
        if cut > limit // 2:
            return whole[:cut]
    return whole
