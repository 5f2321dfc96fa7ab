"""The gateway to Slack's Web API: nothing outside this package awaits the client."""

from bot.slack.gateway.files import FileCalls
from bot.slack.gateway.history import HistoryCalls
from bot.slack.gateway.messages import MessageCalls
from bot.slack.gateway.people import PeopleCalls
from bot.slack.gateway.sockets import SocketCalls
from bot.slack.gateway.views import ViewCalls


class SlackGateway(MessageCalls, HistoryCalls, PeopleCalls, ViewCalls, FileCalls, SocketCalls):
    """All our calls to Slack, typed; every failure is a `SlackFailure`."""
