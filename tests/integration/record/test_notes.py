"""Notes and their corrections, as use cases on both databases."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.core.errors import AlreadySo, InvalidInput, NothingToUndo, NotPermitted
from incidents.core.people import Actor, PersonKind
from incidents.engine.effects import EraseEntryMessage, PostEntry
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, save_participant
from incidents.incident.timeline import TimelineEntry
from incidents.record.corrections import MAX_TEXT
from incidents.record.hiding import redact_entry
from incidents.record.notes import add_note, amend_note, undo, withdraw_entry
from incidents.record.timeline_view import TimelineItem, get_timeline
from incidents.registry.entries import ENTRY_TYPES
from tests.world import World

TEN_MINUTES = timedelta(minutes=10)


class Room:
    """One incident and the timeline that people read of it."""

    def __init__(self, world: World, ref: ById, alice: Actor) -> None:
        self.world = world
        self.ref = ref
        self.alice = alice

    async def note(self, text: str, *, by: Actor | None = None, **more: object) -> Outcome:
        use_case = partial(add_note, ref=self.ref, text=text, **more)  # type: ignore[arg-type]
        return await self.world.run(use_case, by=by or self.alice)

    async def entries(self) -> list[TimelineEntry]:
        return await self.world.entries(self.ref.id)

    async def last(self) -> TimelineEntry:
        return (await self.entries())[-1]

    async def items(self) -> tuple[TimelineItem, ...]:
        async with self.world.database.reading() as session:
            timeline = await get_timeline(
                session,
                self.ref,
                workspace_id=self.world.workspace_id,
                viewer=self.alice,
                entry_types=ENTRY_TYPES,
            )
        return timeline.items

    async def notes(self) -> list[TimelineItem]:
        return [item for item in await self.items() if item.entry.kind == "note"]


@pytest.fixture
async def room(world: World) -> Room:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    return Room(world, ById(incident_id), alice)


async def test_a_note_is_recorded_now_and_posted_in_the_channel(room: Room) -> None:
    await room.note("Rolled back the deploy")
    entry = await room.last()
    assert (entry.kind, entry.content) == (
        "note",
        {"text": "Rolled back the deploy", "is_cut": False},
    )
    assert entry.occurred_at == room.world.clock.now()
    assert [effect.entry_id for effect in await room.world.effects(PostEntry)] == [entry.id]


async def test_a_note_dated_back_is_shown_where_it_happened(room: Room) -> None:
    now = room.world.clock.now()
    await room.note("second")
    outcome = await room.note("first", occurred_at=now - TEN_MINUTES)
    assert outcome.data["occurred_at"] == "2026-03-02T08:50:00.000000Z"
    assert [item.entry.words for item in await room.notes()] == ["first", "second"]
    assert (await room.last()).recorded_at == now


async def test_future_and_empty_notes_are_refused(room: Room) -> None:
    with pytest.raises(InvalidInput):
        await room.note("soon", occurred_at=room.world.clock.now() + timedelta(seconds=1))
    with pytest.raises(InvalidInput):
        await room.note(" \x00\n ")
    assert len(await room.entries()) == 1


async def test_a_note_of_40000_characters_is_cut_and_its_author_is_told(room: Room) -> None:
    outcome = await room.note("x" * 40_000)
    content = (await room.last()).content or {}
    assert len(content["text"]) == MAX_TEXT
    assert (content["is_cut"], outcome.data["is_cut"]) == (True, True)


async def test_a_guest_neither_adds_nor_withdraws_notes(room: Room) -> None:
    guest = await room.world.person("guest", kind=PersonKind.GUEST)
    await room.world.run(partial(_let_in, ref=room.ref, person=guest))
    with pytest.raises(NotPermitted):
        await room.note("hello", by=guest)
    with pytest.raises(NotPermitted):
        await room.world.run(partial(undo, ref=room.ref), by=guest)


async def test_undo_withdraws_ones_own_last_note_and_asks_before_the_one_before(room: Room) -> None:
    bob = await room.world.person("bob")
    await room.note("one")
    await room.note("two")
    await room.note("bob's", by=bob)
    await room.world.run(partial(undo, ref=room.ref), by=room.alice)
    asked = await room.world.run(partial(undo, ref=room.ref), by=room.alice)
    assert asked.kind == "older"
    await room.world.run(partial(undo, ref=room.ref, again=True), by=room.alice)
    standing = [item.entry.words for item in await room.notes() if not item.entry.is_withdrawn]
    assert standing == ["bob's"]
    assert [item.entry.words for item in await room.notes()] == ["one", "two", "bob's"]
    with pytest.raises(NothingToUndo):
        await room.world.run(partial(undo, ref=room.ref), by=room.alice)


async def test_amending_keeps_both_texts_and_shows_the_later_one(room: Room) -> None:
    await room.note("Rolled bakc")
    entry_id = (await room.last()).id
    earlier = room.world.clock.now() - TEN_MINUTES
    use_case = partial(
        amend_note, ref=room.ref, entry_id=entry_id, text="Rolled back", occurred_at=earlier
    )
    await room.world.run(use_case, by=room.alice)
    (item,) = await room.notes()
    assert (item.entry.words, item.entry.occurred_at) == ("Rolled back", earlier)
    assert item.entry.amended_by == "alice"
    first = next(entry for entry in await room.entries() if entry.id == entry_id)
    assert first.content == {"text": "Rolled bakc", "is_cut": False}
    with pytest.raises(AlreadySo):
        await room.world.run(use_case, by=room.alice)


async def test_a_withdrawn_note_can_be_neither_amended_nor_withdrawn_again(room: Room) -> None:
    await room.note("one")
    entry_id = (await room.last()).id
    withdraw = partial(withdraw_entry, ref=room.ref, entry_id=entry_id)
    bob = await room.world.person("bob")
    for others in (withdraw, partial(amend_note, ref=room.ref, entry_id=entry_id, text="two")):
        with pytest.raises(NotPermitted):  # somebody else's note
            await room.world.run(others, by=bob)
    await room.world.run(withdraw, by=room.alice)
    with pytest.raises(AlreadySo):
        await room.world.run(withdraw, by=room.alice)
    amend = partial(amend_note, ref=room.ref, entry_id=entry_id, text="two")
    with pytest.raises(AlreadySo):
        await room.world.run(amend, by=room.alice)


async def test_only_what_people_wrote_can_be_withdrawn(room: Room) -> None:
    declared = (await room.entries())[0].id
    use_case = partial(withdraw_entry, ref=room.ref, entry_id=declared)
    with pytest.raises(InvalidInput):
        await room.world.run(use_case, by=room.alice)


async def test_redacting_deletes_a_note_with_its_amendments_and_the_chain_verifies(
    room: Room,
) -> None:
    await room.note("password: hunter2")
    entry_id = (await room.last()).id
    amend = partial(amend_note, ref=room.ref, entry_id=entry_id, text="the password is hunter2")
    await room.world.run(amend, by=room.alice)
    redact = partial(redact_entry, ref=room.ref, entry_id=entry_id, reason="a password")
    with pytest.raises(NotPermitted):
        await room.world.run(redact, by=room.alice)
    await room.world.run(redact)  # the system may; people need to be in command

    entries = await room.entries()  # verifies the chain
    assert "hunter2" not in str([entry.content for entry in entries])
    # A redaction for the note, and one for its amendment.
    assert [entry.salt is None for entry in entries] == [False, True, True, False, False]
    (item,) = await room.notes()
    assert (item.entry.is_redacted, item.what) == (True, "[redacted by Sitrep]")
    effects = await room.world.effects(EraseEntryMessage)
    assert [effect.entry_id for effect in effects] == [entry_id, entries[2].id]
    with pytest.raises(AlreadySo):
        await room.world.run(redact)


async def test_a_note_is_withdrawn_in_the_channel_where_it_was_posted(room: Room) -> None:
    await room.note("one")
    await room.world.run(partial(undo, ref=room.ref), by=room.alice)
    assert len(await room.world.effects(PostEntry)) == 2


async def _let_in(uow: UnitOfWork, *, ref: ById, person: Actor) -> Outcome:
    assert person.person_id is not None
    await save_participant(
        uow.session, incident_id=ref.id, person_id=person.person_id, invited_at=uow.now
    )
    return Outcome("let_in")
