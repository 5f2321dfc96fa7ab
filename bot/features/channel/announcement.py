"""The announcement: one message where everybody looks, kept current in place."""

from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import ended, heading, people, times
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.live_messages import LOST, Standing
from bot.framework.reading import read_incident
from bot.framework.requests import Services
from bot.slack import blocks, mentions
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway import SlackGateway
from incidents.core.people import Workspace, system_actor
from incidents.engine.effects import RefreshAnnouncement
from incidents.engine.posted_messages import PostedMessage, find_posted
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER

PURPOSE = "announcement"

_PUT_AWAY = frozenset({"is_archived", "is_inactive"})
# Somebody took us out of the channel we remember, or put another one in its place.
_LOST_CHANNEL = _PUT_AWAY | {"not_in_channel", "channel_not_found"}

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


async def refresh_announcement(context: EffectContext) -> Settlement:
    """Post the announcement, or edit it in place; a lost one is posted anew."""
    effect = context.get(RefreshAnnouncement)
    services = context.services
    async with services.database.reading() as session:
        view = await read_incident(context, session)
        posted = await find_posted(session, purpose=PURPOSE, subject_id=view.id)
        channel_id = await _known_channel(session, services)
    if view.is_drill or effect.incident_id is None:
        return Dropped("not announced")
    if view.is_private:
        return await _reduce(services, posted, view)
    message = announcement(view)
    if posted is not None:
        try:
            await _edit(services.gateway, posted.channel_id, posted.message_ts, message)
        except SlackPermanent as error:
            if error.error in _PUT_AWAY:
                return Dropped("announcement channel archived")
            if error.error not in LOST:
                raise
        else:
            return Done()
    place_and_ts = await _post(context, channel_id, message)
    if place_and_ts is None:
        # `doctor` says so; the incident goes on without.
        return Dropped("announcement channel missing")
    standing = Standing(purpose=PURPOSE, subject_id=view.id, incident_id=view.id)
    return Done(standing.remember(*place_and_ts))


async def _reduce(
    services: Services, posted: PostedMessage | None, view: IncidentView
) -> Settlement:
    """Leave nothing of an incident that was moved to private but that it is handled so."""
    if posted is None:
        return Dropped("not announced")
    try:
        await _edit(
            services.gateway,
            posted.channel_id,
            posted.message_ts,
            handled_privately(view.reference),
        )
    except SlackPermanent as error:
        if error.error not in LOST | _PUT_AWAY:
            raise
        return Dropped(error.error)
    return Done()


def handled_privately(reference: str) -> blocks.Message:
    """Return what stands in public of an incident that was moved to private."""
    text = f"*{reference}* is handled privately. Those who are needed have been invited."
    return blocks.Message(text=text.replace("*", ""), blocks=(blocks.section(text),))


async def _edit(gateway: SlackGateway, channel_id: str, ts: str, message: blocks.Message) -> None:
    try:
        await gateway.update(channel_id, ts, message)
    except SlackPermanent as error:
        if error.error != "not_in_channel":
            raise
        await gateway.join(channel_id)
        await gateway.update(channel_id, ts, message)


async def _post(
    context: EffectContext, known: str | None, message: blocks.Message
) -> tuple[str, str] | None:
    """Post in the known channel, or look for it anew; return None if there is none."""
    if known is not None:
        try:
            return await post_once(context, channel_id=known, message=message)
        except SlackPermanent as error:
            if error.error not in _LOST_CHANNEL:
                raise
    found = await find_announcement_channel(context.services)
    if found is None:
        return None
    return await post_once(context, channel_id=found, message=message)


async def _known_channel(session: AsyncSession, services: Services) -> str | None:
    workspace = await session.get(Workspace, services.workspace.id)
    if workspace is None or workspace.announcement_name != services.policy.announcement.channel:
        return None
    return workspace.announcement_channel_id


async def join_announcement_channel(services: Services) -> str | None:
    """Find and join the announcement channel ahead of need; gives up quietly."""
    try:
        return await find_announcement_channel(services)
    except SlackFailure as error:
        wanted = services.policy.announcement.channel
        log.warning("announcement_channel_not_joined", channel=wanted, error=error.error)
        return None


async def find_announcement_channel(services: Services) -> str | None:
    """Find the policy's announcement channel, join it, remember it; None if it is missing.

    Raises: SlackTemporary and SlackUnauthorized: whether it is there isn't known yet.
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


FEATURE = Feature(name="announcement", effects={RefreshAnnouncement: refresh_announcement})
