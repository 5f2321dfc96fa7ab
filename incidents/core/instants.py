"""Instants as people read them in files."""

from datetime import UTC, datetime
from typing import Any


def when(value: Any) -> str:
    """Return an instant of an entry's content as people read it in files, in UTC, or nothing."""
    if not isinstance(value, str) or not value:
        return ""
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
