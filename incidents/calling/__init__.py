"""Calling people by the rules: at once, by pagers, and what comes back from them."""
