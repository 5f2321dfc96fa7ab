"""An exported file as lists of parts, or one sentence that says why it can't be read.

Nothing in it is trusted: a part may lack any field, or hold something else there.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

Part = Mapping[str, Any]

_MOST_BYTES: Final = 50_000_000


class Product(StrEnum):
    """Whose export it is; the value is the word after `sitrep import`."""

    OPSGENIE = "opsgenie"
    PAGERDUTY = "pagerduty"

    @property
    def shown(self) -> str:
        """The product's name."""
        return {Product.OPSGENIE: "Opsgenie", Product.PAGERDUTY: "PagerDuty"}[self]


# The lists that are read, and a list that only this product has.
_LISTS: Final[Mapping[Product, tuple[str, ...]]] = {
    Product.OPSGENIE: ("users", "teams", "schedules", "escalations", "services"),
    Product.PAGERDUTY: ("users", "teams", "schedules", "escalation_policies", "services"),
}


class Unreadable(Exception):
    """The file isn't such an export; the text says what it is instead, and what to do."""


class Export:
    """One export: its lists by name."""

    def __init__(self, found: Part) -> None:
        """Keep what the file holds."""
        self._found = found

    def list(self, name: str) -> "tuple[Part, ...]":
        """Return the parts of a list, also one still in the answer's envelope."""
        return tuple(parts(_unwrapped(self._found.get(name), name)))

    @property
    def names(self) -> frozenset[str]:
        """Everything that the file names at the top."""
        return frozenset(self._found)


def read_export(path: Path, product: Product) -> Export:
    """Read an export. Raises: Unreadable."""
    text = _text(path)
    beginning = text.lstrip()[:200]
    if beginning.startswith("<"):
        raise Unreadable(
            f"{path} is a web page, not JSON. The address or the key of the download was wrong: "
            f"look into the file, then download again."
        )
    if not beginning:
        raise Unreadable(f"{path} is empty. The download failed: try it again.")
    if beginning[0] not in "{[":
        raise Unreadable(
            f"{path} isn't JSON{_table(beginning)}. Make it with the commands in docs/on-call.md."
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_broken(path, text, error)) from None
    return Export(_checked(found, path, product))


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if path.is_file() and size > _MOST_BYTES:
            raise Unreadable(
                f"{path} has {size // 1_000_000:,} MB. An export has a few at most: "
                "is it the right file?"
            )
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} can't be read: {error.strerror}.") from None
    # PowerShell writes UTF-16 when it redirects what a command prints.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"{path} isn't text. Unpack it first, if it is packed.") from None


def _table(beginning: str) -> str:
    head = beginning.splitlines()[0]
    return ", but a table (CSV)" if "," in head or ";" in head or "\t" in head else ""


def _broken(path: Path, text: str, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        if is_cut:
            return f"{path} breaks off in line {error.lineno}. Download it again."
        return f"{path} isn't valid JSON in line {error.lineno}. Download it again."
    return f"{path} isn't valid JSON: it is nested too deep, or holds too long a number."


def _checked(found: object, path: Path, product: Product) -> Part:
    """Return what it holds, if it is this product's. Raises: Unreadable."""
    if not isinstance(found, dict):
        raise Unreadable(
            f"{path} is one list. It has to be one object with all the lists: "
            f"{', '.join(_LISTS[product])}. docs/on-call.md has the commands."
        )
    whose = _whose(found)
    if whose not in (None, product):
        raise Unreadable(f"{path} is from {whose.shown}. Type sitrep import {whose} {path}")
    if not any(isinstance(_unwrapped(found.get(name), name), list) for name in _LISTS[product]):
        raise Unreadable(
            f"{path} holds none of these lists: {', '.join(_LISTS[product])}{_complaint(found)}. "
            "docs/on-call.md has the commands that make such a file."
        )
    for name in _LISTS[product]:
        answer = found.get(name)
        if isinstance(answer, dict) and (answer.get("more") or part(answer, "paging").get("next")):
            raise Unreadable(
                f"{path} holds only the first page of {name}. "
                "Download all pages: docs/on-call.md has the commands."
            )
    return found


def _whose(found: Part) -> Product | None:
    schedules = parts(_unwrapped(found.get("schedules"), "schedules"))
    if "escalation_policies" in found or any("schedule_layers" in one for one in schedules):
        return Product.PAGERDUTY
    if "escalations" in found or any("rotations" in one for one in schedules):
        return Product.OPSGENIE
    return None


def _complaint(found: Part) -> str:
    """Return what the product's own refusal says, if the file is one."""
    error = found.get("error")
    said = found.get("message") or (error.get("message") if isinstance(error, dict) else error)
    return f', only an error: "{shown(said)}"' if isinstance(said, str) and said else ""


def _unwrapped(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get("data", value.get(name))
    return value


def shown(text: str) -> str:
    """Return their text for one line of a terminal."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())[:80]


def text(found: Part, *names: str) -> str:
    """Return the text at the end of this path; "" if there is none."""
    *path, last = names
    value = part(found, *path).get(last)
    return value.strip() if isinstance(value, str) else ""


def part(found: Part, *names: str) -> Part:
    """Return the part at the end of this path; an empty one if there is none."""
    for name in names:
        value = found.get(name)
        found = value if isinstance(value, dict) else {}
    return found


def parts(value: object) -> "Sequence[Part]":
    """Return those of a list's items that are parts."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number(found: Part, name: str) -> int:
    """Return a whole number; 0 if there is none."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def instant(found: Part, name: str) -> datetime | None:
    """Return an instant; None if there is none."""
    try:
        read = datetime.fromisoformat(text(found, name))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def minutes(amount: int) -> timedelta | None:
    """Return a wait; None for none."""
    try:
        return timedelta(minutes=amount) if amount > 0 else None
    except OverflowError:
        return None
