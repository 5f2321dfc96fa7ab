"""Shadows, debriefs and on-call handovers on a real database: who gets them, and where they stay."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import ColumnElement, event, select

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Actor, PersonKind
from incidents.engine.outbox import EffectRow
from incidents.engine.prompts import Prompt, PromptKind, answer
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.handover.draft import Readers, draft_handover
from incidents.handover.effects import TellOfHandover
from incidents.handover.hand_over import accept_handover, ask_about_handover, offer_handover
from incidents.handover.tables import Handover, HandoverStatus
from incidents.incident.incident import ById, Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import TimelineEntry
from incidents.learning.debriefs import get_debrief_view, write_debrief
from incidents.learning.effects import (
    FollowLearners,
    InviteShadow,
    SendShadowBrief,
    ShareDebrief,
    ShowDebrief,
)
from incidents.learning.follow import follow_learners
from incidents.learning.shadowing import ShadowTarget, start_shadowing, stop_shadowing
from incidents.learning.tables import Debrief, Observation, Shadowing
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, change_status, reopen
from incidents.people.assignable import Named
from incidents.policy.references import PersonRef
from incidents.policy.supervision import MentorSeed
from incidents.record.audit_log import AuditEntry, AuditKind, audit_entries, verify_audit
from incidents.roles.assign import assign_role
from incidents.storage.database import Base
from tests.world import World

SECRET = "I would have failed over at once"


async def follow(world: World) -> None:
    """Carry out every `FollowLearners`, as the dispatcher does, even those already done."""
    for effect in await world.effects(FollowLearners):

        async def run(uow: UnitOfWork, effect: FollowLearners = effect) -> Outcome:
            assert effect.incident_id is not None
            await follow_learners(uow, effect.incident_id, entry_id=effect.entry_id)
            return Outcome("followed")

        await world.run(run)


async def shadow(world: World, person: Actor, mentor: Actor) -> uuid.UUID:
    target = ShadowTarget(mentor=Named(mentor.external_id or ""))
    outcome = await world.run(partial(start_shadowing, target=target), by=person)
    return uuid.UUID(outcome.data["shadowing_id"])


async def commanded(world: World, by: Actor, **details: object) -> uuid.UUID:
    incident_id = await world.declare("Checkout errors", by=by, **details)
    named = Named(by.external_id or "")
    await world.run(
        partial(assign_role, ref=ById(incident_id), role="commander", person=named), by=by
    )
    await follow(world)
    return incident_id


async def rows(world: World, table: type[Base], *conditions: ColumnElement[bool]) -> Sequence[Base]:
    async with world.database.reading() as session:
        return (await session.execute(select(table).where(*conditions))).scalars().all()


async def one_debrief(world: World) -> Debrief:
    (found,) = await rows(world, Debrief)
    assert isinstance(found, Debrief)
    return found


async def test_a_shadow_is_brought_in_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await shadow(world, bob, alice)
    incident_id = await commanded(world, alice)
    await follow(world)
    await follow(world)
    assert len(await rows(world, Observation)) == 1
    assert len(await world.effects(InviteShadow)) == 1
    assert len(await world.effects(SendShadowBrief)) == 1
    kinds = {entry.kind for entry in await world.entries(incident_id)}
    assert not {kind for kind in kinds if "shadow" in kind}


async def test_two_starts_at_once_make_one_shadowing(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await commanded(world, alice)
    results = await asyncio.gather(
        *(shadow(world, bob, alice) for _ in range(4)), return_exceptions=True
    )
    assert {type(one) for one in results} <= {uuid.UUID, AlreadySo}
    assert len(await rows(world, Shadowing)) == 1
    assert len(await rows(world, Observation)) == 1


async def test_starting_to_shadow_needs_no_more_queries_for_more_incidents(
    world: World,
) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = world.database.session_engine
    event.listen(engine, "before_cursor_execute", note)
    counts: list[int] = []
    try:
        for person in (bob, carol):
            await world.declare("Checkout errors", by=alice)
            said.clear()
            await shadow(world, person, alice)
            counts.append(len(said))
            for number in range(5):
                await world.declare(f"Another thing {number}", by=alice)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert counts[0] == counts[1]


async def test_nobody_is_brought_into_private_incidents_and_drills(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await shadow(world, bob, alice)
    await commanded(world, alice, is_private=True)
    await commanded(world, alice, is_drill=True)
    await shadow(world, await world.person("carol"), alice)
    assert await rows(world, Observation) == []
    assert await world.effects(InviteShadow) == []


async def test_guests_shadow_nobody_and_nobody_shadows_a_bot_or_a_guest(world: World) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    robot = await world.person("robot", kind=PersonKind.BOT)
    with pytest.raises(NotPermitted):
        await shadow(world, guest, alice)
    for mentor in (guest, robot, alice):
        with pytest.raises(InvalidInput):
            await shadow(world, alice, mentor)
    assert await rows(world, Shadowing) == []


async def test_somebody_who_works_in_an_incident_is_no_shadow_there(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    for person, role in ((alice, "commander"), (bob, "scribe")):
        named = Named(person.external_id or "")
        await world.run(
            partial(assign_role, ref=ById(incident_id), role=role, person=named), by=person
        )
    await shadow(world, bob, alice)
    await follow(world)
    assert await rows(world, Observation) == []


async def test_a_shadowing_ends_on_its_day_and_others_cannot_end_it(world: World) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    target = ShadowTarget(mentor=Named(alice.external_id or ""))
    until = world.clock.now() + timedelta(days=7)
    outcome = await world.run(partial(start_shadowing, target=target, until_at=until), by=bob)
    shadowing_id = uuid.UUID(outcome.data["shadowing_id"])
    with pytest.raises(Superseded):
        await world.run(partial(stop_shadowing, shadowing_id=shadowing_id), by=carol)
    world.clock.advance(timedelta(days=8))
    await commanded(world, alice)
    assert await rows(world, Observation) == []
    # It has expired, so a new one begins; the old one isn't extended.
    await shadow(world, bob, alice)
    assert len(await rows(world, Shadowing)) == 2


async def shadowed_to_the_end(world: World) -> tuple[Actor, Actor, uuid.UUID]:
    alice, bob = await world.person("alice"), await world.person("bob")
    await shadow(world, bob, alice)
    incident_id = await commanded(world, alice)
    world.clock.advance(timedelta(minutes=20))
    await world.run(
        partial(change_status, ref=ById(incident_id), target=IncidentStatus.IDENTIFIED), by=alice
    )
    await follow(world)
    (prompt,) = await rows(world, Prompt, Prompt.kind == PromptKind.DECISION)
    assert isinstance(prompt, Prompt)
    await world.run(partial(answer, prompt_id=prompt.id, answer="answered", text=SECRET), by=bob)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"), by=alice)
    await follow(world)
    return alice, bob, incident_id


async def test_a_debrief_is_asked_for_once_shared_with_the_mentor_and_in_no_other_table(
    world: World,
) -> None:
    alice, bob, incident_id = await shadowed_to_the_end(world)
    await follow(world)
    debrief = await one_debrief(world)
    carol = await world.person("carol")
    for outsider in (alice, carol):
        with pytest.raises(Superseded):
            await world.run(
                partial(write_debrief, debrief_id=debrief.id, answers=[("Why?", "No")]),
                by=outsider,
            )
    with pytest.raises(InvalidInput):
        await world.run(
            partial(write_debrief, debrief_id=debrief.id, answers=[("Why?", " ")]), by=bob
        )
    await world.run(
        partial(write_debrief, debrief_id=debrief.id, answers=[("Why?", SECRET)]), by=bob
    )
    assert [e.person_id for e in await world.effects(ShareDebrief)] == [alice.person_id]
    async with world.database.reading() as session:
        view = await get_debrief_view(session, debrief.id)
    assert (await one_debrief(world)).owner_id == bob.person_id
    assert [one.text for one in view.decisions] == [SECRET]
    assert [one.id for one in view.shared_with] == [alice.person_id]
    for table in (EffectRow, Reminder, TimelineEntry, AuditEntry):
        for row in await rows(world, table):
            kept = {key: str(value) for key, value in vars(row).items()}
            assert SECRET not in json.dumps(kept)
    assert not any(
        entry.kind.startswith(("debrief", "shadow")) for entry in await world.entries(incident_id)
    )


async def resolved(world: World, incident_id: uuid.UUID, by: Actor) -> None:
    given = Resolution(text="Rolled back", has_customer_impact=False)
    await world.run(partial(resolve, ref=ById(incident_id), resolution=given), by=by)
    await follow(world)


async def test_shadowing_continues_after_reopening_and_is_debriefed_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await shadow(world, bob, alice)
    incident_id = await commanded(world, alice)
    await resolved(world, incident_id, alice)
    assert (await one_debrief(world)).written_at is None
    await world.run(partial(reopen, ref=ById(incident_id), reason="errors are back"), by=alice)
    await follow(world)
    (observation,) = await rows(world, Observation)
    assert isinstance(observation, Observation)
    assert observation.ended_at is None
    await resolved(world, incident_id, alice)
    (observation,) = await rows(world, Observation)
    assert isinstance(observation, Observation)
    assert observation.ended_at is not None
    assert len(await rows(world, Debrief)) == 1
    assert len(await world.effects(ShowDebrief)) == 1


async def test_a_debrief_without_a_mentor_stays_with_its_owner(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    target = ShadowTarget(role_key="commander")
    await world.run(partial(start_shadowing, target=target), by=bob)
    incident_id = await commanded(world, alice)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"), by=alice)
    await follow(world)
    debrief = await one_debrief(world)
    writing = partial(write_debrief, debrief_id=debrief.id, answers=[("Why?", SECRET)])
    outcome = await world.run(writing, by=bob)
    # Holding the role doesn't make anybody a mentor.
    assert outcome.data["shared_with"] == []
    assert await world.effects(ShareDebrief) == []

    carol = await world.person("carol")
    seed = MentorSeed(
        person=PersonRef(user_id=bob.external_id), mentors=(PersonRef(user_id=carol.external_id),)
    )
    world.change_policy(supervision=replace(world.policy.supervision, mentors=(seed,)))
    outcome = await world.run(writing, by=bob)
    assert outcome.data["shared_with"] == ["carol"]


async def test_a_debrief_is_reminded_of_once_and_only_if_unwritten(world: World) -> None:
    _, bob, _ = await shadowed_to_the_end(world)
    world.clock.advance(timedelta(days=3))
    await world.tick()
    await world.tick()
    debrief = await one_debrief(world)
    assert debrief.reminded_at == world.clock.now()
    world.clock.advance(timedelta(days=30))
    await world.tick()
    assert (await one_debrief(world)).reminded_at == debrief.reminded_at
    await world.run(
        partial(write_debrief, debrief_id=debrief.id, answers=[("Why?", SECRET)]), by=bob
    )
    assert [r for r in await world.pending_reminders() if r.subject_type == "debrief"] == []


# -- the on-call handover --------------------------------------------------------------------


async def handed_over(world: World, by: Actor, to: Actor) -> uuid.UUID:
    named = Named(to.external_id or "")
    outcome = await world.run(
        partial(offer_handover, named=named, sections={"words": SECRET}), by=by
    )
    return uuid.UUID(outcome.data["handover_id"])


async def test_the_audit_log_records_an_on_call_handoff_without_its_text(world: World) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    handover_id = await handed_over(world, alice, bob)
    for outsider in (alice, carol):
        with pytest.raises(NotPermitted):
            await world.run(partial(accept_handover, handover_id=handover_id), by=outsider)
        with pytest.raises(NotPermitted):
            await world.run(
                partial(ask_about_handover, handover_id=handover_id, text="Why?"), by=outsider
            )
    await world.run(partial(accept_handover, handover_id=handover_id), by=bob)
    with pytest.raises(AlreadySo):
        await world.run(partial(accept_handover, handover_id=handover_id), by=bob)
    async with world.database.reading() as session:
        entries, head = await audit_entries(session, workspace_id=world.workspace_id)
    assert verify_audit(entries, head=head) == ()
    assert [entry.kind for entry in entries] == [
        AuditKind.HANDOVER_OFFERED,
        AuditKind.HANDOVER_ACCEPTED,
    ]
    for table in (EffectRow, Reminder, AuditEntry):
        for row in await rows(world, table):
            assert SECRET not in json.dumps({key: str(value) for key, value in vars(row).items()})


async def test_two_notes_of_one_author_at_once_leave_one_pending(world: World) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    await asyncio.gather(*(handed_over(world, alice, to) for to in (bob, carol, bob, carol)))
    waiting = await rows(world, Handover, Handover.status == HandoverStatus.PENDING)
    assert len(waiting) == 1
    assert len(await rows(world, Handover)) == 4


async def test_after_the_bot_was_away_only_the_author_hears_of_a_note_nobody_accepted(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await handed_over(world, alice, bob)
    world.clock.advance(timedelta(hours=3))
    await world.tick()
    await world.tick()
    told = [(e.what, e.person_id) for e in await world.effects(TellOfHandover)]
    assert told == [("unaccepted", alice.person_id)]


async def test_a_shift_handoff_reads_only_open_incidents(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    readers = Readers(workspace_id=world.workspace_id, author=alice, successor=bob)
    for number in range(12):
        incident_id = await world.declare(f"Checkout errors {number}", by=alice)
        await world.run(partial(cancel, ref=ById(incident_id), reason="False alarm"))
    await world.declare("Logins fail", by=alice)
    loaded: list[Incident] = []

    def note(incident: Incident, _context: object) -> None:
        loaded.append(incident)

    event.listen(Incident, "load", note)
    try:
        async with world.database.reading() as session:
            draft = await draft_handover(
                session, readers, policy=world.policy, now=world.clock.now()
            )
    finally:
        event.remove(Incident, "load", note)
    assert [one.title for one in draft.incidents] == ["Logins fail"]
    assert len(loaded) == 1
