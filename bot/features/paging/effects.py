"""Paging effects: what a page says, and what is asked of its pager."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.paging.messages import failed_entry
from bot.features.paging.phones import PHONES
from bot.features.paging.stop import STOP
from bot.features.paging.why import WHY
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.requests import Reply, Request, Services
from bot.slack.ids import channel_link
from incidents.calling.arrivals import come, is_called
from incidents.calling.entries import PageFailed
from incidents.calling.failures import refuse_page
from incidents.calling.hear import note_accepted
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.entries import packet_in
from incidents.escalation.tables import Escalation
from incidents.incident.incident import ByChannel, Incident
from incidents.incident.timeline import TimelineEntry
from incidents.paging import port
from incidents.paging.effects import AcknowledgePage, ResolvePage, TriggerPage, UpdatePage
from incidents.paging.pages import Page, PageStatus
from incidents.paging.port import Pager, PagerRefused
from incidents.policy.policy import Policy

PagingEffect = TriggerPage | AcknowledgePage | ResolvePage | UpdatePage

# What somebody writes; edits, deletions and lines of Slack's own aren't signs of work.
_BY_PEOPLE: Final = frozenset({None, "file_share", "thread_broadcast", "me_message"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A page's row, what its pager is told, and the pager."""

    row: Page
    page: port.Page
    pager: Pager
    by: str


async def trigger_page(context: EffectContext) -> Settlement:
    """Page somebody; if the pager refuses for good, the next address is tried at once.

    A second attempt may page twice where the pager keeps no keys: better than not at all.
    """
    effect = context.get(TriggerPage)
    read = await _read(context, effect)
    if isinstance(read, Dropped):
        return read
    if read.row.status != PageStatus.SENDING:
        return Dropped("nobody needs it any more")
    try:
        accepted = await read.pager.trigger(read.page)
    except PagerRefused as refusal:
        log.warning("page_refused", pager=read.pager.key, page_id=str(effect.page_id))
        return Dropped(f"refused: {refusal.error}", _refused(effect, refusal.error))

    async def record(uow: UnitOfWork) -> None:
        await note_accepted(uow, effect.page_id, remote_id=accepted.remote_id, url=accepted.url)

    return Done(record)


async def acknowledge_page(context: EffectContext) -> Settlement:
    """Acknowledge in the pager; one that can't be told so would go on paging, so its page ends."""

    async def ask(read: _Reading) -> None:
        if read.pager.can_acknowledge:
            await read.pager.acknowledge(read.page, by=read.by)
        else:
            await read.pager.resolve(read.page)

    return await _ask(context, AcknowledgePage, ask)


async def resolve_page(context: EffectContext) -> Settlement:
    """End a page there."""

    async def ask(read: _Reading) -> None:
        await read.pager.resolve(read.page)

    return await _ask(context, ResolvePage, ask)


async def update_page(context: EffectContext) -> Settlement:
    """Tell the pager what the incident is now."""

    async def ask(read: _Reading) -> None:
        now = f" is now {read.page.title}" if read.page.title else " has changed"
        await read.pager.update(read.page, f"{read.page.reference}{now}")

    return await _ask(context, UpdatePage, ask)


async def _ask(
    context: EffectContext,
    effect_type: type[PagingEffect],
    ask: Callable[[_Reading], Awaitable[None]],
) -> Settlement:
    """Ask a pager for something that nobody waits for: a refusal ends it."""
    read = await _read(context, context.get(effect_type))
    if isinstance(read, Dropped):
        return read
    if read.row.status == PageStatus.ENDED and effect_type is not ResolvePage:
        return Dropped("it is over")
    if read.row.status == PageStatus.FAILED and read.row.accepted_at is None:
        return Dropped("never taken")
    try:
        await ask(read)
    except PagerRefused as refusal:
        return Dropped(f"refused: {refusal.error}")
    return Done()


def _refused(effect: TriggerPage, error: str) -> Callable[[UnitOfWork], Awaitable[None]]:
    async def record(uow: UnitOfWork) -> None:
        await refuse_page(uow, effect.page_id, error=error)

    return record


async def somebody_came(request: Request) -> Reply:
    """Somebody joins or writes: if they were called here, their pager falls silent."""
    event = request.event
    external_id, channel_id = str(event.get("user") or ""), request.channel_id or ""
    # People who are invited, also by us, join without doing anything: that is no sign.
    is_sign = event.get("subtype") in _BY_PEOPLE and not event.get("inviter")
    if not (external_id and channel_id and is_sign):
        return None
    workspace_id = request.services.workspace.id
    async with request.services.database.reading() as session:
        is_awaited = await is_called(
            session, channel_id=channel_id, external_id=external_id, workspace_id=workspace_id
        )
    if is_awaited:
        await request.transact(partial(_come, channel_id=channel_id))
    return None


async def _come(uow: UnitOfWork, *, channel_id: str) -> Outcome:
    incident = await uow.get_incident(ByChannel(channel_id))
    is_news = await come(uow, incident)
    return Outcome("came" if is_news else "known", incident.id)


async def _read(context: EffectContext, effect: PagingEffect) -> _Reading | Dropped:
    services = context.services
    async with services.database.reading() as session:
        row = await session.get_one(Page, effect.page_id)
        incident = await session.get_one(Incident, row.incident_id)
        page = await page_of(session, row, services)
        by = await _name_of(session, row)
    config = services.policy.find_pager(row.pager)
    pager = services.pagers.find(services.policy, row.pager)
    problem = ""
    if config is None or pager is None:
        problem = f"{row.pager} isn't configured"
    elif incident.is_private and not config.tells_private and _says_something(effect):
        problem = "the incident is private"
    if pager is None or problem:
        return Dropped(
            problem, _refused(effect, problem) if isinstance(effect, TriggerPage) else None
        )
    return _Reading(row, page, pager, by)


def _says_something(effect: PagingEffect) -> bool:
    """Tell whether words leave: an end or an acknowledgement holds only the page's own key."""
    return isinstance(effect, TriggerPage | UpdatePage)


async def page_of(session: AsyncSession, row: Page, services: Services) -> port.Page:
    """Return what the pager is told; of a private incident its number alone."""
    incident = await session.get_one(Incident, row.incident_id)
    person = await session.get(Person, row.person_id) if row.person_id else None
    reference, title, details = str(incident.reference), "", {}
    if not incident.is_private:
        title = f"{incident.severity_name}: {incident.title}"
        details = await _details(session, row, incident, services.policy)
    url = services.workspace.url
    # A page doesn't wait for the channel; without one, Slack itself opens, where the call is.
    link = channel_link(url, incident.channel_id) if incident.channel_id else url
    return port.Page(
        key=str(row.id),
        address=row.address,
        reference=reference,
        title=title,
        severity_key=incident.severity_key,
        severity_rank=incident.severity_rank,
        email=(person.email or "") if person else "",
        link="" if incident.is_private else link,
        acknowledge_url=services.pagers.acknowledge_url(services.policy, row.pager, str(row.id)),
        details=details,
        remote_id=row.remote_id,
    )


async def _details(
    session: AsyncSession, row: Page, incident: Incident, policy: Policy
) -> dict[str, str]:
    escalation = await session.get_one(Escalation, row.escalation_id)
    entry_id = escalation.packet_entry_id
    entry = await session.get(TimelineEntry, entry_id) if entry_id else None
    packet = packet_in(entry.content if entry else None)
    named = {
        "What is asked": packet.ask,
        "What people see": packet.symptoms,
        "Impact": packet.impact or incident.impact or "",
        "Services": ", ".join(
            found.name for key in incident.services if (found := policy.find_service(key))
        ),
    }
    return {name: text for name, text in named.items() if text}


async def _name_of(session: AsyncSession, row: Page) -> str:
    by = await session.get(Person, row.acknowledged_by_id) if row.acknowledged_by_id else None
    return by.name if by is not None else "somebody"


FEATURE = Feature(
    name="paging",
    effects={
        TriggerPage: trigger_page,
        AcknowledgePage: acknowledge_page,
        ResolvePage: resolve_page,
        UpdatePage: update_page,
    },
    verbs=(PHONES, STOP, WHY),
    entries=(shown(PageFailed, failed_entry),),
    events={"member_joined_channel": somebody_came, "message": somebody_came},
)
