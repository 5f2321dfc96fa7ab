"""Our own checks of Slack's limits on messages, modals and home tabs."""

from tests.slack_server.validation.checks import Problem
from tests.slack_server.validation.surfaces import (
    check_message,
    check_metadata,
    check_options,
    check_view,
)

__all__ = ["Problem", "check_message", "check_metadata", "check_options", "check_view"]
