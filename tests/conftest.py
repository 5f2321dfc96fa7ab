"""Fixtures for all tests."""

from hypothesis import settings

pytest_plugins = ["tests.databases", "tests.world"]

# How long an example takes tells of the machine, not of what is tested.
settings.register_profile("untimed", parent=settings(), deadline=None)
settings.load_profile("untimed")
