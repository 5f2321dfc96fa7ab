"""Stages: who works how far on their own, who says so, and what of it anybody else can tell."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from incidents.assigning import Named
from incidents.audit_log import (
    AuditEntry,
    AuditHead,
    AuditKind,
    audit,
    audit_entries,
    verify_audit,
)
from incidents.errors import AlreadySo, InvalidInput, NotPermitted
from incidents.people import Actor, PersonKind
from incidents.policy import Action, Right, Service
from incidents.policy_record import note_policy
from incidents.policy_refs import PersonRef, Standing
from incidents.recertification import add_months
from incidents.reminders import ReminderKind
from incidents.stage_changes import SignOff, StageChange, change_stage, sign_off
from incidents.stages import (
    EVERYTHING,
    Scope,
    Stage,
    StageRecord,
    is_supervised,
    levels_of,
    mentees_of,
    mentors_of,
    stage_of,
)
from incidents.supervision_effects import TellMentorship, TellRenewal, TellStage
from incidents.supervision_policy import MentorSeed, StageSeed, Supervision
from incidents.unit_of_work import Outcome, UnitOfWork
from tests.world import World

NOTE = "Led three incidents, calm and complete."


def change(person: Actor, stage: Stage | None = None, **details: object) -> object:
    """The use case that sets somebody's stage."""
    named = Named(person.external_id or "")
    return partial(change_stage, change=StageChange(person=named, stage=stage, **details))  # type: ignore[arg-type]


def named(person: Actor) -> Named:
    return Named(person.external_id or "")


async def stage(
    world: World, person: Actor, *, role_key: str | None = None, services: tuple[str, ...] = ()
) -> Stage:
    assert person.person_id is not None
    async with world.database.reading() as session:
        return await stage_of(
            session,
            workspace_id=world.workspace_id,
            person_id=person.person_id,
            role_key=role_key,
            services=services,
            policy=world.policy,
        )


async def mentors(world: World, person: Actor) -> tuple[uuid.UUID, ...]:
    assert person.person_id is not None
    async with world.database.reading() as session:
        return await mentors_of(
            session,
            workspace_id=world.workspace_id,
            person_id=person.person_id,
            policy=world.policy,
        )


async def log(world: World) -> tuple[AuditEntry, ...]:
    """The workspace's audit log, after proving its chain."""
    async with world.database.reading() as session:
        entries, head = await audit_entries(session, workspace_id=world.workspace_id)
    assert verify_audit(entries, head=head) == ()
    return entries


def seed(world: World, **sections: object) -> None:
    """Go on under a policy whose section on supervision says this."""
    world.change_policy(supervision=Supervision(**sections))  # type: ignore[arg-type]


# -- which stage applies ----------------------------------------------------------------------


async def test_nobody_has_recorded_anything_so_everybody_is_solo(world: World) -> None:
    jo = await world.person("jo")
    assert await stage(world, jo, role_key="commander", services=("checkout",)) is Stage.SOLO
    async with world.database.reading() as session:
        assert jo.person_id is not None
        assert not await is_supervised(
            session,
            workspace_id=world.workspace_id,
            person_id=jo.person_id,
            role_key="commander",
            services=(),
            policy=world.policy,
        )


async def test_with_several_services_the_lowest_stage_applies(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    service(world, "checkout", "search")
    await world.run(change(jo, Stage.LEAD, scope=Scope("", "checkout")), by=ana)
    await world.run(change(jo, Stage.OBSERVE, scope=Scope("", "search")), by=ana)
    assert await stage(world, jo, services=("checkout",)) is Stage.LEAD
    assert await stage(world, jo, services=("checkout", "search")) is Stage.OBSERVE
    assert await stage(world, jo, services=("payments",)) is Stage.SOLO


async def test_the_policy_seeds_and_the_record_wins_for_the_same_scope(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    seed(
        world,
        stages=(
            StageSeed(person=PersonRef(user_id="UJO"), stage=Stage.OBSERVE),
            StageSeed(person=PersonRef(user_id="UJO"), stage=Stage.ASSIST, role="scribe"),
        ),
    )
    assert await stage(world, jo, role_key="commander") is Stage.OBSERVE
    assert await stage(world, jo, role_key="scribe") is Stage.ASSIST
    await world.run(change(jo, Stage.LEAD), by=ana)
    assert await stage(world, jo, role_key="commander") is Stage.LEAD
    assert await stage(world, jo, role_key="scribe") is Stage.ASSIST


async def test_a_stage_can_be_read_as_it_was_at_an_instant(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    then = world.clock.now()
    world.clock.advance(timedelta(days=30))
    await world.run(change(jo, Stage.ASSIST), by=ana)
    assert jo.person_id is not None
    async with world.database.reading() as session:
        levels = await levels_of(
            session,
            workspace_id=world.workspace_id,
            person_id=jo.person_id,
            policy=world.policy,
            at=then,
        )
    assert levels.stage(role_key=None) is Stage.OBSERVE
    assert await stage(world, jo) is Stage.ASSIST


# -- who may set it ---------------------------------------------------------------------------


async def test_nobody_sets_their_own_stage_nor_their_own_mentor(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    with pytest.raises(InvalidInput, match="yourself"):
        await world.run(change(jo, Stage.ASSIST), by=jo)
    with pytest.raises(InvalidInput, match="yourself"):
        await world.run(change(jo, mentor=named(ana)), by=jo)
    assert await log(world) == ()


async def test_who_is_below_solo_anywhere_sets_no_stages(world: World) -> None:
    jo, sam, ana = [await world.person(name) for name in ("jo", "sam", "ana")]
    service(world, "checkout")
    await world.run(change(sam, Stage.LEAD, scope=Scope("scribe", "checkout")), by=ana)
    with pytest.raises(NotPermitted):
        await world.run(change(jo, Stage.OBSERVE), by=sam)
    assert await stage(world, jo) is Stage.SOLO


async def test_guests_set_no_stages_and_have_none(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    guest = await world.person("gus", kind=PersonKind.GUEST)
    with pytest.raises(NotPermitted):
        await world.run(change(jo, Stage.OBSERVE), by=guest)
    with pytest.raises(InvalidInput, match="a_guest"):
        await world.run(change(guest, Stage.OBSERVE), by=ana)


async def test_only_a_mentor_signs_off_to_solo_and_only_with_a_note(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, Stage.LEAD, mentor=named(max_)), by=ana)
    with pytest.raises(NotPermitted):
        await world.run(change(jo, Stage.SOLO, note=NOTE), by=ana)
    # Naming oneself mentor in the same breath doesn't help.
    with pytest.raises(NotPermitted):
        await world.run(change(jo, Stage.SOLO, note=NOTE, mentor=named(ana)), by=ana)
    with pytest.raises(InvalidInput, match="empty"):
        await world.run(change(jo, Stage.SOLO, note="  "), by=max_)
    assert await stage(world, jo) is Stage.LEAD
    await world.run(change(jo, Stage.SOLO, note=NOTE), by=max_)
    assert await stage(world, jo) is Stage.SOLO


async def test_the_policy_can_name_who_else_signs_off(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    rights = world.policy.rights
    others = tuple(right for right in rights.actions if right.action is not Action.SIGN_OFF)
    lead = Right(action=Action.SIGN_OFF, who=(Standing.MENTOR, PersonRef(user_id="UANA")))
    world.change_policy(rights=type(rights)(actions=(*others, lead), guests_may=rights.guests_may))
    await world.run(change(jo, Stage.LEAD), by=ana)
    await world.run(change(jo, Stage.SOLO, note=NOTE), by=ana)
    assert await stage(world, jo) is Stage.SOLO


async def test_an_unknown_role_or_service_is_refused(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    with pytest.raises(InvalidInput, match="role"):
        await world.run(change(jo, Stage.LEAD, scope=Scope("captain", "")), by=ana)
    with pytest.raises(InvalidInput, match="service"):
        await world.run(change(jo, Stage.LEAD, scope=Scope("", "nowhere")), by=ana)
    assert await log(world) == ()


# -- signing off from the progress ------------------------------------------------------------


async def test_a_sign_off_leads_one_stage_on_and_never_past_one(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, Stage.OBSERVE, mentor=named(max_)), by=ana)
    assert jo.person_id is not None

    def off(to: Stage) -> object:
        wanted = SignOff(person_id=jo.person_id, stage=to, scope=EVERYTHING, note=NOTE)  # type: ignore[arg-type]
        return partial(sign_off, wanted=wanted)

    with pytest.raises(AlreadySo):
        await world.run(off(Stage.LEAD), by=max_)
    await world.run(off(Stage.ASSIST), by=max_)
    assert await stage(world, jo) is Stage.ASSIST
    # The form was open twice: the second comes too late.
    with pytest.raises(AlreadySo):
        await world.run(off(Stage.ASSIST), by=max_)
    assert [entry.kind for entry in await log(world)][-1] == AuditKind.SIGNED_OFF


async def test_who_may_not_see_the_progress_learns_nothing_by_signing_off(world: World) -> None:
    jo, sam, ana = [await world.person(name) for name in ("jo", "sam", "ana")]
    await world.run(change(jo, Stage.LEAD), by=ana)
    refusals = []
    for learner in (jo, sam):
        wanted = SignOff(
            person_id=learner.person_id,  # type: ignore[arg-type]
            stage=Stage.SOLO,
            scope=EVERYTHING,
            note=NOTE,
        )
        with pytest.raises(NotPermitted) as refused:
            await world.run(partial(sign_off, wanted=wanted), by=ana)
        refusals.append((refused.value.action, refused.value.needs))
    assert refusals[0] == refusals[1]


# -- mentors ----------------------------------------------------------------------------------


async def test_mentors_come_from_policy_and_record_and_the_record_can_end_a_seed(
    world: World,
) -> None:
    jo, ana, max_, eve = [await world.person(name) for name in ("jo", "ana", "max", "eve")]
    pair = MentorSeed(
        person=PersonRef(user_id="UJO"), mentors=(PersonRef(user_id="UMAX"), PersonRef("UJO"))
    )
    seed(world, mentors=(pair,))
    assert await mentors(world, jo) == (max_.person_id,)
    await world.run(change(jo, mentor=named(eve)), by=ana)
    assert await mentors(world, jo) == (max_.person_id, eve.person_id)
    await world.run(change(jo, former_mentor=named(max_)), by=ana)
    assert await mentors(world, jo) == (eve.person_id,)
    async with world.database.reading() as session:
        assert max_.person_id is not None
        assert eve.person_id is not None
        of = partial(mentees_of, session, workspace_id=world.workspace_id, policy=world.policy)
        assert await of(mentor_id=max_.person_id) == ()
        assert await of(mentor_id=eve.person_id) == (jo.person_id,)


async def test_naming_the_same_mentor_twice_is_recorded_once(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    for _ in range(2):
        await world.run(change(jo, mentor=named(max_)), by=ana)
    assert [entry.kind for entry in await log(world)] == [AuditKind.MENTOR_NAMED]
    assert len(await world.effects(TellMentorship)) == 2  # jo and max, once each


async def test_the_person_and_their_mentors_are_told_and_nobody_else(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.person("eve")
    await world.run(change(jo, mentor=named(max_)), by=ana)
    await world.run(change(jo, Stage.ASSIST, note="Knows the runbooks."), by=ana)
    told = await world.effects(TellStage)
    assert {effect.person_id for effect in told} == {jo.person_id, max_.person_id}


# -- the audit log ----------------------------------------------------------------------------


async def test_the_audit_log_says_who_set_what_for_whom_but_holds_no_note(world: World) -> None:
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
    "values", [{"actor_name": "nobody"}, {"content": {"stage": "solo"}}, {"entry_hash": "0" * 64}]
)
async def test_the_database_refuses_to_change_the_audit_log(
    world: World, values: dict[str, object]
) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(update(AuditEntry).values(**values))


async def test_the_database_refuses_to_delete_from_the_audit_log(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(delete(AuditEntry))


async def test_content_of_the_audit_log_can_be_erased_and_the_chain_still_proves(
    world: World,
) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.OBSERVE), by=ana)

    async def erase(uow: UnitOfWork) -> Outcome:
        await uow.session.execute(update(AuditEntry).values(content=None, salt=None))
        return Outcome("erased")

    await world.run(erase)
    assert [entry.content for entry in await log(world)] == [None]


async def test_what_was_changed_with_the_guard_taken_down_is_found(world: World) -> None:
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


# -- recertification --------------------------------------------------------------------------


def service(world: World, *keys: str) -> None:
    """Go on under a policy that has these services."""
    made = tuple(Service(key=key, name=key.title(), tier=1) for key in keys)
    world.change_policy(services=made)


async def _signed_off(world: World) -> tuple[Actor, Actor]:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, Stage.LEAD, mentor=named(max_)), by=ana)
    await world.run(change(jo, Stage.SOLO, note=NOTE), by=max_)
    return jo, max_


async def test_a_sign_off_is_due_for_renewal_once_and_both_are_told(world: World) -> None:
    seed(world, recertify_after_months=6)
    jo, max_ = await _signed_off(world)
    world.clock.advance(add_months(world.clock.now(), 6) - world.clock.now() - timedelta(hours=1))
    await world.tick()
    assert await world.effects(TellRenewal) == []
    world.clock.advance(timedelta(hours=2))
    await world.tick()
    await world.run(note_policy)  # a start plans anew, but what was told stays told
    await world.tick()
    told = await world.effects(TellRenewal)
    assert sorted(str(effect.person_id) for effect in told) == sorted(
        [str(jo.person_id), str(max_.person_id)]
    )
    assert await stage(world, jo) is Stage.SOLO


async def test_a_renewed_sign_off_is_not_asked_for_again_at_the_old_time(world: World) -> None:
    seed(world, recertify_after_months=6)
    jo, max_ = await _signed_off(world)
    world.clock.advance(timedelta(days=150))
    wanted = SignOff(person_id=jo.person_id, stage=Stage.SOLO, scope=EVERYTHING, note=NOTE)  # type: ignore[arg-type]
    await world.run(partial(sign_off, wanted=wanted), by=max_)
    world.clock.advance(timedelta(days=60))
    await world.tick()
    assert await world.effects(TellRenewal) == []
    world.clock.advance(timedelta(days=130))
    await world.tick()
    assert len(await world.effects(TellRenewal)) == 2


async def test_a_policy_with_other_months_moves_the_renewal_at_the_next_start(
    world: World,
) -> None:
    seed(world, recertify_after_months=None)
    await world.run(note_policy)
    await _signed_off(world)
    assert await world.pending_reminders() == []
    seed(world, recertify_after_months=1)
    await world.run(note_policy)
    (reminder,) = await world.pending_reminders()
    assert reminder.kind == ReminderKind.RENEWAL_DUE
    seed(world, recertify_after_months=12)
    world.clock.advance(timedelta(days=40))
    await world.tick()  # before any start under the new policy
    assert await world.effects(TellRenewal) == []
    (reminder,) = await world.pending_reminders()
    assert reminder.due_at > world.clock.now() + timedelta(days=300)


async def test_the_reminder_of_a_renewal_carries_no_word_of_it(world: World) -> None:
    await _signed_off(world)
    (reminder,) = await world.pending_reminders()
    assert (reminder.incident_id, reminder.data) == (None, {})


async def test_records_keep_the_order_in_which_they_were_set(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    for one in (Stage.OBSERVE, Stage.ASSIST, Stage.OBSERVE):
        await world.run(change(jo, one), by=ana)
    async with world.database.reading() as session:
        query = select(StageRecord).order_by(StageRecord.position)
        records = list((await session.execute(query)).scalars())
    assert [record.stage for record in records] == ["observe", "assist", "observe"]
    assert await stage(world, jo) is Stage.OBSERVE
