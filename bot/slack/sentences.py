"""Renders sentences for Slack: people as mentions, instants as date tokens, text escaped."""

from dataclasses import dataclass
from datetime import datetime

from bot.slack import mentions
from incidents.core.people import ActorKind
from incidents.core.sentences import (
    ChannelName,
    Link,
    Telling,
    Who,
    capitalised,
    details_of,
    render,
)


@dataclass(frozen=True, slots=True)
class SlackText:
    """Slack's mrkdwn."""

    def words(self, text: str) -> str:
        """Return our own words escaped, with their leading and trailing spaces."""
        return mentions.escape(text)

    def own_text(self, text: str) -> str:
        """Return a person's text, escaped so that it can't ping, link or format."""
        return mentions.escape(text)

    def person(self, who: Who) -> str:
        """Return a mention, or the name if no id is known."""
        if who.external_id:
            return mentions.mention(who.external_id)
        return mentions.escape_line(who.name) or "somebody"

    def instant(self, at: datetime) -> str:
        """Return a date token: each reader sees their own time."""
        return mentions.date(at, "{date_short_pretty} {time}")

    def channel(self, channel: ChannelName) -> str:
        """Return a link to the channel, or its name."""
        if channel.id:
            return mentions.channel_link(channel.id)
        return f"#{mentions.escape_line(channel.name)}" if channel.name else "the incident channel"

    def link(self, link: Link) -> str:
        """Return a labelled link."""
        return mentions.link(link.url, link.label or link.url)

    def label(self, text: str) -> str:
        """Return the label in bold."""
        return f"*{mentions.escape_line(text)}*"


def slack_lines(told: Telling, *, actor_kind: str, actor_name: str) -> list[str]:
    """Return a first line that says who did what, then a line per detail; the bot is "I"."""
    medium = SlackText()
    phrase, details = render(told.phrase, medium).strip(), details_of(told, medium)
    is_ours = actor_kind == ActorKind.SYSTEM
    subject = "I" if is_ours else f"*{mentions.escape_line(actor_name)}*"
    if not phrase:  # only a person's own words
        return [f"{subject}: {' '.join(details[:1])}", *details[1:]]
    first = f"{subject} {phrase}"
    ended = first if first[-1] in ".!?…:" else f"{first}."
    return [capitalised(ended), *details]
