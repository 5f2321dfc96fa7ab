"""A packet is prefilled from the record."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from incidents.channel.channel import record_opened
from incidents.core.people import Actor
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.packet import MOST_LINES, Packet
from incidents.escalation.prefill import prefill
from incidents.incident.incident import ById, Incident
from incidents.record.captured_messages import MarkSource, MessageKey
from incidents.record.hiding import redact_entry
from incidents.record.linked_files import LinkedFile, link_files
from incidents.record.marks import MessageText, mark_message
from incidents.record.notes import add_note, amend_note, withdraw_entry
from tests.world import World

Note = Callable[[str], Awaitable[uuid.UUID]]


@pytest.fixture
async def alice(world: World) -> Actor:
    return await world.person("alice")


@pytest.fixture
async def incident_id(world: World, alice: Actor) -> uuid.UUID:
    return await world.declare("Logins fail", by=alice, impact="Nobody in the EU can log in")


@pytest.fixture
def note(world: World, alice: Actor, incident_id: uuid.UUID) -> Note:
    async def _note(text: str) -> uuid.UUID:
        world.clock.advance(timedelta(minutes=1))
        outcome = await world.run(partial(add_note, ref=ById(incident_id), text=text), by=alice)
        return uuid.UUID(outcome.data["entry_id"])

    return _note


async def packet_of(world: World, incident_id: uuid.UUID) -> Packet:
    async with world.database.reading() as session:
        return await prefill(session, await session.get_one(Incident, incident_id))


async def test_impact_and_symptoms_come_from_the_incident(
    world: World, incident_id: uuid.UUID
) -> None:
    assert await packet_of(world, incident_id) == Packet(
        symptoms="Logins fail", impact="Nobody in the EU can log in"
    )


async def test_labelled_notes_fill_their_fields(
    world: World, incident_id: uuid.UUID, note: Note
) -> None:
    await note("Tried: restarted one worker -> no change")
    await note("tried : flushed the cache -> worse")
    await note("hypothesis (high): the new report eats the pool")
    await note("Hypothesis (LOW): or DNS")
    await note("changed: checkout 2.14 at 13:50")
    await note("evidence: https://grafana.example.com/d/pool")
    await note("We tried: nothing here, this is only talk")
    packet = await packet_of(world, incident_id)
    assert packet.tried == "restarted one worker -> no change\nflushed the cache -> worse"
    assert (packet.hypothesis, packet.confidence) == ("or DNS", "low")
    assert (packet.changes, packet.changes_checked) == ("checkout 2.14 at 13:50", False)
    assert packet.evidence == "https://grafana.example.com/d/pool"


async def test_a_note_that_there_were_no_changes_counts_as_checked(
    world: World, incident_id: uuid.UUID, note: Note
) -> None:
    await note("changes: none since 13:00")
    packet = await packet_of(world, incident_id)
    assert (packet.changes, packet.changes_checked) == ("none since 13:00", True)


async def test_amended_notes_show_the_new_text_and_withdrawn_ones_are_left_out(
    world: World, alice: Actor, incident_id: uuid.UUID, note: Note
) -> None:
    amended = await note("tried: restarted one worker")
    withdrawn = await note("tried: rolled back")
    redacted = await note("tried: logged in as root with hunter2")
    ref = ById(incident_id)
    text = "tried: restarted two workers"
    await world.run(partial(amend_note, ref=ref, entry_id=amended, text=text), by=alice)
    await world.run(partial(withdraw_entry, ref=ref, entry_id=withdrawn), by=alice)
    await world.run(partial(redact_entry, ref=ref, entry_id=redacted))
    assert (await packet_of(world, incident_id)).tried == "restarted two workers"


async def test_marked_messages_and_files_are_evidence_with_their_links(
    world: World, alice: Actor, incident_id: uuid.UUID
) -> None:
    async def open_channel(uow: UnitOfWork) -> Outcome:
        await record_opened(
            uow, incident_id, channel_id="C1", channel_name="inc-1", is_private=False
        )
        return Outcome("opened")

    await world.run(open_channel)
    message = MessageText(
        text="Errors began\nat 8:50",
        author=Who("carol"),
        permalink="https://x.example/p1",
        sent_at=world.clock.now(),
    )
    mark = partial(
        mark_message,
        message=MessageKey("C1", "1772441400.000100"),
        source=MarkSource.SHORTCUT,
        content=message,
    )
    await world.run(mark, by=alice)
    graph = LinkedFile("F1", "pool.png", "https://x.example/f1")
    files = partial(link_files, channel_id="C1", files=[graph], sent_at=world.clock.now())
    await world.run(files, by=alice)
    assert (await packet_of(world, incident_id)).evidence.splitlines() == [
        "carol: Errors began at 8:50 https://x.example/p1",
        "File: pool.png https://x.example/f1",
    ]


async def test_only_the_newest_lines_are_offered(
    world: World, incident_id: uuid.UUID, note: Note
) -> None:
    for number in range(MOST_LINES + 3):
        await note(f"tried: step {number}")
    lines = (await packet_of(world, incident_id)).tried.splitlines()
    assert (len(lines), lines[-1]) == (MOST_LINES, f"step {MOST_LINES + 2}")
