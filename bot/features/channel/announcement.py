"""The announcement: a live message in the announcement channel."""

from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import ended, heading, people, times
from bot.framework.effect_context import Dropped
from bot.framework.feature import Feature
from bot.framework.live_messages import InChannel, LiveMessage, Showing
from bot.framework.reading import incident_id_of, read_incident
from bot.framework.requests import Services
from bot.slack import blocks, mentions
from bot.slack.errors import SlackFailure, SlackPermanent
from incidents.core.people import Workspace, system_actor
from incidents.engine.effects import RefreshAnnouncement
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER

log = structlog.get_logger(__name__)


def announcement(view: IncidentView) -> blocks.Message:
    """Return the announcement of an incident: what is wrong, how bad, where to go."""
    impact = blocks.paragraphs(f"*Impact* {mentions.escape(view.impact)}") if view.impact else ()
    return blocks.Message(
        text=_text(view),
        blocks=(
            blocks.header(heading(view)),
            blocks.section(_situation(view)),
            *impact,
            *_latest_update(view),
            blocks.context(" · ".join(times(view))),
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
            return f"*Resolved.* Nothing more is needed from you.{fixed}"
        case IncidentStatus.CANCELLED:
            return "*Cancelled.* This turned out not to be an incident of its own."
        case _:
            commander = people(view, COMMANDER)
            led = f" Commander: {commander}." if commander else " Nobody is in command yet."
            return f"*{severity}*, {view.status}.{led}{where}"


def _latest_update(view: IncidentView) -> tuple[blocks.Block, ...]:
    update = view.latest_update
    if update is None or not update.headline or not view.is_open:
        return ()
    when = mentions.date(update.posted_at, "{date_short_pretty} {time}")
    return blocks.paragraphs(f"*Update* ({when}) {mentions.escape(update.headline)}")


def _text(view: IncidentView) -> str:
    lines = [f"{mentions.escape_line(heading(view))}: {_situation(view).replace('*', '')}"]
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
        return Dropped("not announced")
    channel_id = await _known_channel(session, services)
    if view.is_private:
        kept = InChannel(channel_id, unless="not announced", stays=True)
        return Showing(handled_privately(view.reference), kept)
    return Showing(announcement(view), InChannel(channel_id, stays=True))


def handled_privately(reference: str) -> blocks.Message:
    """Return the announcement of an incident that was moved to private."""
    text = f"*{reference}* is handled privately. Those who are needed have been invited."
    return blocks.Message(text=text.replace("*", ""), blocks=(blocks.section(text),))


async def _known_channel(session: AsyncSession, services: Services) -> str | None:
    workspace = await session.get(Workspace, services.workspace.id)
    if workspace is None or workspace.announcement_name != services.policy.announcement.channel:
        return None
    return workspace.announcement_channel_id


async def join_announcement_channel(services: Services) -> str | None:
    """Find and join the announcement channel before it is needed; a failure is only logged."""
    try:
        return await find_announcement_channel(services)
    except SlackFailure as error:
        wanted = services.policy.announcement.channel
        log.warning("announcement_channel_not_joined", channel=wanted, error=error.error)
        return None


async def find_announcement_channel(services: Services) -> str | None:
    """Find the policy's announcement channel, join it and store its id; None if it is missing.

    Raises: SlackTemporary, SlackUnauthorized: we don't know yet whether the channel exists.
    """
    wanted = services.policy.announcement.channel
    if not services.policy.announcement.enabled:
        return None
    try:
        channel = await services.gateway.find_channel(wanted)
        if channel is None or channel.is_archived:
            log.warning("announcement_channel_missing", channel=wanted)
            return None
        if not channel.is_member and not channel.is_private:
            await services.gateway.join(channel.id)
    except SlackPermanent as error:
        log.warning("announcement_channel_not_joined", channel=wanted, error=error.error)
        return None
    await services.transactions.run(
        partial(_remember_channel, name=wanted, channel_id=channel.id),
        actor=system_actor(),
        workspace_id=services.workspace.id,
    )
    return channel.id


async def _remember_channel(uow: UnitOfWork, *, name: str, channel_id: str) -> Outcome:
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None:
        workspace.announcement_name = name
        workspace.announcement_channel_id = channel_id
    return Outcome("announcement_channel")


ANNOUNCEMENT = LiveMessage(
    effect=RefreshAnnouncement,
    purpose="announcement",
    subject=incident_id_of,
    look=_look,
    # Without the channel nothing is announced; `sitrep doctor` reports that.
    reach=find_announcement_channel,
)

FEATURE = Feature(name="announcement", live_messages=(ANNOUNCEMENT,))
