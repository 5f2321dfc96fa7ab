"""Fixtures for all tests."""

import structlog
from hypothesis import settings

from bot.operations.logs import show_exception
from tests.chance import examples

pytest_plugins = ["tests.databases", "tests.world"]

# How long an example takes tells of the machine, not of what is tested.
settings.register_profile(
    "untimed", parent=settings(), deadline=None, max_examples=examples(settings().max_examples)
)
settings.load_profile("untimed")

# Exceptions as the product shows them: structlog itself would draw each one with all variables,
# which takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        show_exception,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)
