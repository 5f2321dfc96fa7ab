"""The announcement: one message where everybody looks, kept current in place."""

from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.feature import Feature
from bot.features.channel import load_incident
from bot.features.status_card import LOST_CARD
from bot.features.status_card_view import heading, people, times
from bot.requests import Services
from bot.slack import blocks as b
from bot.slack import mentions as m
from bot.slack.errors import SlackFailure, SlackPermanent
from incidents.effects import RefreshAnnouncement
from incidents.lifecycle import IncidentStatus
from incidents.people import Workspace, system_actor
from incidents.policy import COMMANDER
from incidents.posted_messages import find_posted, save_posted
from incidents.read_models import IncidentView
from incidents.unit_of_work import Outcome, UnitOfWork

PURPOSE = "announcement"

log = structlog.get_logger(__name__)


def announcement(view: IncidentView) -> b.Message:
    """Return the announcement of an incident: what is wrong, how bad, where to go."""
    impact = b.paragraphs(f"*Impact* {m.escape(view.impact)}") if view.impact else ()
    return b.Message(
        text=_text(view),
        blocks=(
            b.header(heading(view)),
            b.section(_situation(view)),
            *impact,
            *_latest_update(view),
            b.context(" · ".join(times(view))),
        ),
    )


def _situation(view: IncidentView) -> str:
    severity = m.escape_line(view.severity_name)
    where = f" Follow it in {m.channel_link(view.channel_id)}." if view.channel_id else ""
    match view.status:
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            fixed = f" {m.escape(view.resolution)}" if view.resolution else ""
            return f"*Resolved.* Nothing more is needed from you.{fixed}"
        case IncidentStatus.CANCELLED:
            return "*Cancelled.* This turned out not to be an incident of its own."
        case _:
            commander = people(view, COMMANDER)
            led = f" Commander: {commander}." if commander else " Nobody is in command yet."
            return f"*{severity}*, {view.status}.{led}{where}"


def _latest_update(view: IncidentView) -> tuple[b.Block, ...]:
    update = view.latest_update
    if update is None or not update.headline or not view.is_open:
        return ()
    when = m.date(update.posted_at, "{time}")
    return b.paragraphs(f"*Update* ({when}) {m.escape(update.headline)}")


def _text(view: IncidentView) -> str:
    lines = [f"{m.escape_line(heading(view))}: {_situation(view).replace('*', '')}"]
    if view.impact:
        lines.append(f"Impact: {m.escape_line(view.impact)}")
    update = view.latest_update
    if update is not None and update.headline and view.is_open:
        lines.append(f"Update: {m.escape_line(update.headline)}")
    return " ".join(lines)


async def refresh_announcement(context: EffectContext) -> Settlement:
    """Post the announcement, or edit it in place; a lost one is posted anew."""
    effect = context.get(RefreshAnnouncement)
    view = await load_incident(context)
    services = context.services
    if view.is_private or view.is_drill or effect.incident_id is None:
        return Dropped("not announced")
    async with services.database.reading() as session:
        posted = await find_posted(session, purpose=PURPOSE, subject_id=view.id)
        channel_id = await _known_channel(session, services)
    message = announcement(view)
    if posted is not None:
        try:
            await services.gateway.update(posted.channel_id, posted.message_ts, message)
        except SlackPermanent as error:
            if error.error not in LOST_CARD:
                raise
        else:
            return Done()
    channel_id = channel_id or await join_announcement_channel(services)
    if channel_id is None:
        # `doctor` says so; the incident goes on without.
        return Dropped("announcement channel missing")
    place, ts = await post_once(context, channel_id=channel_id, message=message)

    async def remember(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=view.id,
            purpose=PURPOSE,
            subject_id=view.id,
            channel_id=place,
            message_ts=ts,
            now=uow.now,
        )

    return Done(remember)


async def _known_channel(session: AsyncSession, services: Services) -> str | None:
    workspace = await session.get(Workspace, services.workspace.id)
    if workspace is None or workspace.announcement_name != services.policy.announcement.channel:
        return None
    return workspace.announcement_channel_id


async def join_announcement_channel(services: Services) -> str | None:
    """Find the policy's announcement channel, join it, remember it; None if it is missing."""
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
    except SlackFailure as error:
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


FEATURE = Feature(name="announcement", effects={RefreshAnnouncement: refresh_announcement})
