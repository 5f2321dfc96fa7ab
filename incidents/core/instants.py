"""Instants in the form that exported files show them."""

from datetime import UTC, datetime
from typing import Any


def when(value: Any) -> str:
    """Return an ISO instant as `2024-05-01 14:05 UTC`; an empty text if there is none."""
    if not isinstance(value, str) or not value:
        return ""
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
