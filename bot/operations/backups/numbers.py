"""The numbers that were given out, as the channels in Slack show them."""

from dataclasses import dataclass, field
from datetime import timedelta

from bot.inbound.bolt import make_client
from bot.slack.gateway import SlackGateway
from bot.slack.ids import number_in
from bot.slack.rate_limits import Limits, RateLimits
from config.settings import Settings
from incidents.core.clock import Clock
from incidents.policy.channels import Channels
from incidents.record.restoring import Restored

# Slack lists 999 channels a call, and takes 20 of these calls a minute.
_PATIENCE = timedelta(minutes=2)


@dataclass(slots=True)
class SlackNumbers:
    """The highest numbers in channels' names, by who created the channel."""

    team_id: str
    bot_user_id: str
    by_creator: dict[str, Restored] = field(default_factory=dict)

    def last(self, *bots: str) -> Restored:
        """Return the highest numbers in channels that we or these former bots of ours created."""
        ours = {self.bot_user_id, *bots} & self.by_creator.keys()
        last = Restored()
        for creator in ours:
            last = last.and_also(self.by_creator[creator])
        return last


async def numbers_in_slack(settings: Settings, channels: Channels, *, clock: Clock) -> SlackNumbers:
    """Look at all channels that the bot can see, archived ones too. Raises: SlackFailure."""
    token = settings.slack_bot_token
    client = make_client(
        token.get_secret_value() if token else None, base_url=settings.slack_api_url
    )
    limits = RateLimits(clock, limits=Limits(patience_of_work=_PATIENCE))
    gateway = SlackGateway(client, limits=limits, clock=clock)
    identity = await gateway.auth_test()
    gateway.team_id, gateway.enterprise_id = identity.team_id, identity.enterprise_id
    found = SlackNumbers(identity.team_id, identity.bot_user_id)
    async for channel in gateway.all_channels():
        creator = channel.creator or ""
        shown = Restored(
            last_incident=number_in(channel.name, pattern=channels.name) or 0,
            last_drill=number_in(channel.name, pattern=channels.drill_name) or 0,
        )
        found.by_creator[creator] = shown.and_also(found.by_creator.get(creator, Restored()))
    return found
