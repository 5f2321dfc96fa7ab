"""After a redaction: our messages and files lose the text, and its author learns what remains."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.effect_context import Done, EffectContext, Settlement
from bot.framework.reading import read_incident
from bot.framework.refusals import say
from bot.slack import blocks
from bot.slack.errors import SlackPermanent, SlackTemporary
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.engine.effects import (
    DeleteFiles,
    EraseEntryMessage,
    EraseTitle,
    PostEntry,
    TellPerson,
)
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.posted_messages import (
    NEWS,
    PostedMessage,
    delivered_places,
    find_posted,
    find_threads,
    posted_places,
)
from incidents.engine.unit_of_work import Outcome
from incidents.incident.entries import ChannelLinked, ChannelOpened, MovedToPrivate
from incidents.incident.incident import Participant
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import Amended
from incidents.updates.effects import TellFollowers

# When to look again, while the redacted text is being posted.
_AGAIN: Final = timedelta(seconds=2)
_GONE = frozenset({"message_not_found"})
# A redaction has these shown again, with the title as it is now.
_SHOWN_AGAIN = ("handoff", "proposal", "escalation_call")
# A channel that no longer exists holds no files of ours.
_NO_CHANNEL = frozenset({"channel_not_found", "file_not_found"})
_OUR_FILE: Final = (
    r"(-[a-z]+)*-(timeline-\d+\.(md|csv|json)|postmortem-(v\d+(-final)?|preview)\.md)"
)


def redacted(_: object, outcome: Outcome) -> blocks.Message:
    """Return what was erased, what follows, and what remains elsewhere."""
    count = outcome.data.get("other_entries", 0)
    entries = {0: "", 1: " and 1 other entry that repeated it"}.get(
        count, f" and {count} other entries that repeated it"
    )
    is_hidden = outcome.kind == "hidden"
    done = "Hidden" if is_hidden else "Redacted"
    later = (
        "To undo this, choose *Reveal* beside the entry. To delete the text permanently, somebody "
        "else chooses *Destroy…* there.\n"
        if is_hidden
        else ""
    )
    return say(
        f"{done} in *{outcome.data['reference']}*{entries}. The text is gone from the timeline, "
        "the incident, its action items and its postmortem. I'm removing it from my messages and "
        "deleting the exports and postmortems I uploaded: export again if you need one.\n"
        f"{later}*What I can't reach:* people's own messages and files, the channel's name, notifications "
        "and emails Slack has sent, copies people saved, and backups of the database. "
        "People's names stay on the record."
    )


def revealed(outcome: Outcome) -> blocks.Message:
    """Return that the text is back, and where it isn't."""
    return say(
        f"Revealed in *{outcome.data['reference']}*. The text is back on the timeline. It doesn't "
        "return to messages I edited or files I deleted: export again if you need a file."
    )


# -- messages -----------------------------------------------------------------------------------


async def erase_message(context: EffectContext) -> Settlement:
    """Erase the text of a redacted entry and its amendments from the messages that showed it.

    Raises: SlackTemporary after what is known was erased, if some are being posted in other lanes.
    """
    effect = context.get(EraseEntryMessage)
    async with context.services.database.reading() as session:
        view = await read_incident(session, effect, context.services)
        said = await _said_by(session, effect)
        rows = await _saying(session, effect, said)
        places = {one: await _posted_as(session, effect, one) for one in said}
        people = await _may_have_been_told(session, view.id)
        threads = await find_threads(session, view.id, channel_id=view.channel_id)
    for entry_id, recorded_at in said.items():
        # The effects that posted it have been deleted since, or don't know whether they did.
        if not places[entry_id] or any(one.is_lost for one in rows if one.entry_id == entry_id):
            where = {f"{PostEntry.kind}:": view.channel_id, **people}
            places[entry_id] += await _look_for(
                context, entry_id, where, since=recorded_at, threads=threads
            )
    await _erase(context, {place for found in places.values() for place in found})
    if any(one.is_under_way for one in rows):
        raise SlackTemporary("still_posting", method="chat.update", retry_after=_AGAIN)
    return Done()


async def erase_title(context: EffectContext) -> Settlement:
    """Reduce the direct messages of the incident posted so far: they name it by its title."""
    effect = context.get(EraseTitle)
    async with context.services.database.reading() as session:
        live = select(PostedMessage.message_ts).where(
            PostedMessage.incident_id == effect.incident_id,
            PostedMessage.purpose.in_(_SHOWN_AGAIN),
        )
        shown_live = set((await session.execute(live)).scalars())
        query = select(EffectRow.progress).where(
            EffectRow.incident_id == effect.incident_id,
            EffectRow.created_at <= context.created_at,
        )
        rows = (await session.execute(query)).scalars()
        posted = {place for row in rows for place in posted_places(row)}
        of_incident = EffectRow.incident_id == effect.incident_id
        posted |= {place for _, place in await delivered_places(session, of_incident)}
    direct = {(place, ts) for place, ts in posted if place[:1] == "D" and ts not in shown_live}
    await _erase(context, direct, text="_This message held a title that was redacted._")
    return Done()


async def _erase(
    context: EffectContext,
    places: Iterable[tuple[str, str]],
    *,
    text: str = "_This entry was redacted._",
) -> None:
    """Erase the messages. Raises: SlackPermanent after all were tried, if one couldn't be."""
    refused: SlackPermanent | None = None
    for channel_id, ts in sorted(places):
        try:
            await context.services.gateway.update(channel_id, ts, say(text))
        except SlackPermanent as error:
            if error.error not in _GONE:
                refused = error
    if refused is not None:
        raise refused


async def _look_for(
    context: EffectContext,
    entry_id: uuid.UUID,
    where: Mapping[str, str | None],
    *,
    since: datetime,
    threads: Sequence[str],
) -> list[tuple[str, str]]:
    """Return where an entry was posted, by the ids of the effects that may have posted it.

    `threads` are those of the channel.
    """
    gateway, found = context.services.gateway, list[tuple[str, str]]()
    oldest = since - timedelta(minutes=1)
    for name, place in where.items():
        if place is None:
            continue
        effect_id = str(derived_id(entry_id, name))
        try:
            ts = await gateway.find_posted(place, effect_id=effect_id, oldest=oldest)
            for thread in threads if ts is None and place[:1] in "CG" else ():
                ts = ts or await gateway.find_posted(
                    place, effect_id=effect_id, oldest=oldest, thread_ts=thread
                )
            channel_id = place if place[:1] in "CGD" else await gateway.open_direct(place)
        except SlackPermanent:  # nobody can read there what we can't
            continue
        if ts is not None:
            found.append((channel_id, ts))
    return found


async def _may_have_been_told(session: AsyncSession, incident_id: uuid.UUID) -> dict[str, str]:
    """Return the people of the incident, by the name of the effect that tells them something."""
    query = (
        select(Person.id, Person.external_id)
        .join(Participant, Participant.person_id == Person.id)
        .where(Participant.incident_id == incident_id)
    )
    rows = await session.execute(query)
    return {f"{TellPerson.kind}:{row.id}": row.external_id for row in rows}


@dataclass(frozen=True, slots=True)
class _Saying:
    """An effect that says an entry: whether its message may appear, or be where nobody noted it."""

    entry_id: uuid.UUID | None
    is_under_way: bool
    is_lost: bool


async def _saying(
    session: AsyncSession, effect: EraseEntryMessage, entry_ids: Iterable[uuid.UUID]
) -> list[_Saying]:
    """Return the effects that say entries. What waits and was never tried will find them erased."""
    query = select(
        EffectRow.entry_id, EffectRow.status, EffectRow.is_uncertain, EffectRow.progress
    ).where(
        EffectRow.entry_id.in_(entry_ids),
        EffectRow.incident_id == effect.incident_id,
        EffectRow.kind.in_((PostEntry.kind, TellPerson.kind)),
    )
    found: list[_Saying] = []
    for entry_id, status, is_uncertain, progress in await session.execute(query):
        waits = is_uncertain and status == EffectStatus.PENDING
        found.append(
            _Saying(
                entry_id=entry_id,
                is_under_way=waits or status == EffectStatus.CLAIMED,
                is_lost=is_uncertain and not posted_places(progress),
            )
        )
    return found


async def _posted_as(
    session: AsyncSession, effect: EraseEntryMessage, entry_id: uuid.UUID
) -> list[tuple[str, str]]:
    """Return where an entry was posted: directly, or in channels that may no longer be current."""
    query = select(EffectRow.progress).where(
        EffectRow.entry_id == entry_id,
        EffectRow.incident_id == effect.incident_id,
        EffectRow.kind.in_((PostEntry.kind, TellPerson.kind, TellFollowers.kind)),
    )
    rows = (await session.execute(query)).scalars()
    found = [place for row in rows for place in posted_places(row)]
    told = await delivered_places(session, EffectRow.entry_id == entry_id)
    found += [place for _, place in told]
    news = await find_posted(session, purpose=NEWS, subject_id=entry_id)
    return [*found, *([(news.channel_id, news.message_ts)] if news is not None else [])]


async def _said_by(
    session: AsyncSession, effect: EraseEntryMessage
) -> Mapping[uuid.UUID, datetime]:
    amends = (TimelineEntry.target_id == effect.entry_id) & (TimelineEntry.kind == Amended.kind)
    query = select(TimelineEntry.id, TimelineEntry.recorded_at).where(
        TimelineEntry.incident_id == effect.incident_id,
        (TimelineEntry.id == effect.entry_id) | amends,
    )
    return {row.id: row.recorded_at for row in await session.execute(query)}


# -- files --------------------------------------------------------------------------------------


async def delete_files(context: EffectContext) -> Settlement:
    """Delete the exports and postmortems of the incident that we uploaded before the redaction."""
    effect, services = context.get(DeleteFiles), context.services
    async with services.database.reading() as session:
        view = await read_incident(session, effect, services)
        channels = await _channels_of(session, view.id)
    if view.channel_id is not None:
        channels.add(view.channel_id)
    user = services.workspace.bot_external_id
    for channel_id in sorted(channels):
        try:
            files = await services.gateway.own_files(
                channel_id, user=user, until=context.created_at
            )
        except SlackPermanent as error:
            if error.error not in _NO_CHANNEL:
                raise
            continue
        for file in files:
            if is_file_of(view.reference, file.name):
                await services.gateway.delete_file(file.id)
    return Done()


def is_file_of(reference: str, name: str) -> bool:
    """Tell whether a file of ours is an export or a postmortem of this incident, by its name."""
    return re.fullmatch(re.escape(reference.lower()) + _OUR_FILE, name) is not None


async def _channels_of(session: AsyncSession, incident_id: uuid.UUID) -> set[str]:
    """Return every channel that the incident has lived in."""
    kinds = (ChannelOpened, ChannelLinked, MovedToPrivate)
    query = select(TimelineEntry.kind, TimelineEntry.content).where(
        TimelineEntry.incident_id == incident_id,
        TimelineEntry.kind.in_([one.kind for one in kinds]),
    )
    found: set[str] = set()
    for kind, content in await session.execute(query):
        payload = next(one for one in kinds if one.kind == kind).read(content)
        for name in ("channel_id", "old_channel_id"):
            found.add(getattr(payload, name, "") or "")
    return found - {""}
