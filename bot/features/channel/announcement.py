"""The announcement: a live message in the announcement channel."""

import uuid
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import ended, heading, people, times
from bot.framework.effect_context import Dropped, Record
from bot.framework.entry_messages import shown, told_message
from bot.framework.feature import Feature
from bot.framework.live_messages import InChannel, LiveMessage, Showing, Unreached
from bot.framework.reading import incident_id_of, read_incident
from bot.framework.requests import Reply, Request, Services
from bot.framework.slack_refusals import what_to_do
from bot.slack import blocks, mentions
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway.channels import Channel
from incidents.core.people import Workspace, system_actor
from incidents.core.times import day_text, spoken_duration
from incidents.engine.effects import RefreshAnnouncement
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import EntryView, IncidentView
from incidents.policy.policy import COMMANDER
from incidents.postmortem.postmortem import PostmortemView, find_postmortem_view
from incidents.updates.announcing import (
    find_unannounced,
    note_announcement_channel,
    note_not_announced,
)
from incidents.updates.entries import AnnouncementMissed, NoAnnouncement
from incidents.updates.subscriptions import Follows

# Why nothing is posted where nothing should be.
NOT_ANNOUNCED: Final = "not announced"

log = structlog.get_logger(__name__)


def announcement(view: IncidentView, *, postmortem: PostmortemView | None = None) -> blocks.Message:
    """Return the announcement of an incident: what is wrong, how bad, where to go.

    Once resolved: how bad it was, for how long, what fixed it, and how far the postmortem is.
    """
    impact = blocks.paragraphs(f"*Impact* {mentions.escape(view.impact)}") if view.impact else ()
    situation = f"{_situation(view)}{_postmortem(view, postmortem)}"
    return blocks.Message(
        text=_text(view, situation),
        blocks=(
            blocks.header(heading(view)),
            blocks.section(situation),
            *impact,
            *_latest_update(view),
            blocks.context(" · ".join(times(view))),
            *_follow_row(view),
        ),
    )


def _situation(view: IncidentView) -> str:
    severity = mentions.escape_line(view.severity_name)
    where = f" Follow it in {mentions.channel_link(view.channel_id)}." if view.channel_id else ""
    match view.status:
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            fixed = (
                f" What fixed it: {ended(mentions.escape(view.resolution))}"
                if view.resolution
                else ""
            )
            lasted = (view.resolved_at or view.declared_at) - view.declared_at
            after = f" after {spoken_duration(lasted)}" if lasted else ""
            link = mentions.channel_link(view.channel_id) if view.channel_id else ""
            handled = f" It was handled in {link}." if link else ""
            calm = "Nothing more is needed from you."
            return f"*Resolved*{after} (*{severity}*). {calm}{fixed}{handled}"
        case IncidentStatus.CANCELLED:
            return "*Cancelled.* This turned out not to be an incident of its own."
        case _:
            commander = people(view, COMMANDER)
            led = f" Commander: {commander}." if commander else " Nobody is in command yet."
            return f"*{severity}*, {view.status}.{led}{where}"


def _postmortem(view: IncidentView, postmortem: PostmortemView | None) -> str:
    if postmortem is None or view.status not in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}:
        return ""
    if not postmortem.is_published:
        return f" The postmortem is due {day_text(postmortem.due_on)}."
    return f" The postmortem is {mentions.link(postmortem.link, 'published')}."


def _latest_update(view: IncidentView) -> tuple[blocks.Block, ...]:
    update = view.latest_update
    if update is None or not update.headline or not view.is_open:
        return ()
    when = mentions.date(update.posted_at, "{date_short_pretty} {time}")
    return blocks.paragraphs(f"*Update* ({when}) {mentions.escape(update.headline)}")


def _follow_row(view: IncidentView) -> tuple[blocks.Block, ...]:
    if not view.is_open:
        return ()
    value = f"{Follows.INCIDENT}|{view.id}"
    return (blocks.actions(blocks.button("Follow", action_id="follow_incident", value=value)),)


def _text(view: IncidentView, situation: str) -> str:
    lines = [f"{mentions.escape_line(heading(view))}: {situation.replace('*', '')}"]
    if view.impact:
        lines.append(f"Impact: {ended(mentions.escape_line(view.impact))}")
    update = view.latest_update
    if update is not None and update.headline and view.is_open:
        lines.append(f"Update: {ended(mentions.escape_line(update.headline))}")
    return " ".join(lines)


async def _look(
    session: AsyncSession, effect: RefreshAnnouncement, services: Services
) -> Showing | Dropped:
    view = await read_incident(session, effect, services)
    if view.is_drill:
        return Dropped(NOT_ANNOUNCED)
    channel_id = await known_channel(session, services)
    if view.is_private:
        kept = InChannel(channel_id, unless=NOT_ANNOUNCED, stays=True)
        return Showing(handled_privately(view.reference), kept)
    over = "" if view.is_open else "over before it was announced"
    place = InChannel(channel_id, unless=over, stays=True)
    wanted = services.policy.announcement.channel
    dropped = partial(_on_dropped, view.id, wanted.removeprefix("#"))
    written = None if view.is_open else await find_postmortem_view(session, view.id)
    shown = announcement(view, postmortem=written)
    return Showing(shown, place, on_dropped=dropped)


def handled_privately(reference: str) -> blocks.Message:
    """Return the announcement of an incident that was moved to private."""
    text = f"*{reference}* is handled privately. Those who are needed have been invited."
    return blocks.Message(text=text.replace("*", ""), blocks=(blocks.section(text),))


async def known_channel(session: AsyncSession, services: Services) -> str | None:
    """Return the id of the policy's announcement channel, if it was found before."""
    workspace = await session.get(Workspace, services.workspace.id)
    if workspace is None or workspace.announcement_name != services.policy.announcement.channel:
        return None
    return workspace.announcement_channel_id


async def join_announcement_channel(services: Services) -> str | None:
    """Find and join the announcement channel before it is needed; a failure is only logged."""
    try:
        found = await find_announcement_channel(services)
    except SlackFailure as error:
        wanted = services.policy.announcement.channel
        log.warning("announcement_channel_not_joined", channel=wanted, error=error.error)
        return None
    return None if isinstance(found, Unreached) else found


async def announce_what_waits(services: Services) -> None:
    """Look for the announcement channel if open incidents couldn't be announced."""
    async with services.database.reading() as session:
        waiting = await find_unannounced(session, workspace_id=services.workspace.id)
    if waiting:
        await join_announcement_channel(services)


async def find_announcement_channel(services: Services) -> str | Unreached:
    """Find the policy's announcement channel, join it and store its id; else say why it can't be.

    Raises: SlackTemporary, SlackUnauthorized: we don't know yet whether the channel exists.
    """
    wanted = services.policy.announcement.channel
    if not services.policy.announcement.enabled:
        return Unreached(NOT_ANNOUNCED)
    try:
        channel = await services.gateway.find_channel(wanted)
        if channel is None or channel.is_archived:
            problem = await _problem(services, channel)
            log.warning("announcement_channel_missing", channel=wanted, problem=problem)
            return Unreached(problem)
        if not channel.is_member and not channel.is_private:
            await services.gateway.join(channel.id)
    except SlackPermanent as error:
        log.warning("announcement_channel_not_joined", channel=wanted, error=error.error)
        return Unreached(error.cause)
    await services.transactions.run(
        partial(note_announcement_channel, name=wanted, channel_id=channel.id),
        actor=system_actor(),
        workspace_id=services.workspace.id,
    )
    return channel.id


async def _problem(services: Services, channel: Channel | None) -> NoAnnouncement:
    """Tell whether the channel is archived: then it isn't found by its name."""
    if channel is None:
        async with services.database.reading() as session:
            known = await known_channel(session, services)
        channel = await services.gateway.find_channel(known) if known is not None else None
    is_archived = channel is not None and channel.is_archived
    return NoAnnouncement.ARCHIVED if is_archived else NoAnnouncement.MISSING


def _on_dropped(incident_id: uuid.UUID, channel: str, reason: str) -> Record | None:
    """Record that an incident which should be announced can't be."""
    if reason == NOT_ANNOUNCED:
        return None
    problem = NoAnnouncement.ARCHIVED if reason in {"is_archived", "is_inactive"} else reason
    return partial(
        note_not_announced, incident_id=incident_id, channel_name=channel, problem=problem
    )


def announcement_missed(
    missed: AnnouncementMissed, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return that the incident isn't announced, what to do, and that I keep looking."""
    match missed.problem:
        case NoAnnouncement.MISSING:
            do = (
                "Create that channel or, if it is private, type `/invite @Sitrep` there. Or ask the "
                "people who run Sitrep to name another one in the policy."
            )
        case NoAnnouncement.ARCHIVED:
            do = (
                "Unarchive that channel, or ask the people who run Sitrep to name another one in "
                "the policy."
            )
        case cause:
            do = what_to_do(cause)
    asks = f"{do} I look again every 10 minutes while {incident.reference} is open."
    return told_message(entry, incident, asks=asks)


async def heard(request: Request) -> Reply:
    """Announce what waits when the announcement channel is back, has its name, or let us in."""
    services, event = request.services, request.event
    is_others = "member" in str(event.get("type")) and (
        event.get("user") != services.workspace.bot_external_id
    )
    if request.channel_id and not is_others and await _is_waited_for(services, request.channel_id):
        await join_announcement_channel(services)
    return None


async def _is_waited_for(services: Services, channel_id: str) -> bool:
    """Tell whether this is the channel that open incidents couldn't be announced in."""
    async with services.database.reading() as session:
        if not await find_unannounced(session, workspace_id=services.workspace.id):
            return False
    try:
        channel = await services.gateway.find_channel(channel_id)
    except SlackFailure as error:
        log.info("channel_not_looked_at", error=error.error)
        return False
    wanted = services.policy.announcement.channel.removeprefix("#")
    return channel is not None and wanted in {channel.name, channel.id}


ANNOUNCEMENT = LiveMessage(
    effect=RefreshAnnouncement,
    purpose="announcement",
    subject=incident_id_of,
    look=_look,
    reach=find_announcement_channel,
)

FEATURE = Feature(
    name="announcement",
    live_messages=(ANNOUNCEMENT,),
    entries=(shown(AnnouncementMissed, announcement_missed),),
    events={
        "channel_unarchive": heard,
        "group_unarchive": heard,
        "channel_rename": heard,
        "group_rename": heard,
        "member_joined_channel": heard,
    },
)
