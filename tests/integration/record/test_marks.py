"""Marks on messages, and who is in the channel, as use cases on both databases."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from incidents.channel.channel import record_opened
from incidents.channel.membership import join_channel, leave_channel
from incidents.core.errors import IncidentNotFound, NotPermitted
from incidents.core.people import Actor, PersonKind
from incidents.core.sentences import Who
from incidents.engine.effects import FetchMarkedMessage
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ByChannel, Participant
from incidents.incident.timeline import TimelineEntry
from incidents.record.captured_messages import CapturedMessage, MarkSource, MessageKey
from incidents.record.hiding import redact_entry
from incidents.record.marks import (
    MessageText,
    drop_message,
    follow_deletion,
    follow_edit,
    mark_message,
    record_message,
    unmark_message,
)
from incidents.record.notes import undo
from incidents.record.timeline_view import items_of
from incidents.registry.entries import ENTRY_TYPES
from tests.world import World

MESSAGE = MessageKey("C1", "1772441400.000100")


class Room:
    """One incident with a channel, and a message in it that people mark."""

    def __init__(self, world: World, incident_id: uuid.UUID, alice: Actor, bob: Actor) -> None:
        self.world = world
        self.incident_id = incident_id
        self.alice = alice
        self.bob = bob
        self.sent_at = world.clock.now()

    def text(self, text: str = "Errors began at 8:50") -> MessageText:
        return MessageText(
            text=text, author=Who("carol"), permalink="https://x/p1", sent_at=self.sent_at
        )

    async def mark(self, by: Actor, source: MarkSource = MarkSource.REACTION) -> Outcome:
        return await self.world.run(partial(mark_message, message=MESSAGE, source=source), by=by)

    async def unmark(self, by: Actor, source: MarkSource = MarkSource.REACTION) -> Outcome:
        return await self.world.run(partial(unmark_message, message=MESSAGE, source=source), by=by)

    async def arrive(self, text: str = "Errors began at 8:50") -> None:
        """Finish the fetch of the message."""
        effects = await self.world.effects(FetchMarkedMessage)

        async def record(uow: UnitOfWork) -> Outcome:
            await record_message(uow, effects[-1].message_id, content=self.text(text))
            return Outcome("recorded")

        await self.world.run(record)

    async def fetches(self) -> int:
        return len(await self.world.effects(FetchMarkedMessage))

    async def entries(self) -> list[TimelineEntry]:
        entries = await self.world.entries(self.incident_id)
        return [entry for entry in entries if entry.sequence > 2]

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.entries()]

    async def is_in_channel(self, person: Actor) -> bool:
        async with self.world.database.reading() as session:
            query = select(Participant).where(Participant.person_id == person.person_id)
            return (await session.execute(query)).scalar_one().is_in_channel


@pytest.fixture
async def room(world: World) -> Room:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def open_channel(uow: UnitOfWork) -> Outcome:
        await record_opened(
            uow, incident_id, channel_id="C1", channel_name="inc-1", is_private=False
        )
        return Outcome("opened")

    await world.run(open_channel)
    return Room(world, incident_id, alice, bob)


async def test_a_mark_becomes_an_entry_when_its_text_arrives_dated_as_the_message(
    room: Room,
) -> None:
    room.world.clock.advance(timedelta(minutes=5))
    assert (await room.mark(room.alice)).kind == "pending"
    assert await room.kinds() == []
    await room.arrive()
    (entry,) = await room.entries()
    assert (entry.kind, entry.actor_name) == ("marked", "alice")
    assert entry.occurred_at == room.sent_at
    assert entry.recorded_at == room.sent_at + timedelta(minutes=5)
    (item,) = items_of([entry], entry_types=ENTRY_TYPES)
    assert (item.who, item.what) == ("carol", "Errors began at 8:50 (kept by alice)")
    assert item.link == "https://x/p1"


async def test_two_people_marking_one_message_make_one_entry_and_one_fetch(room: Room) -> None:
    await asyncio.gather(room.mark(room.alice), room.mark(room.bob))
    await room.arrive()
    await room.arrive()
    await room.mark(room.bob, MarkSource.PIN)
    assert await room.kinds() == ["marked"]
    assert await room.fetches() == 1


async def test_removing_the_last_mark_withdraws_the_entry(room: Room) -> None:
    await room.mark(room.alice)
    await room.mark(room.bob)
    await room.arrive()
    await room.unmark(room.alice)
    assert await room.kinds() == ["marked"]
    await room.unmark(room.bob)
    assert await room.kinds() == ["marked", "withdrawn"]
    await room.unmark(room.bob)
    assert len(await room.entries()) == 2


async def test_a_mark_removed_before_its_text_arrives_leaves_no_entry(room: Room) -> None:
    await room.mark(room.alice)
    await room.unmark(room.alice)
    await room.arrive()
    assert await room.kinds() == []


async def test_a_message_marked_again_is_recorded_again(room: Room) -> None:
    await room.mark(room.alice)
    await room.arrive()
    await room.unmark(room.alice)
    await room.mark(room.bob)
    await room.arrive()
    assert await room.kinds() == ["marked", "withdrawn", "marked"]
    assert (await room.entries())[-1].actor_name == "bob"


async def test_undo_withdraws_a_mark_and_a_later_mark_is_its_own_authors(
    room: Room,
) -> None:
    await room.mark(room.alice)
    await room.arrive()
    await room.world.run(partial(undo, ref=ByChannel("C1")), by=room.alice)
    await room.unmark(room.alice)
    assert await room.kinds() == ["marked", "withdrawn"]
    await room.mark(room.bob)
    await room.arrive()
    assert (await room.entries())[-1].actor_name == "bob"


async def test_a_pinned_message_is_recorded_as_pinned_and_anybody_may_unpin_it(
    room: Room,
) -> None:
    await room.mark(room.alice, MarkSource.PIN)
    await room.arrive()
    await room.unmark(room.bob, MarkSource.PIN)
    assert await room.kinds() == ["pinned", "withdrawn"]


async def test_a_message_with_known_text_is_recorded_at_once(room: Room) -> None:
    shortcut = partial(
        mark_message, message=MESSAGE, source=MarkSource.SHORTCUT, content=room.text()
    )
    assert (await room.world.run(shortcut, by=room.alice)).kind == "recorded"
    assert (await room.world.run(shortcut, by=room.bob)).kind == "already_recorded"
    assert await room.kinds() == ["marked"]
    assert await room.fetches() == 0


async def test_a_guests_mark_does_not_count(room: Room) -> None:
    guest = await room.world.person("guest", kind=PersonKind.GUEST)
    with pytest.raises(NotPermitted):
        await room.mark(guest)
    assert await room.fetches() == 0


async def test_a_channel_without_an_incident_has_no_marks(room: Room) -> None:
    elsewhere = partial(mark_message, message=MessageKey("C9", "1.1"), source=MarkSource.PIN)
    with pytest.raises(IncidentNotFound):
        await room.world.run(elsewhere, by=room.alice)


async def test_an_edit_of_a_marked_message_amends_its_entry_once(room: Room) -> None:
    await room.mark(room.alice)
    await room.arrive()
    edit = partial(follow_edit, message=MESSAGE, text="Errors began at 8:40")
    await room.world.run(edit, by=room.bob)
    await room.world.run(edit, by=room.bob)
    assert await room.kinds() == ["marked", "amended"]
    (item,) = items_of(await room.entries(), entry_types=ENTRY_TYPES)
    assert item.what == "Errors began at 8:40 (kept by alice)"


async def test_an_edit_brings_no_text_back_into_a_redacted_entry(room: Room) -> None:
    await room.mark(room.alice)
    await room.arrive()
    (entry,) = await room.entries()
    await room.world.run(partial(redact_entry, ref=ByChannel("C1"), entry_id=entry.id))
    await room.world.run(partial(follow_edit, message=MESSAGE, text="the secret"), by=room.bob)
    assert await room.kinds() == ["marked", "redacted"]


async def test_a_deleted_message_stays_on_the_record_and_says_so(room: Room) -> None:
    await room.mark(room.alice)
    await room.arrive()
    await room.world.run(partial(follow_deletion, message=MESSAGE))
    (item,) = items_of(await room.entries(), entry_types=ENTRY_TYPES)
    deleted = "[the message was deleted later]"
    assert item.what == f"Errors began at 8:50 (kept by alice). {deleted}"


async def test_a_message_deleted_before_its_fetch_is_dropped_with_the_reason(
    room: Room,
) -> None:
    await room.mark(room.alice)
    (effect,) = await room.world.effects(FetchMarkedMessage)

    async def drop(uow: UnitOfWork) -> Outcome:
        await drop_message(uow, effect.message_id, reason="message gone")
        return Outcome("dropped")

    await room.world.run(drop)
    async with room.world.database.reading() as session:
        captured = (await session.execute(select(CapturedMessage))).scalar_one()
    assert (captured.status, captured.drop_reason) == ("dropped", "message gone")
    assert await room.kinds() == []


async def test_a_persons_first_join_and_leave_are_recorded(room: Room) -> None:
    for use_case in (join_channel, leave_channel, join_channel, leave_channel, join_channel):
        await room.world.run(partial(use_case, channel_id="C1"), by=room.bob)
    assert await room.kinds() == ["person_joined", "person_left"]
    async with room.world.database.reading() as session:
        query = select(Participant).where(Participant.person_id == room.bob.person_id)
        assert (await session.execute(query)).scalar_one().is_in_channel


async def test_joins_are_followed_but_not_recorded_if_the_policy_says_so(room: Room) -> None:
    timeline = replace(room.world.policy.timeline, capture_joins=False)
    room.world.change_policy(timeline=timeline)
    await room.world.run(partial(join_channel, channel_id="C1"), by=room.bob)
    assert await room.kinds() == []


async def test_a_bot_in_the_channel_doesnt_count(room: Room) -> None:
    robot = await room.world.person("robot", kind=PersonKind.BOT)
    outcome = await room.world.run(partial(join_channel, channel_id="C1"), by=robot)
    assert (outcome.kind, await room.kinds()) == ("ignored", [])


@pytest.mark.parametrize("source", [MarkSource.REACTION, MarkSource.PIN])
async def test_a_mark_reported_after_its_removal_stays_removed(
    room: Room, source: MarkSource
) -> None:
    marked_at, removed_at = room.sent_at, room.sent_at + timedelta(seconds=1)
    mark = partial(mark_message, message=MESSAGE, source=source, at=marked_at)
    unmark = partial(unmark_message, message=MESSAGE, source=source, at=removed_at)
    await room.world.run(unmark, by=room.alice)
    await room.world.run(mark, by=room.alice)
    assert await room.fetches() == 0
    again = partial(mark, at=removed_at + timedelta(seconds=1))
    await room.world.run(again, by=room.alice)
    assert await room.fetches() == 1
    await room.world.run(unmark, by=room.alice)  # reported twice, and late
    await room.arrive()
    assert len(await room.entries()) == 1


async def test_somebody_who_joined_and_left_is_gone_in_either_order_of_events(room: Room) -> None:
    came_at, left_at = room.sent_at, room.sent_at + timedelta(seconds=1)
    join = partial(join_channel, channel_id="C1", at=came_at)
    leave = partial(leave_channel, channel_id="C1", at=left_at)
    await room.world.run(leave, by=room.bob)
    await room.world.run(join, by=room.bob)
    assert not await room.is_in_channel(room.bob)
    await room.world.run(partial(join, at=left_at + timedelta(seconds=1)), by=room.bob)
    await room.world.run(leave, by=room.bob)
    assert await room.is_in_channel(room.bob)
