"""Fixtures for all tests."""

from hypothesis import settings

from tests.chance import examples

pytest_plugins = ["tests.databases", "tests.world"]

# How long an example takes tells of the machine, not of what is tested.
settings.register_profile(
    "untimed", parent=settings(), deadline=None, max_examples=examples(settings().max_examples)
)
settings.load_profile("untimed")
