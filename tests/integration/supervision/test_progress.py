"""Progress: gathered from the record and the learning tables, and shown to few."""

import uuid
from datetime import timedelta
from functools import partial

import pytest

from incidents.core.ids import new_id
from incidents.core.people import Actor, PersonKind, system_actor
from incidents.engine.prompts import PromptKind, answer, ask, open_prompts
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById, save_participant
from incidents.learning.tables import Debrief, Observation
from incidents.lifecycle.status import cancel
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.supervision import Supervision
from incidents.record.entries import FileLinked
from incidents.rights.stages import Scope, Stage
from incidents.roles.assign import assign_role
from incidents.roles.step_down import step_down
from incidents.supervision.progress import Counts, ProgressView, find_progress
from tests.supervision import change, make_mentor, managed, named, service
from tests.world import World


@pytest.fixture(autouse=True)
def ana_is_the_manager(world: World) -> None:
    managed(world)


async def progress(world: World, person: Actor, *, viewer: Actor) -> ProgressView | None:
    assert person.person_id is not None
    async with world.database.reading() as session:
        return await find_progress(
            session,
            person.person_id,
            workspace_id=world.workspace_id,
            viewer=viewer,
            policy=world.policy,
            now=world.clock.now(),
        )


async def seen(world: World, person: Actor, *, viewer: Actor | None = None) -> ProgressView:
    view = await progress(world, person, viewer=viewer or person)
    assert view is not None
    return view


async def give_role(world: World, incident_id: uuid.UUID, role: str, person: Actor) -> None:
    use_case = partial(assign_role, ref=ById(incident_id), role=role, person=named(person))
    await world.run(use_case, by=person)


async def observe(
    world: World, incident_id: uuid.UUID, person: Actor, *, is_written: bool | None = None
) -> None:
    """Have somebody shadow an incident; with `is_written`, a debrief was asked for."""

    async def save(uow: UnitOfWork) -> Outcome:
        observation = Observation(
            id=new_id(),
            workspace_id=uow.workspace_id,
            incident_id=incident_id,
            person_id=person.person_id,
            began_at=uow.now,
        )
        uow.session.add(observation)
        await uow.flush()
        if is_written is not None:
            debrief = Debrief(
                workspace_id=uow.workspace_id,
                incident_id=incident_id,
                observation_id=observation.id,
                owner_id=person.person_id,
                asked_at=uow.now,
                written_at=uow.now if is_written else None,
            )
            uow.session.add(debrief)
        return Outcome("observed")

    await world.run(save)


async def record_evidence(world: World, incident_id: uuid.UUID) -> None:
    async def save(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        uow.record(incident, FileLinked(name="graph.png"))
        return Outcome("linked")

    await world.run(save)


# -- what is counted --------------------------------------------------------------------------


async def test_a_role_counts_at_the_stage_when_it_was_taken(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    await world.run(change(jo, Stage.ASSIST), by=ana)
    early = await world.declare("Checkout errors", by=ana)
    await give_role(world, early, "commander", jo)
    world.clock.advance(timedelta(days=30))
    # Nobody's stage changes while they command.
    await world.run(partial(step_down, ref=ById(early)), by=jo)
    await world.run(change(jo, Stage.LEAD), by=ana)
    late = await world.declare("Search is slow", by=ana)
    await give_role(world, late, "commander", jo)
    view = await seen(world, jo)
    assert view.real.overall == Counts(observed=0, assisted=1, led=1)


async def test_shadowed_incidents_are_observed_unless_a_role_was_held(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    watched = await world.declare("Checkout errors", by=ana)
    helped = await world.declare("Search is slow", by=ana)
    await observe(world, watched, jo, is_written=True)
    await observe(world, helped, jo, is_written=False)
    await give_role(world, helped, "scribe", jo)
    view = await seen(world, jo)
    assert view.real.overall == Counts(observed=1, assisted=1, led=0)
    assert (view.debriefs, view.debriefs_asked) == (1, 2)


async def test_drills_and_cancelled_incidents_dont_count_as_real(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    drill = await world.declare("Practice", by=ana, is_drill=True)
    false_alarm = await world.declare("Nothing", by=ana)
    for incident_id in (drill, false_alarm):
        await give_role(world, incident_id, "scribe", jo)
    await world.run(partial(cancel, ref=ById(false_alarm), reason="False alarm"), by=jo)
    view = await seen(world, jo)
    assert view.real.overall == Counts()
    assert view.drills.overall == Counts(0, 1, 0)


async def test_escalations_count_for_their_author_unless_the_bot_sent_them(
    world: World,
) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    incident_id = await world.declare("Checkout errors", by=jo)
    assert ana.person_id is not None
    target = PersonTarget(person_id=ana.person_id)
    full = Packet(ask="Is it safe to fail over?", symptoms="Logins fail", scope="12 %")
    draft = EscalationDraft(target=target, packet=full)
    await world.run(partial(escalate, ref=ById(incident_id), draft=draft), by=jo)
    by_itself = EscalationDraft(target=target, packet=Packet(), on_behalf_of_id=jo.person_id)
    await world.run(partial(escalate, ref=ById(incident_id), draft=by_itself))
    view = await seen(world, jo)
    assert view.escalations == 1
    assert view.completeness is not None
    assert 0 < view.completeness <= 100
    assert (await seen(world, ana)).escalations == 0


async def test_prompts_count_as_answered_or_not(world: World) -> None:
    jo = await world.person("jo")
    incident_id = await world.declare("Checkout errors", by=jo)

    async def ask_twice(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        assert jo.person_id is not None
        for key in ("first", "second"):
            await ask(
                uow, incident=incident, person_id=jo.person_id, kind=PromptKind.DECISION, key=key
            )
        return Outcome("asked")

    await world.run(ask_twice)
    async with world.database.reading() as session:
        first, _ = await open_prompts(session, incident_id)
    await world.run(partial(answer, prompt_id=first.id, answer="roll_back"), by=jo)
    view = await seen(world, jo)
    assert (view.answered, view.prompts) == (1, 2)


async def test_time_to_evidence_runs_from_declaring_to_the_first_evidence(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    incident_id = await world.declare("Checkout errors", by=ana)
    await give_role(world, incident_id, "scribe", jo)
    assert (await seen(world, jo)).to_evidence is None
    world.clock.advance(timedelta(minutes=7))
    await record_evidence(world, incident_id)
    world.clock.advance(timedelta(minutes=7))
    await record_evidence(world, incident_id)
    assert (await seen(world, jo)).to_evidence == timedelta(minutes=7)


async def test_requirements_are_counted_in_the_service_of_the_stage(world: World) -> None:
    jo, ana = await world.person("jo"), await world.person("ana")
    service(world, "checkout", "search")
    await world.run(change(jo, Stage.OBSERVE, scope=Scope("", "checkout")), by=ana)
    here = await world.declare("Checkout errors", by=ana, services=("checkout",))
    elsewhere = await world.declare("Search is slow", by=ana, services=("search",))
    for incident_id in (here, elsewhere):
        await observe(world, incident_id, jo)
    (line,) = (await seen(world, jo)).stages
    assert {need.key: (need.have, need.wanted) for need in line.needs} == {
        "observed": (1, 3),
        "debriefs": (0, 2),
    }


# -- who sees it ------------------------------------------------------------------------------


async def test_only_the_person_their_mentors_and_people_named_in_the_policy_see_it(
    world: World,
) -> None:
    jo, max_, ana, eve, boss = [
        await world.person(name) for name in ("jo", "max", "ana", "eve", "boss")
    ]
    guest = await world.person("gus", kind=PersonKind.GUEST)
    world.change_policy(
        supervision=Supervision(visible_to=(PersonRef(user_id="UBOSS"), GroupRef(handle="hr")))
    )
    await world.run(change(jo, Stage.ASSIST), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    for viewer in (jo, max_, boss):
        assert await progress(world, jo, viewer=viewer) is not None
    # The person who set the stage, colleagues, guests and the bot itself see nothing.
    for viewer in (ana, eve, guest, system_actor()):
        assert await progress(world, jo, viewer=viewer) is None
        assert await progress(world, eve, viewer=viewer) is None or viewer is eve


async def test_the_figures_reveal_no_private_incident_to_a_mentor(world: World) -> None:
    jo, max_, ana = [await world.person(name) for name in ("jo", "max", "ana")]
    await world.run(change(jo, Stage.ASSIST), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    incident_id = await world.declare("Somebody got in", by=jo, is_private=True)
    await give_role(world, incident_id, "scribe", jo)
    await observe(world, incident_id, jo, is_written=True)
    target = PersonTarget(person_id=ana.person_id)
    draft = EscalationDraft(target=target, packet=Packet(ask="Please look."))
    world.may_open_to = frozenset({ana.external_id or ""})
    await world.run(partial(escalate, ref=ById(incident_id), draft=draft), by=jo)
    own, mentors = await seen(world, jo), await seen(world, jo, viewer=max_)
    assert own.real.overall.total == 1
    assert own.escalations == 1
    assert mentors.real.overall.total == 0
    assert (mentors.escalations, mentors.debriefs_asked, mentors.months) == (0, 0, ())

    async def let_in(uow: UnitOfWork) -> Outcome:
        assert max_.person_id is not None
        await save_participant(
            uow.session, incident_id=incident_id, person_id=max_.person_id, invited_at=uow.now
        )
        return Outcome("invited")

    await world.run(let_in)
    assert (await seen(world, jo, viewer=max_)).real.overall.total == 1
