"""Asks what to do about a channel that others can read: move again, or go on there."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import OnIncident, on_incident
from bot.framework.entry_messages import Ending, ends, shown, told_directly, told_message
from bot.framework.feature import Feature
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.channel.entries import (
    ChannelMadePrivateAgain,
    ChannelMadePublic,
    ChannelShared,
    ChannelUnshared,
    SharingAccepted,
)
from incidents.channel.exposure import accept_sharing
from incidents.incident.entries import ChannelLinked, MovedToPrivate
from incidents.incident.views import EntryView, IncidentView, find_next_entry

_AFTERWARDS = (
    *(ChannelMadePrivateAgain.kind, ChannelUnshared.kind, SharingAccepted.kind),
    *(ChannelLinked.kind, MovedToPrivate.kind),
)


def made_public(_: ChannelMadePublic, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the people of a private incident about its public channel."""
    asks = (
        f"Everybody in the workspace can read it. *{incident.reference}* stays private: I've "
        "stopped posting there and am deleting my messages. What people wrote stays readable. "
        "Move to a new private channel, or make this one private again in Slack."
    )
    return told_directly(entry, incident, _move(incident), asks=asks)


def private_again(
    _: ChannelMadePrivateAgain, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the people of a private incident that its channel is private again."""
    asks = (
        "I'm posting there again. Check its members: people who joined while it was public can "
        f"still read it, but they don't see *{incident.reference}* anywhere else."
    )
    return told_directly(entry, incident, asks=asks)


def shared_directly(
    shared: ChannelShared, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Ask the commander, and everybody inside a private incident, about a shared channel."""
    if not shared.is_exposure:
        asks = (
            "That organisation's people can read the channel; they can't see or do anything else "
            "here. If you don't want that, end the sharing in Slack, or move the incident."
        )
        return told_directly(entry, incident, _move(incident), asks=asks)
    asks = (
        f"That organisation's people can read the channel. *{incident.reference}* is private, so I've "
        "stopped posting there until one of you decides: move to a new private channel, end the "
        "sharing in Slack, or stay there and let them read."
    )
    keep = blocks.button("Go on there", action_id="channel_keep", value=on_incident(incident))
    return told_directly(entry, incident, _move(incident), keep, asks=asks)


def shared_in_channel(_: ChannelShared, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say in the channel who reads it now."""
    return told_message(entry, incident, asks="Its people can read what you write here.")


def _move(incident: IncidentView) -> blocks.ButtonElement:
    label = "Move to a new channel…" if incident.is_private else "Move to private…"
    return blocks.button(
        label, action_id="private_open", value=on_incident(incident), style="primary"
    )


async def exposure_ending(
    _: ChannelMadePublic | ChannelShared,
    session: AsyncSession,
    entry: EntryView,
    incident: IncidentView,
) -> Ending | None:
    """Return where the incident goes on, once nobody else can read the channel, or that was accepted."""
    found = await find_next_entry(session, entry, incident, *_AFTERWARDS)
    if found is None or incident.is_channel_exposed:
        return None
    if incident.channel_id is None:
        return Ending("The incident is moving to another channel.", is_final=False)
    return Ending(f"The incident goes on in {mentions.channel_link(incident.channel_id)}.")


FEATURE = Feature(
    name="channel_exposed",
    verbs=(
        Verb(
            OnIncident,
            buttons=("channel_keep",),
            use_case=accept_sharing,
            tell=lambda _, outcome: (
                f"{outcome.data['reference']} stays in its channel. The other organisation "
                "can read it."
            ),
        ),
    ),
    entries=(shown(ChannelShared, shared_in_channel),),
    direct_entries=(
        shown(ChannelMadePublic, made_public),
        shown(ChannelMadePrivateAgain, private_again),
        shown(ChannelShared, shared_directly),
    ),
    endings=(
        ends(ChannelMadePublic, exposure_ending),
        ends(ChannelShared, exposure_ending),
    ),
)
