"""Addresses of ours that acknowledge one page without Slack; their last part is signed."""

from typing import Final

from bot.integrations.deliveries import keyed_hash
from incidents.core.signing import to_text

# Enough that nobody guesses it, and short enough for a button.
_BYTES: Final = 24


def signed_part(secret: str, page: str) -> str:
    """Return the last part of the address: the page's key, and its signature."""
    return f"{page}.{to_text(keyed_hash(secret, f'acknowledge {page}'.encode())[:_BYTES])}"
