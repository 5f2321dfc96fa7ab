"""The audit log: complete and append-only, and verifying finds any tampering."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import Executable, delete, select, update
from sqlalchemy.exc import DBAPIError

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.policy.references import PersonRef
from incidents.record.audit_log import (
    AuditEntry,
    AuditHead,
    AuditKind,
    audit,
    audit_entries,
    verify_audit,
)
from incidents.record.redaction import redact_audit_entry
from incidents.rights.stages import Stage, StageRecord
from incidents.supervision.policy_record import note_policy
from tests.supervision import change, log, managed, seed
from tests.world import World


@pytest.fixture(autouse=True)
def ana_is_the_manager(world: World) -> None:
    managed(world)


async def test_the_audit_log_says_who_set_which_stage_but_holds_no_note(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE, note="New to checkout."), by=ana)
    await world.run(change(jo, Stage.ASSIST, note="Knows the runbooks."), by=ana)
    first, second = await log(world)
    assert (second.actor_name, second.subject_id) == ("ana", jo.person_id)
    assert first.content is not None
    assert second.content is not None
    assert (first.content["previous"], second.content["previous"]) == (None, "observe")
    assert second.content["stage"] == "assist"
    assert "runbooks" not in str(second.content)


async def test_many_appends_at_once_keep_the_chain_whole(world: World) -> None:
    ana = await world.person("ana")
    people = [await world.person(f"junior{number}") for number in range(8)]
    await asyncio.gather(*(world.run(change(person, Stage.OBSERVE), by=ana) for person in people))
    entries = await log(world)
    assert [entry.sequence for entry in entries] == list(range(1, 9))
    assert {entry.subject_id for entry in entries} == {person.person_id for person in people}


@pytest.mark.parametrize(
    "statement",
    [
        update(AuditEntry).values(actor_name="nobody"),
        update(AuditEntry).values(content={"stage": "solo"}),
        update(AuditEntry).values(entry_hash="0" * 64),
        delete(AuditEntry),
    ],
)
async def test_the_database_refuses_to_change_or_delete_from_the_audit_log(
    world: World, statement: Executable
) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(statement)


async def test_content_of_the_audit_log_can_be_erased_and_the_chain_still_verifies(
    world: World,
) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    with pytest.raises(InvalidInput, match="reason"):
        await world.run(partial(redact_audit_entry, sequence=1, reason="\u200b"))

    await world.run(partial(redact_audit_entry, sequence=1, reason="a name"))

    erased, erasing = await log(world)
    assert erased.content is None
    assert "'jo'" not in str(erasing.content)
    # Who was set to what stays, so that it can still be compared.
    assert erasing.content is not None
    assert erasing.content["kept"]["stage"] == "observe"
    assert erasing.content["kept"]["person_id"] == str(jo.person_id)
    async with world.database.writing() as session:
        await session.execute(update(StageRecord).values(stage="solo"))
        await session.commit()
    assert ("Audit log", 1, "stage_changed") in await world.flaws()
    world.is_tampered = True


async def test_a_change_made_without_the_guard_is_found(world: World) -> None:
    ana = await world.person("ana")
    for name in ("jo", "sam", "kim"):
        await world.run(change(await world.person(name), Stage.OBSERVE), by=ana)
    async with world.database.reading() as session:
        entries, head = await audit_entries(session, workspace_id=world.workspace_id)
    entries[0].content = {"stage": "solo"}
    entries[1].actor_name = "somebody else"
    flaws = verify_audit(entries, head=head)
    assert [(flaw.sequence, flaw.problem) for flaw in flaws] == [
        (1, "content_changed"),
        (2, "entry_changed"),
    ]


async def test_a_missing_entry_of_the_audit_log_is_found(world: World) -> None:
    ana = await world.person("ana")
    for name in ("jo", "sam", "kim"):
        await world.run(change(await world.person(name), Stage.OBSERVE), by=ana)
    entries = await log(world)
    async with world.database.reading() as session:
        head = (await session.execute(select(AuditHead))).scalar_one().link
    assert [flaw.problem for flaw in verify_audit(entries[:-1], head=head)] == ["head_differs"]
    assert {flaw.problem for flaw in verify_audit((entries[0], entries[2]), head=head)} == {
        "sequence_gap",
        "broken_link",
    }


async def test_a_refused_change_leaves_no_gap_in_the_audit_log(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")

    async def half(uow: UnitOfWork) -> Outcome:
        await audit(uow, AuditKind.STAGE_SET, {}, subject_id=jo.person_id)
        raise AlreadySo("stage")

    with pytest.raises(AlreadySo):
        await world.run(half, by=ana)
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    assert [entry.sequence for entry in await log(world)] == [1]


async def test_a_changed_policy_is_recorded_once_with_the_rights_it_gives(world: World) -> None:
    await asyncio.gather(*(world.run(note_policy) for _ in range(3)))
    seed(world, visible_to=(PersonRef(user_id="UANA"),))
    await world.run(note_policy)
    await world.run(note_policy)
    first, second = await log(world)
    assert first.content is not None
    assert second.content is not None
    assert first.content["previous_digest"] is None
    assert second.content["previous_digest"] == first.content["digest"]
    assert second.content["rights"]["sign_off"] == ["mentor"]
    assert second.content["progress_visible_to"] == ["UANA"]
    assert first.content["changes"] == []
    assert "supervision.visible_to: [] → [UANA]" in second.content["changes"]
