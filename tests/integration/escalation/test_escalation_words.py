"""Escalations on the timeline: in plain words, and gone once redacted."""

from dataclasses import replace
from functools import partial

import pytest

from incidents.escalation.answers import ask_for_more, decline, redirect, take
from incidents.escalation.entries import Escalated
from incidents.escalation.packet import Packet
from incidents.escalation.questions import complete
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById
from incidents.policy.packet_fields import PacketField
from incidents.record.hiding import redact_entry
from incidents.record.timeline_view import items_of, load_entries
from incidents.registry.entries import ENTRY_TYPES
from tests.escalation_world import PACKET, Escalations
from tests.world import World


@pytest.fixture
async def made(world: World) -> Escalations:
    """An open SEV2 that Alice declared, under a policy that names nobody."""
    alice = await world.person("alice")
    incident_id = await world.declare("Logins fail", by=alice, severity_key="sev2")
    return Escalations(world, incident_id, alice)


async def test_the_timeline_tells_the_escalation_in_plain_words(made: Escalations) -> None:
    made.steps("UCAROL", "UDAVE")
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    await made.deactivate("UDAVE")
    packet = replace(PACKET, answer_by=made.world.clock.now(), changes_checked=True)
    await made.escalate(target=PersonTarget(external_id="UBOB"), packet=packet, is_urgent=True)
    await made.answer(ask_for_more, by=bob, field=PacketField.TRIED)
    await made.answer(complete, by=made.alice, changes={"tried": "Restarted one -> no change"})
    await made.answer(decline, by=bob, reason="On a plane")
    await made.answer(redirect, by=carol, target=PersonTarget(external_id="UEVE"), reason="Hers")
    await made.wait(minutes=5)
    await made.answer(take, by=carol)
    async with made.world.database.reading() as session:
        entries = items_of(await load_entries(session, made.incident_id), entry_types=ENTRY_TYPES)
    told = [item.what for item in entries if item.entry.kind.startswith("escal")]
    assert told == [
        (
            "Escalated to bob (Service owner, urgent). Ask: Is it safe to fail over? "
            "Answer by: 2026-03-02 09:00 UTC. Symptoms: Logins fail. Scope: 12 %. "
            "Recent changes: checked, none found"
        ),
        "Called bob for escalation 1, step 1 (bob). Waiting: 5 min",
        "Asked for more on escalation 1: tried",
        "Added to escalation 1 (version 2). Tried: Restarted one -> no change",
        "Declined escalation 1. On a plane",
        (
            "Called carol for escalation 1, step 2 (carol), because the people called before can't. "
            "Waiting: 5 min"
        ),
        "Redirected escalation 1 to UEVE. Hers",
        "Called UEVE for escalation 1, step 3 (UEVE), after a redirect. Waiting: 5 min",
        (
            "Found nobody to call for escalation 1, step 4 (UDAVE), because nobody answered in time. "
            "Left out: UDAVE (deactivated)"
        ),
        (
            "Reached the end of escalation 1 after 5 min: nobody is on it, and nobody else is left "
            "to call. Called: bob (can't), carol (passed it on), UEVE (no answer). "
            "Call somebody by phone"
        ),
        "Took escalation 1 after 5 min; nobody else is called",
    ]


async def test_a_redacted_packet_is_shown_nowhere(made: Escalations) -> None:
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    entries = await made.world.entries(made.incident_id)
    sent = next(entry for entry in entries if entry.kind == Escalated.kind)
    redact = partial(redact_entry, ref=ById(made.incident_id), entry_id=sent.id)
    await made.world.run(redact)
    assert (await made.view()).packet == Packet()
