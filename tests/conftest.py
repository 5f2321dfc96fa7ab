"""Fixtures for all tests."""

import structlog
from hypothesis import settings

from bot.operations.logs import show_exception
from tests.chance import examples

pytest_plugins = ["tests.databases", "tests.world"]

# An example's duration depends on the machine, not on the code under test.
settings.register_profile(
    "untimed", parent=settings(), deadline=None, max_examples=examples(settings().max_examples)
)
settings.load_profile("untimed")

# Show exceptions as the product does: structlog's default prints every variable, which takes
# seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        show_exception,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)
