"""The gateway to Slack's Web API: nothing outside this package awaits the client."""

from bot.slack.gateway.calls import CALL_TIMEOUT_SECONDS, OnCall
from bot.slack.gateway.channels import Channel, InviteOutcome
from bot.slack.gateway.files import FileCalls
from bot.slack.gateway.messages import (
    EFFECT_EVENT_TYPE,
    Bookmark,
    MessageCalls,
    Posted,
    SharedFile,
    SlackMessage,
)
from bot.slack.gateway.people import Attention, Identity, PeopleCalls, SlackUser, UserGroup
from bot.slack.gateway.sockets import SocketCalls
from bot.slack.gateway.views import ViewCalls

__all__ = [
    "CALL_TIMEOUT_SECONDS",
    "EFFECT_EVENT_TYPE",
    "Attention",
    "Bookmark",
    "Channel",
    "Identity",
    "InviteOutcome",
    "OnCall",
    "Posted",
    "SharedFile",
    "SlackGateway",
    "SlackMessage",
    "SlackUser",
    "UserGroup",
]


class SlackGateway(MessageCalls, PeopleCalls, ViewCalls, FileCalls, SocketCalls):
    """All our calls to Slack, typed; every failure is a `SlackFailure`."""
