"""What outside systems send us, and how to prove and read it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Unproven(Exception):
    """Nothing shows that the pager sent this: anybody could have."""


class Unreadable(Exception):
    """The pager sent it, but not as it is documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request as it came; `secret` is the last part of its path, "" if there was none."""

    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    arrived_at: datetime
    secret: str = field(default="", repr=False)

    def require_secret(self, known: tuple[str, ...]) -> None:
        """Check the secret in the path. Raises: Unproven."""
        if not any(is_same(self.secret, one) for one in known):
            raise Unproven

    def json(self) -> dict[str, Any]:
        """Return the body. Raises: Unreadable if it isn't a JSON object."""
        try:
            found = json.loads(self.raw)
        except (ValueError, RecursionError):
            raise Unreadable("isn't JSON") from None
        if not isinstance(found, dict):
            raise Unreadable("isn't a JSON object")
        return found


def is_same(given: str, known: str) -> bool:
    """Compare two secrets in a time that doesn't depend on where they differ."""
    # A header may hold bytes that aren't text.
    return hmac.compare_digest(given.encode(errors="surrogateescape"), known.encode())


def keyed_hash(secret: str, data: bytes) -> bytes:
    """Return the HMAC-SHA256 of the data."""
    return hmac.digest(secret.encode(), data, hashlib.sha256)


def digest(*parts: object) -> str:
    """Return an id for a delivery that has none of its own."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def part(found: object, *way: str) -> Any:
    """Return what the keys lead to inside JSON, else None."""
    for key in way:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def text(found: object, *way: str) -> str:
    """Return a text or number inside JSON, else ""; control characters are left out."""
    value = part(found, *way)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(one for one in str(value)[:1000] if one.isprintable())


def instant(found: object, *way: str) -> datetime | None:
    """Return an instant inside JSON that says its offset, else None."""
    try:
        read = datetime.fromisoformat(text(found, *way))
    except ValueError:
        return None
    return read if read.tzinfo else None
