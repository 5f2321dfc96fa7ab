"""The incident channel: opens it, then sets its topic and bookmarks."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.queue import tell_place
from bot.framework.arguments import on_incident
from bot.framework.effect_context import Done, Dropped, EffectContext, Failed, Settlement
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.reading import incident_id_of, load_incident
from bot.framework.requests import WorkspaceInfo
from bot.framework.slack_refusals import what_to_do
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent, SlackTemporary
from bot.slack.gateway.channels import Channel
from bot.slack.ids import channel_name, with_suffix
from bot.slack.truncation import shorten_mrkdwn
from incidents.channel.channel import record_opened, record_refused
from incidents.channel.entries import ChannelRefused
from incidents.core.errors import IncidentNotFound
from incidents.core.people import system_actor
from incidents.engine.effects import (
    AddBookmarks,
    DiscardChannel,
    OpenIncidentChannel,
    SetChannelTopic,
)
from incidents.engine.entries import refusal_reason
from incidents.incident.incident import ById, Incident, find_incident
from incidents.incident.views import EntryView, IncidentView
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy

MAX_NAME_TRIES = 20
MAX_BOOKMARKS = 20
_MAX_TOPIC = 250
STILL_NEW = timedelta(seconds=5)


async def get_incident_row(context: EffectContext, session: AsyncSession) -> Incident:
    """Return an effect's incident without roles and people, which the channel doesn't need.

    The declarer is waiting for the channel, and each extra query takes half a millisecond.
    Raises: IncidentNotFound.
    """
    workspace_id = context.services.workspace.id
    incident = await find_incident(
        session,
        ById(incident_id_of(context.effect)),
        workspace_id=workspace_id,
        viewer=system_actor(),
    )
    if incident is None:
        raise IncidentNotFound(None)
    return incident


# -- opening ----------------------------------------------------------------------------------


async def open_channel(context: EffectContext) -> Settlement:
    """Create the channel, with a suffix if need be; look first after an uncertain attempt."""
    async with context.services.database.reading() as session:
        incident = await get_incident_row(context, session)
    if incident.channel_id is not None:
        return await _discard_late_channel(context, incident)
    is_private = incident.is_private
    for name in candidate_names(incident, context.services.policy):
        made = await _find_made(context, name)
        # A channel created before the incident went private isn't this effect's.
        if made is not None and made.is_private == is_private:
            return _opened(incident, made)
        try:
            channel = await context.services.gateway.create_channel(name, private=is_private)
        except SlackPermanent as error:
            if error.error == "name_taken":
                continue
            return _refused(context, incident, error.cause)
        except SlackTemporary as limit:
            await tell_place(context, incident, limit)
            raise
        return _opened(incident, channel)
    return _refused(context, incident, "name_taken")


def candidate_names(incident: Incident, policy: Policy) -> Iterator[str]:
    """Yield the names to try: first the policy's, then the same with a number appended."""
    pattern = policy.channels.drill_name if incident.is_drill else policy.channels.name
    wanted = channel_name(pattern, number=incident.number, title=incident.title)
    yield wanted
    for number in range(2, MAX_NAME_TRIES + 1):
        yield with_suffix(wanted, number)


async def _find_made(context: EffectContext, name: str) -> Channel | None:
    if not context.is_uncertain:
        return None
    gateway = context.services.gateway
    return await gateway.find_own_channel(name, created_after=context.created_at)


async def _discard_late_channel(context: EffectContext, incident: Incident) -> Settlement:
    """Archive what an uncertain attempt created, now that people have chosen another channel."""
    name = next(candidate_names(incident, context.services.policy))
    made = await _find_made(context, name)
    if made is not None and made.id != incident.channel_id:
        await context.services.gateway.archive(made.id)
    return Dropped("has a channel")


def _opened(incident: Incident, channel: Channel) -> Settlement:
    record = partial(
        record_opened,
        incident_id=incident.id,
        channel_id=channel.id,
        channel_name=channel.name,
        is_private=channel.is_private,
    )
    return Done(record)


def _refused(context: EffectContext, incident: Incident, error: str) -> Settlement:
    record = partial(
        record_refused, incident_id=incident.id, error=error, effect_id=context.effect_id
    )
    return Failed(error, record)


async def discard_channel(context: EffectContext) -> Settlement:
    """Archive a channel that was opened too late; nobody is in it."""
    effect = context.get(DiscardChannel)
    try:
        await context.services.gateway.archive(effect.channel_id)
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


_REFUSALS: Mapping[str, str] = {
    "restricted_action": "a workspace setting doesn't let Sitrep open channels",
    "user_is_restricted": "a workspace setting doesn't let Sitrep open channels",
    "cannot_create_channel": "a workspace setting doesn't let Sitrep open channels",
    "name_taken": "every name I tried is taken",
}


def channel_refused(
    refused: ChannelRefused, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the declarer that the channel failed, that nothing is lost, and what to do."""
    name, title = refused.channel_name, mentions.escape_line(incident.title)
    what = f"Sitrep can't get into #{mentions.escape_line(name)}" if name else "It has no channel"
    reason = _REFUSALS.get(refused.error) or refusal_reason(refused.error)
    mend = "" if refused.error == "name_taken" else f" {what_to_do(refused.error)}"
    text = (
        f"*{incident.reference}* {title} is on the record. "
        f"{what}: {reason or 'Slack gives no other reason'} "
        f"(`{mentions.escape_line(refused.error)}`).{mend}"
    )
    retry = blocks.button("Retry", action_id="effect_retry", value=str(refused.effect_id))
    if not refused.can_use_existing:
        advice = "Press Retry once the cause is fixed."
        return blocks.Message(
            text=f"{text} {advice}", blocks=(blocks.section(text), blocks.actions(retry))
        )
    use = blocks.button(
        "Use an existing channel…",
        action_id="channel_use_open",
        value=on_incident(incident),
        style="primary",
    )
    advice = "Press Use an existing channel…, or Retry once the cause is fixed."
    return blocks.Message(
        text=f"{text} {advice}", blocks=(blocks.section(text), blocks.actions(use, retry))
    )


# -- topic and bookmarks: best effort; a refusal is stored, not announced -----------------------


async def set_topic(context: EffectContext) -> Settlement:
    """Set the topic from the current state, unless people wrote their own.

    Each topic is a line in the channel, so it is set when the severity changes, not before.
    """
    view = await load_incident(context)
    if view.channel_id is None or view.is_channel_archived:
        return Dropped("no channel to set it in")
    gateway, topic = context.services.gateway, topic_of(view)
    try:
        channel = await gateway.channel_info(view.channel_id)
        if not is_own_topic(channel, reference=view.reference, us=context.services.workspace):
            return Dropped("people wrote the topic")
        if channel.topic == topic or (context.get(SetChannelTopic).exists and not channel.topic):
            return Dropped("nothing to change")
        await gateway.set_topic(view.channel_id, topic)
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


def _is_untouched(context: EffectContext, *, is_new: bool) -> bool:
    """Tell whether a new channel opened so recently that nobody can have added anything."""
    age = context.services.clock.now() - context.created_at
    return is_new and context.attempt == 1 and age < STILL_NEW


def is_own_topic(channel: Channel, *, reference: str, us: WorkspaceInfo) -> bool:
    """Tell whether the topic is empty or ours; without an author, by its first word."""
    if not channel.topic.strip():
        return True
    if channel.topic_by is not None:
        return channel.topic_by == us.bot_external_id
    return channel.topic.startswith(reference)


def topic_of(view: IncidentView) -> str:
    """Return the topic: reference and severity. The channel's name has the title."""
    return shorten_mrkdwn(
        f"{view.reference} · {mentions.escape_line(view.severity_name)}", _MAX_TOPIC
    )


async def add_bookmarks(context: EffectContext) -> Settlement:
    """Add the policy's bookmarks that the channel doesn't have yet, one by one."""
    is_new = context.get(AddBookmarks).is_new
    view = await load_incident(context)
    if view.channel_id is None or view.is_channel_archived:
        return Dropped("no channel to add them to")
    wanted = bookmarks_of(view, context.services.policy)
    if not wanted:
        return Done()
    gateway = context.services.gateway
    there: set[str] = set()
    try:
        if not _is_untouched(context, is_new=is_new):
            there = {bookmark.link for bookmark in await gateway.list_bookmarks(view.channel_id)}
        for link, title in wanted.items():
            if link not in there:
                await gateway.add_bookmark(view.channel_id, title=title, link=link)
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


def bookmarks_of(view: IncidentView, policy: Policy) -> dict[str, str]:
    """Return bookmark titles by address; a bookmark with an empty placeholder is left out."""
    services = [policy.find_service(key) or key for key in view.services]
    found: dict[str, str] = {}
    for bookmark in policy.bookmarks:
        if not any(name in bookmark.url for name in _PER_SERVICE):
            values = [("", {"{reference}": view.reference})]
        else:
            values = [_values_of(service, reference=view.reference) for service in services]
        for service_name, replaced in values:
            link = _filled(bookmark.url, replaced)
            if link is not None and mentions.is_web_address(link):
                several = service_name if len(services) > 1 else ""
                found.setdefault(
                    link, f"{bookmark.title}: {several}" if several else bookmark.title
                )
    return dict(list(found.items())[:MAX_BOOKMARKS])


_PER_SERVICE = ("{service}", "{runbook_url}", "{dashboard_url}")


def _values_of(service: Service | str, *, reference: str) -> tuple[str, dict[str, str]]:
    if isinstance(service, str):
        return service, {"{service}": quote(service, safe=""), "{reference}": reference}
    values = {
        "{service}": quote(service.key, safe=""),
        "{runbook_url}": service.runbook_url or "",
        "{dashboard_url}": service.dashboard_url or "",
        "{reference}": reference,
    }
    return service.name, values


def _filled(pattern: str, values: Mapping[str, str]) -> str | None:
    for name in (*_PER_SERVICE, "{reference}"):
        if name not in pattern:
            continue
        if not values.get(name):
            return None
        pattern = pattern.replace(name, values[name])
    return pattern


FEATURE = Feature(
    name="channel",
    effects={
        OpenIncidentChannel: open_channel,
        DiscardChannel: discard_channel,
        SetChannelTopic: set_topic,
        AddBookmarks: add_bookmarks,
    },
    entries=(shown(ChannelRefused, channel_refused),),
)
