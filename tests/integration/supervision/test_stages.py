"""Stages: which one applies, who sets it, and who is told."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.incident import ById
from incidents.lifecycle.status import cancel
from incidents.policy.policy import Action, Right, Rights
from incidents.policy.references import Grantee, PersonRef, Standing
from incidents.policy.supervision import MentorSeed, StageSeed
from incidents.record.audit_log import AuditKind
from incidents.rights.stages import EVERYTHING, Scope, Stage, StageRecord, levels_of, mentees_of
from incidents.roles.assign import assign_role
from incidents.roles.departures import save_people
from incidents.supervision.effects import TellMentorship, TellStage
from incidents.supervision.mentors import ANSWER_WITHIN, MentorAnswer, answer_mentor
from incidents.supervision.stage_changes import SignOff, sign_off
from tests.supervision import (
    NOTE,
    agree,
    change,
    log,
    make_mentor,
    managed,
    mentors,
    named,
    seed,
    service,
    stage,
)
from tests.world import World


@pytest.fixture(autouse=True)
def ana_is_the_manager(world: World) -> None:
    managed(world)


# -- which stage applies ----------------------------------------------------------------------


async def test_without_records_everybody_is_solo(world: World) -> None:
    jo = await world.person("jo")
    assert await stage(world, jo, role_key="commander", services=("checkout",)) is Stage.SOLO


async def test_with_several_services_the_lowest_stage_applies(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    service(world, "checkout", "search")
    await world.run(change(jo, Stage.LEAD, scope=Scope("", "checkout")), by=ana)
    await world.run(change(jo, Stage.OBSERVE, scope=Scope("", "search")), by=ana)
    assert await stage(world, jo, services=("checkout",)) is Stage.LEAD
    assert await stage(world, jo, services=("checkout", "search")) is Stage.OBSERVE
    assert await stage(world, jo, services=("payments",)) is Stage.SOLO


async def test_the_record_overrides_the_policys_seed_for_the_same_scope(world: World) -> None:
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


async def test_a_stage_can_be_read_as_it_was_earlier(world: World) -> None:
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


async def test_somebody_below_solo_anywhere_sets_no_stages(world: World) -> None:
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
    await world.run(change(jo, Stage.LEAD), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    with pytest.raises(NotPermitted):
        await world.run(change(jo, Stage.SOLO, note=NOTE), by=ana)
    # Naming yourself as mentor in the same change doesn't help.
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


async def test_no_ordinary_member_sets_a_stage_or_makes_themselves_a_mentor(world: World) -> None:
    jun, eve, ana = [await world.person(name) for name in ("jun", "eve", "ana")]
    for wanted in (change(jun, Stage.LEAD), change(jun, mentor=named(eve))):
        with pytest.raises(NotPermitted):
            await world.run(wanted, by=eve)
    # The manager can name anybody but themselves, and until Jun agrees, Eve is nobody's mentor.
    with pytest.raises(InvalidInput, match="mentor"):
        await world.run(change(jun, mentor=named(ana)), by=ana)
    await world.run(change(jun, mentor=named(eve)), by=ana)
    with pytest.raises(Superseded):
        await agree(world, jun, eve, by=eve)
    with pytest.raises(NotPermitted):
        await world.run(change(jun, Stage.SOLO, note=NOTE), by=eve)
    assert await mentors(world, jun) == ()
    await agree(world, jun, eve, by=jun)
    assert await mentors(world, jun) == (eve.person_id,)


async def test_a_mentor_who_is_declined_is_none_and_can_be_asked_about_again(world: World) -> None:
    jo, max_, ana = [await world.person(name) for name in ("jo", "max", "ana")]
    await world.run(change(jo, mentor=named(max_)), by=ana)
    no = MentorAnswer(person=named(jo), mentor=named(max_), agrees=False)
    await world.run(partial(answer_mentor, answer=no), by=jo)
    assert await mentors(world, jo) == ()
    assert [one.person_id for one in await world.effects(TellMentorship)] == [ana.person_id]
    with pytest.raises(Superseded):
        await agree(world, jo, max_, by=jo)
    await make_mentor(world, jo, max_, by=ana)
    assert await mentors(world, jo) == (max_.person_id,)


async def test_a_mentor_names_another_and_the_person_alone_agrees(world: World) -> None:
    jo, max_, eve, ana = [await world.person(name) for name in ("jo", "max", "eve", "ana")]
    await make_mentor(world, jo, max_, by=ana)
    await make_mentor(world, jo, eve, by=max_)
    assert set(await mentors(world, jo)) == {max_.person_id, eve.person_id}


async def test_nobody_changes_the_stage_of_somebody_in_command(world: World) -> None:
    jo, max_, ana = [await world.person(name) for name in ("jo", "max", "ana")]
    await world.run(change(jo, Stage.LEAD), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    incident_id = await world.declare("Checkout errors", by=jo)
    to_jo = partial(assign_role, ref=ById(incident_id), role="commander", person=named(jo))
    await world.run(to_jo, by=jo)
    assert jo.person_id is not None
    off = SignOff(person_id=jo.person_id, stage=Stage.SOLO, scope=EVERYTHING, note=NOTE)
    for wanted, by in (
        (change(jo, Stage.OBSERVE), ana),
        (change(jo, Stage.SOLO, note=NOTE), max_),
        (partial(sign_off, wanted=off), max_),
    ):
        with pytest.raises(Superseded, match="stage_in_command"):
            await world.run(wanted, by=by)
    await world.run(partial(cancel, ref=ById(incident_id), reason="A false alarm"))
    await world.run(partial(sign_off, wanted=off), by=max_)
    assert await stage(world, jo) is Stage.SOLO


async def test_a_refusal_in_mid_incident_reveals_no_private_incident(world: World) -> None:
    jo, ana = [await world.person(name) for name in ("jo", "ana")]
    incident_id = await world.declare("Somebody got in", by=jo, is_private=True)
    to_jo = partial(assign_role, ref=ById(incident_id), role="commander", person=named(jo))
    await world.run(to_jo, by=jo)
    with pytest.raises(Superseded, match="stage_now"):
        await world.run(change(jo, Stage.OBSERVE), by=ana)


# -- signing off from the progress ------------------------------------------------------------


async def test_a_sign_off_moves_exactly_one_stage_up(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    assert jo.person_id is not None

    def off(to: Stage) -> UseCase:
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


async def test_a_refused_sign_off_reveals_nothing_of_the_progress(world: World) -> None:
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
    await make_mentor(world, jo, eve, by=ana)
    assert await mentors(world, jo) == (max_.person_id,)  # a mentor has to agree to another
    await agree(world, jo, eve, by=max_)
    assert set(await mentors(world, jo)) == {max_.person_id, eve.person_id}
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
    await world.run(change(jo, mentor=named(max_)), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    await world.run(change(jo, mentor=named(max_)), by=ana)
    kinds = [entry.kind for entry in await log(world)]
    assert kinds == [AuditKind.MENTOR_PROPOSED, AuditKind.MENTOR_NAMED]
    told = {effect.person_id for effect in await world.effects(TellMentorship)}
    assert told == {max_.person_id, ana.person_id}


async def test_only_former_mentors_are_told_that_they_no_longer_are(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    outcome = await world.run(change(jo, former_mentor=named(max_)), by=ana)
    assert outcome.kind == "stage_changed"  # trying reveals no mentor
    assert await log(world) == ()
    assert await world.effects(TellMentorship) == []


async def test_the_person_and_their_mentors_are_told_and_nobody_else(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.person("eve")
    await make_mentor(world, jo, max_, by=ana)
    await world.run(change(jo, Stage.ASSIST, note="Knows the runbooks."), by=ana)
    told = await world.effects(TellStage)
    assert {effect.person_id for effect in told} == {jo.person_id, max_.person_id}


async def test_records_keep_the_order_in_which_they_were_set(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    for one in (Stage.OBSERVE, Stage.ASSIST, Stage.OBSERVE):
        await world.run(change(jo, one), by=ana)
    async with world.database.reading() as session:
        query = select(StageRecord).order_by(StageRecord.position)
        records = list((await session.execute(query)).scalars())
    assert [record.stage for record in records] == ["observe", "assist", "observe"]
    assert await stage(world, jo) is Stage.OBSERVE


async def test_a_repeat_within_a_minute_is_recorded_once(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    for _ in range(2):
        await world.run(change(jo, Stage.ASSIST), by=ana)
    # There and back within the minute isn't a repeat.
    await world.run(change(jo, Stage.OBSERVE), by=ana)
    await world.run(change(jo, Stage.ASSIST), by=ana)
    assert len(await log(world)) == 3
    assert await stage(world, jo) is Stage.ASSIST
    assert len(await world.effects(TellStage)) == 3


# -- rights -----------------------------------------------------------------------------------


def grant(world: World, action: Action, *who: Grantee) -> None:
    """Switch to a policy that gives these the right to cancel."""
    rights = world.policy.rights
    others = tuple(right for right in rights.actions if right.action is not action)
    actions = (*others, Right(action=action, who=who))
    world.change_policy(rights=Rights(actions=actions, guests_may=rights.guests_may))


async def may(world: World, person: Actor, *, about: Actor | None = None) -> bool:
    """Tell whether somebody may cancel."""

    async def ask(uow: UnitOfWork) -> Outcome:
        await uow.permit(Action.CANCEL, subject_id=about.person_id if about else None)
        return Outcome("permitted")

    try:
        await world.run(ask, by=person)
    except NotPermitted:
        return False
    return True


async def test_a_right_given_to_seniors_needs_somebody_who_said_so(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await make_mentor(world, jo, max_, by=ana)
    grant(world, Action.CANCEL, Standing.SENIOR)
    assert not await may(world, jo)
    await world.run(change(jo, Stage.SOLO, scope=Scope("commander", ""), note=NOTE), by=max_)
    assert await may(world, jo)
    await world.run(change(jo, Stage.LEAD, scope=Scope("scribe", "")), by=ana)
    assert not await may(world, jo)
    assert not await may(world, ana)


async def test_a_right_can_be_given_to_peers(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    guest = await world.person("gus", kind=PersonKind.GUEST)
    grant(world, Action.CANCEL, Standing.PEER)
    assert await may(world, jo)
    await world.run(change(jo, Stage.LEAD, scope=Scope("scribe", "")), by=ana)
    assert not await may(world, jo)
    assert await may(world, ana)
    assert not await may(world, guest)


async def test_a_right_can_be_given_to_mentors_of_the_person_it_is_about(world: World) -> None:
    jo, sam, ana, max_ = [await world.person(name) for name in ("jo", "sam", "ana", "max")]
    grant(world, Action.CANCEL, Standing.MENTOR)
    await make_mentor(world, jo, max_, by=ana)
    assert await may(world, max_, about=jo)
    assert not await may(world, max_, about=sam)
    assert not await may(world, max_, about=max_)
    assert not await may(world, jo, about=jo)
    assert await may(world, max_)  # about nobody
    assert not await may(world, ana)
    await world.run(change(jo, former_mentor=named(max_)), by=ana)
    assert not await may(world, max_, about=jo)


async def test_somebody_who_left_supervises_nobody(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await make_mentor(world, jo, max_, by=ana)
    gone = PersonFacts(max_.external_id or "", is_active=False)
    await world.run(partial(save_people, people=(gone,)))
    assert await mentors(world, jo) == ()


# -- questions about mentors, and how far a sign-off goes ----------------------------------------


async def test_a_question_about_a_mentor_ends_by_itself_and_who_asked_is_told(
    world: World,
) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, mentor=named(max_)), by=ana)
    world.clock.advance(ANSWER_WITHIN)
    await world.tick()
    assert [one.person_id for one in await world.effects(TellMentorship)] == [ana.person_id]
    assert [one.kind for one in await log(world)][-1] == AuditKind.MENTOR_UNANSWERED
    with pytest.raises(Superseded):
        await agree(world, jo, max_, by=jo)
    # Named again, the time starts over.
    await world.run(change(jo, mentor=named(max_)), by=ana)
    world.clock.advance(ANSWER_WITHIN / 2)
    await world.tick()
    await agree(world, jo, max_, by=jo)
    assert await mentors(world, jo) == (max_.person_id,)
    assert await world.pending_reminders() == []


async def test_a_question_about_a_mentor_that_others_take_back_tells_who_asked(
    world: World,
) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await make_mentor(world, jo, max_, by=ana)
    eve = await world.person("eve")
    await world.run(change(jo, mentor=named(eve)), by=ana)
    before = len(await world.effects(TellMentorship))
    await world.run(change(jo, former_mentor=named(eve)), by=max_)
    told = (await world.effects(TellMentorship))[before:]
    assert [one.person_id for one in told] == [ana.person_id]
    assert [one.kind for one in await log(world)][-1] == AuditKind.MENTOR_UNASKED


async def test_somebody_who_has_left_meanwhile_becomes_no_mentor(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, mentor=named(max_)), by=ana)
    gone = PersonFacts(external_id=max_.external_id or "", name="max", is_active=False)
    await world.run(partial(save_people, people=(gone,)))
    with pytest.raises(InvalidInput, match="deactivated"):
        await agree(world, jo, max_, by=jo)


async def test_who_is_a_mentor_no_more_has_agreed_to_nobody(world: World) -> None:
    jo, ana, max_, eve, kim = [
        await world.person(name) for name in ("jo", "ana", "max", "eve", "kim")
    ]
    await make_mentor(world, jo, max_, by=ana)
    await world.run(change(jo, mentor=named(kim)), by=ana)
    await agree(world, jo, kim, by=jo)
    await agree(world, jo, kim, by=max_)
    await world.run(change(jo, mentor=named(eve)), by=max_)  # max agrees by naming
    await world.run(change(jo, former_mentor=named(max_)), by=ana)
    await agree(world, jo, eve, by=jo)
    assert eve.person_id not in await mentors(world, jo)
    await agree(world, jo, eve, by=kim)
    assert eve.person_id in await mentors(world, jo)


async def test_renewing_a_sign_off_keeps_the_severity_up_to_which_it_holds(world: World) -> None:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await make_mentor(world, jo, max_, by=ana)
    await world.run(change(jo, Stage.SOLO, note=NOTE, up_to="sev3"), by=max_)
    assert jo.person_id is not None
    renewed = SignOff(person_id=jo.person_id, stage=Stage.SOLO, scope=EVERYTHING, note=NOTE)
    with pytest.raises(AlreadySo):  # the mentor saw another limit
        await world.run(partial(sign_off, wanted=renewed), by=max_)
    await world.run(partial(sign_off, wanted=replace(renewed, up_to="sev3")), by=max_)
    async with world.database.reading() as session:
        levels = await levels_of(
            session,
            workspace_id=world.workspace_id,
            person_id=jo.person_id,
            policy=world.policy,
        )
    assert levels.up_to == {EVERYTHING: "sev3"}


async def test_two_who_learn_sign_each_other_off_to_nothing(world: World) -> None:
    jo, sam, ana = [await world.person(name) for name in ("jo", "sam", "ana")]
    for person, mentor in ((jo, sam), (sam, jo)):
        await world.run(change(person, Stage.LEAD), by=ana)
        await make_mentor(world, person, mentor, by=ana)
    assert jo.person_id is not None
    wanted = SignOff(person_id=jo.person_id, stage=Stage.SOLO, scope=EVERYTHING, note=NOTE)
    for attempt in (change(jo, Stage.SOLO, note=NOTE), partial(sign_off, wanted=wanted)):
        with pytest.raises(NotPermitted) as refused:
            await world.run(attempt, by=sam)
        assert refused.value.needs == "solo_mentor"
    assert await stage(world, jo) is Stage.LEAD


async def test_an_address_that_two_have_makes_neither_a_senior(world: World) -> None:
    jo = await world.person("jo")
    twin = PersonFacts(
        external_id="UTWIN", name="twin", email="jo@example.com", kind=PersonKind.MEMBER
    )
    seed(world, stages=(StageSeed(person=PersonRef(email="jo@example.com"), stage=Stage.SOLO),))
    grant(world, Action.CANCEL, Standing.SENIOR)
    own = PersonFacts(external_id="UJO", name="jo", email="jo@example.com")
    await world.run(partial(save_people, people=(own,)))
    assert await may(world, jo)
    await world.run(partial(save_people, people=(twin,)))
    assert not await may(world, jo)
