"""The built-in policy, read once per test process: reading it takes longer than many tests."""

from functools import cache

from config.policy_loader import LoadedPolicy, load_policy


@cache
def built_in() -> LoadedPolicy:
    """Return the built-in policy; it is frozen, so tests can share it."""
    return load_policy()
