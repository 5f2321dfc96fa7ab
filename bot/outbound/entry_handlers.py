"""Shared effect handlers: post timeline entries to the channel and people; keep them current."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.effect_context import (
    NO_REPLIES,
    Done,
    Dropped,
    EffectContext,
    Record,
    Settlement,
    find_reply,
    post,
)
from bot.framework.entry_messages import Ending, render_entry
from bot.framework.feature import EffectHandler, Feature
from bot.framework.live_messages import UNEDITABLE, UNREACHABLE
from bot.framework.phrases import hidden_message
from bot.framework.reading import is_hidden_from, read_incident
from bot.framework.requests import Services
from bot.outbound.anchors import with_anchor
from bot.outbound.attempts import attempt_each
from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent, SlackTemporary
from incidents.core.people import Person
from incidents.engine.effects import (
    Effect,
    PostEntry,
    RefreshEntryMessages,
    TellPerson,
)
from incidents.engine.events import (
    EntryMessageNotRefreshed,
    EntryMessagesOutdated,
    RedactedTextRewritten,
)
from incidents.engine.posted_messages import (
    PostedMessage,
    entry_messages,
    entry_purpose,
    find_posted,
    reader_of,
    save_posted,
)
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import EntryView, IncidentView, get_entry_view

_ELSEWHERE = Ending("This goes on privately.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry rendered for the channel or for one person, and its ending, if any."""

    entry: EntryView
    incident: IncidentView
    person_id: uuid.UUID | None
    message: Message
    ending: Ending | None
    is_kept_current: bool


@dataclass(frozen=True, slots=True)
class _Edit:
    """An outdated message and its replacement; with None, we only stop keeping it current."""

    posted: PostedMessage
    message: Message | None
    ending: Ending | None


class EntryHandlers:
    """Posts entries as their features render them, and updates them when their requests end."""

    def __init__(self, features: Iterable[Feature]) -> None:
        """Collect the features' renderers and endings of each kind of entry."""
        features = tuple(features)
        self.renderers = dict(pair for feature in features for pair in feature.entries)
        direct = dict(pair for feature in features for pair in feature.direct_entries)
        self.direct_renderers = {**self.renderers, **direct}
        self.endings = dict(pair for feature in features for pair in feature.endings)

    def handlers(self) -> dict[type[Effect], EffectHandler]:
        """Return the handlers by effect type."""
        return {
            PostEntry: self.post_entry,
            TellPerson: self.tell_person,
            RefreshEntryMessages: self.refresh_messages,
        }

    # -- posting an entry ---------------------------------------------------------------------

    async def post_entry(self, context: EffectContext) -> Settlement:
        """Post a timeline entry in the incident channel, or in a thread there."""
        effect = context.get(PostEntry)
        async with context.services.database.reading() as session:
            said = await self._read(session, effect, context.services, person_id=None)
            root = await _thread_of(session, effect)
        if isinstance(said, Dropped):
            return said
        if said.incident.channel_id is None:
            return Dropped("no channel")
        if said.incident.is_channel_archived:
            return Dropped("channel archived")
        if said.incident.is_channel_exposed:
            return Dropped("channel exposed")
        place = said.incident.channel_id
        # An earlier attempt may have replied to a card that was replaced since.
        threads = root.threads_in(place) if root is not None else []
        say = partial(self._say, context, said, place, threads=threads)
        if root is None or root.channel_id != place:
            return await say()
        try:
            return await say(thread_ts=root.message_ts, is_broadcast=effect.is_broadcast)
        except SlackPermanent as error:
            if error.error not in NO_REPLIES:
                raise
        return await say()

    async def tell_person(self, context: EffectContext) -> Settlement:
        """Tell one person about a timeline entry by direct message."""
        effect = context.get(TellPerson)
        async with context.services.database.reading() as session:
            said = await self._read(session, effect, context.services, effect.person_id)
            if isinstance(said, Dropped):
                return said
            person = await session.get(Person, effect.person_id)
            if person is None or not person.is_active:
                return Dropped("person not active")
            if await is_hidden_from(session, said.incident, person):
                return Dropped("no longer theirs to see")
        return await self._say(context, said, person.external_id)

    async def _read(
        self,
        session: AsyncSession,
        effect: PostEntry | TellPerson,
        services: Services,
        person_id: uuid.UUID | None,
    ) -> _Said | Dropped:
        entry = await get_entry_view(session, effect.entry_id)
        if entry.is_redacted:
            return Dropped("redacted")
        incident = await read_incident(session, effect, services)
        message = self._render(entry, incident, person_id, services)
        find = self.endings.get(entry.kind) if message.has_buttons else None
        ending = await find(session, entry, incident) if find else None
        is_current = find is not None and (ending is None or not ending.is_final)
        if ending is not None:
            message = message.closed(ending.text, *ending.buttons)
        return _Said(entry, incident, person_id, message, ending, is_current)

    def _render(
        self,
        entry: EntryView,
        incident: IncidentView,
        person_id: uuid.UUID | None,
        services: Services,
    ) -> Message:
        renderers = self.renderers if person_id is None else self.direct_renderers
        message = render_entry(entry, incident, renderers)
        return with_anchor(message, entry, services.signer) if person_id is None else message

    async def _say(
        self,
        context: EffectContext,
        said: _Said,
        place: str,
        *,
        threads: Sequence[str] = (),
        thread_ts: str | None = None,
        is_broadcast: bool = False,
    ) -> Settlement:
        location = await find_reply(context, channel_id=place, threads=threads)
        if location is None:
            location = await post(
                context,
                channel_id=place,
                message=said.message,
                thread_ts=thread_ts,
                is_broadcast=is_broadcast,
            )
        elif said.ending is not None:  # it may have ended since that attempt
            await context.services.gateway.update(*location, said.message)
        return Done(_remembering(said, location) if said.is_kept_current else None)

    # -- keeping messages current -------------------------------------------------------------

    async def refresh_messages(self, context: EffectContext) -> Settlement:
        """Update messages whose request is over: say how it ended, and remove the buttons.

        Raises: SlackTemporary after all were tried; the error of one that is tried alone.
        """
        effect = context.get(RefreshEntryMessages)
        async with context.services.database.reading() as session:
            incident = await read_incident(session, effect, context.services)
            posted = await entry_messages(session, incident.id, message_id=effect.message_id)
            find = partial(self._find_edit, session, incident, context.services)
            found, unread = await attempt_each(posted, find)
        edits = [edit for edit in found if edit is not None]
        carried_out, unmade = await attempt_each(edits, partial(_carry_out, context))
        settled = [edit for edit in carried_out if edit is not None]
        failed = [*unread, *((edit.posted, error) for edit, error in unmade)]
        _raise_or_log(failed, is_alone=effect.message_id is not None)
        if not settled and not failed:
            return Done()
        aside = [message.id for message, _ in failed]
        return Done(partial(_settle, incident_id=incident.id, edits=settled, aside=aside))

    async def _find_edit(
        self,
        session: AsyncSession,
        incident: IncidentView,
        services: Services,
        posted: PostedMessage,
    ) -> _Edit | None:
        entry = await get_entry_view(session, posted.subject_id)
        if entry.is_redacted:  # its message was erased
            return _Edit(posted, None, _ELSEWHERE)
        person_id = reader_of(posted)
        if person_id is not None:
            person = await session.get_one(Person, person_id)
            if await is_hidden_from(session, incident, person):
                return _Edit(posted, hidden_message(incident), _ELSEWHERE)
        is_here = person_id is not None or posted.channel_id == incident.channel_id
        if incident.is_private and not is_here:
            return _Edit(posted, None, _ELSEWHERE)  # removed: see `features/channel/removal.py`
        is_mute = incident.is_channel_archived or incident.is_channel_exposed
        if person_id is None and is_here and is_mute:
            return None  # updated when the channel is back
        find = self.endings.get(entry.kind)
        ending = await find(session, entry, incident) if find else None
        if (ending.text if ending is not None else None) == posted.ending:
            return None
        message = self._render(entry, incident, person_id, services)
        if ending is not None:
            message = message.closed(ending.text, *ending.buttons)
        return _Edit(posted, message, ending)


def _raise_or_log(failed: Sequence[tuple[PostedMessage, Exception]], *, is_alone: bool) -> None:
    """Raise an error for which the whole effect is retried; else log why messages are set aside."""
    for _, error in failed:
        if is_alone or isinstance(error, SlackTemporary):
            raise error
    for message, error in failed:
        log.error("message_set_aside", message_id=str(message.id), exc_info=error)


async def _carry_out(context: EffectContext, edit: _Edit) -> _Edit | None:
    """Edit the message; return the edit if it needs no further one, also because it is gone."""
    if edit.message is None:
        return edit
    place = (edit.posted.channel_id, edit.posted.message_ts)
    try:
        await context.services.gateway.update(*place, edit.message)
    except SlackPermanent as error:
        log.warning("message_not_refreshed", channel_id=place[0], error=error.error)
        if error.error in UNEDITABLE:
            await _delete(context, place)
        # A channel that is closed to us may reopen: try again then.
        return None if error.error in UNREACHABLE and edit.ending is not _ELSEWHERE else edit
    return edit


async def _delete(context: EffectContext, place: tuple[str, str]) -> None:
    """Delete a message that can't be edited: it would ask for what is over. The record has it."""
    try:
        await context.services.gateway.delete(*place)
    except SlackPermanent as error:
        log.warning("old_message_not_deleted", channel_id=place[0], error=error.error)


async def _thread_of(session: AsyncSession, effect: PostEntry) -> PostedMessage | None:
    if effect.thread_id is None:
        return None
    return await find_posted(session, purpose=effect.thread, subject_id=effect.thread_id)


def _remembering(said: _Said, location: tuple[str, str]) -> Record:
    """Return the record of where the message is; refresh it if the incident changed meanwhile."""

    async def record(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=said.incident.id,
            purpose=entry_purpose(said.person_id),
            subject_id=said.entry.id,
            channel_id=location[0],
            message_ts=location[1],
            now=uow.now,
            ending=said.ending.text if said.ending else None,
        )
        incident = await uow.get_incident(ById(said.incident.id))
        if incident.version != said.incident.version:
            uow.emit(EntryMessagesOutdated(), incident)

    return record


async def _settle(
    uow: UnitOfWork,
    *,
    incident_id: uuid.UUID,
    edits: Sequence[_Edit],
    aside: Iterable[uuid.UUID],
) -> None:
    """Store the ending that each message shows; after a final one, stop keeping it current.

    The messages `aside` are tried again, each alone.
    """
    for message_id in aside:
        uow.emit(EntryMessageNotRefreshed(incident_id=incident_id, message_id=message_id))
    for edit in edits:
        row = await uow.session.get(PostedMessage, edit.posted.id)
        if row is None:
            continue
        if edit.ending is not None and edit.ending.is_final:
            await uow.session.delete(row)
        else:
            row.ending = edit.ending.text if edit.ending is not None else None
    # If an entry was redacted during its edit, we have just written its text back. Even if this
    # attempt wrote nothing, an earlier one may have, before it died.
    written = [edit.posted.subject_id for edit in edits]
    redacted = select(TimelineEntry.id).where(
        TimelineEntry.id.in_(written), TimelineEntry.content.is_(None)
    )
    for entry_id in (await uow.session.execute(redacted)).scalars():
        uow.emit(RedactedTextRewritten(incident_id=incident_id, entry_id=entry_id))
