"""Proposals on a real database: asked, approved, checked again and carried out."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from incidents.core.errors import (
    AlreadySo,
    DomainError,
    InvalidInput,
    MayAgree,
    MayNotAnswer,
    NotPermitted,
    Superseded,
)
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.engine.effects import PostEntry, TellPerson
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.effects import CallForEscalation
from incidents.handover.draft import Readers, draft_handover
from incidents.incident.incident import ById, save_participant
from incidents.incident.roles import start_role
from incidents.lifecycle.status import cancel
from incidents.policy.escalation import Service
from incidents.policy.policy import COMMANDER, Action, Right
from incidents.policy.references import PersonRef, RoleRef
from incidents.policy.supervision import MentorSeed, Stage, StageSeed
from incidents.proposals.answers import approve, break_glass, decline
from incidents.proposals.ask import propose, revise
from incidents.proposals.carry_out import abandon, carry_out
from incidents.proposals.effects import RefreshProposal
from incidents.proposals.objections import ask_objections, object_to
from incidents.proposals.tables import ProposalStatus, ProposalWords
from incidents.proposals.views import ProposalView, get_proposal_view
from incidents.roles.departures import save_people
from tests.world import World

WORDS = ProposalWords(text="Restart checkout in eu-west", risk="Carts are lost", undo="None")


class Scene:
    """An incident with a commander (Carol), a requester (Jo), a peer (Bob) and a mentor (Max)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.incident_id = uuid.UUID(int=0)

    async def open(self, **details: Any) -> "Scene":
        world = self.world
        self.carol, self.jo = await world.person("carol"), await world.person("jo")
        self.bob, self.max = await world.person("bob"), await world.person("max")
        self.incident_id = await world.declare("Checkout errors", by=self.carol, **details)
        await self.give(COMMANDER, self.carol)
        for person in (self.jo, self.bob):
            await self.bring_in(person)
        return self

    @property
    def ref(self) -> ById:
        return ById(self.incident_id)

    async def give(self, role_key: str, person: Actor) -> None:
        async def use_case(uow: UnitOfWork) -> Outcome:
            assert person.person_id is not None
            role = uow.policy.get_role(role_key)
            await start_role(
                uow.session,
                incident_id=self.incident_id,
                person_id=person.person_id,
                role=role,
                now=uow.now,
            )
            return Outcome("given")

        await self.world.run(use_case)
        self.world.is_tampered = True  # no entry tells of this role

    async def bring_in(self, person: Actor) -> None:
        async def use_case(uow: UnitOfWork) -> Outcome:
            assert person.person_id is not None
            part = await save_participant(
                uow.session,
                incident_id=self.incident_id,
                person_id=person.person_id,
                invited_at=uow.now,
            )
            part.is_in_channel = True
            return Outcome("in")

        await self.world.run(use_case)

    def supervise(self, stage: Stage, *, who: Actor | None = None) -> None:
        """Put Jo (or this person) at this stage, with Max as the mentor."""
        person = PersonRef(user_id=(who or self.jo).external_id)
        supervision = replace(
            self.world.policy.supervision,
            stages=(StageSeed(person=person, stage=stage),),
            mentors=(MentorSeed(person=person, mentors=(PersonRef(self.max.external_id),)),),
        )
        self.world.change_policy(supervision=supervision)

    def grant(self, action: Action, *who: Any) -> None:
        rights = self.world.policy.rights
        actions = tuple(
            Right(action=right.action, who=who) if right.action is action else right
            for right in rights.actions
        )
        self.world.change_policy(rights=replace(rights, actions=actions))

    async def propose(
        self, class_key: str = "change", *, by: Actor | None = None, words: ProposalWords = WORDS
    ) -> uuid.UUID:
        use_case = partial(propose, ref=self.ref, words=words, class_key=class_key)
        outcome = await self.world.run(use_case, by=by or self.jo)
        return uuid.UUID(outcome.data["proposal_id"])

    async def do(self, verb: Any, proposal_id: uuid.UUID, by: Actor, **details: Any) -> Outcome:
        use_case = partial(verb, ref=self.ref, proposal_id=proposal_id, **details)
        return await self.world.run(use_case, by=by)

    async def view(self, proposal_id: uuid.UUID) -> ProposalView:
        async with self.world.database.reading() as session:
            return await get_proposal_view(session, proposal_id)

    async def kinds(self) -> list[str]:
        wanted = ("proposal", "action_proposed", "approval", "objection", "break_glass")
        entries = await self.world.entries(self.incident_id)
        return [entry.kind for entry in entries if entry.kind.startswith(wanted)]

    async def last(self, kind: str) -> dict[str, Any]:
        entries = await self.world.entries(self.incident_id)
        found = [entry.content or {} for entry in entries if entry.kind == kind]
        return found[-1]

    async def pass_(self, **duration: float) -> None:
        self.world.clock.advance(timedelta(**duration))
        await self.world.tick()


@pytest.fixture
async def scene(world: World) -> Scene:
    return await Scene(world).open()


async def test_a_proposal_is_approved_by_somebody_else_and_carried_out(scene: Scene) -> None:
    proposal_id = await scene.propose()
    told = {effect.person_id for effect in await scene.world.effects(RefreshProposal)}
    assert told == {None, scene.carol.person_id}
    with pytest.raises(Superseded):
        await scene.do(carry_out, proposal_id, scene.jo)
    await scene.do(approve, proposal_id, scene.bob, reason="Carts are few now")
    assert (await scene.view(proposal_id)).answer == "Carts are few now"
    await scene.do(carry_out, proposal_id, scene.jo, result="Errors are gone")
    view = await scene.view(proposal_id)
    assert (view.status, view.ending) == (ProposalStatus.CARRIED_OUT, "Errors are gone")
    assert await scene.kinds() == ["action_proposed", "proposal_approved", "proposal_carried_out"]
    assert not [r for r in await scene.world.pending_reminders() if r.subject_id == proposal_id]


async def test_nobody_approves_their_own_and_they_are_told_who_may(scene: Scene) -> None:
    proposal_id = await scene.propose(by=scene.carol, class_key="destructive")
    with pytest.raises(MayNotAnswer) as refused:
        await scene.do(approve, proposal_id, scene.carol)
    assert refused.value.is_own
    proposal_id = await scene.propose(class_key="destructive")
    with pytest.raises(MayNotAnswer) as refused:
        await scene.do(approve, proposal_id, scene.bob)
    assert refused.value.who == ("carol",)
    with pytest.raises(MayNotAnswer):
        await scene.do(decline, proposal_id, scene.bob, reason="No")
    assert (await scene.view(proposal_id)).status is ProposalStatus.PENDING


async def test_somebody_supervised_approves_nothing_and_a_mentor_is_asked(scene: Scene) -> None:
    scene.supervise(Stage.LEAD)
    mine = await scene.propose()
    told = {effect.person_id for effect in await scene.world.effects(RefreshProposal)}
    assert told == {None, scene.carol.person_id, scene.max.person_id}
    theirs = await scene.propose(by=scene.bob)
    with pytest.raises(MayNotAnswer) as refused:
        await scene.do(approve, theirs, scene.jo)
    assert "max" not in refused.value.who
    await scene.do(approve, mine, scene.max)
    text = str([entry.content for entry in await scene.world.entries(scene.incident_id)])
    assert str(scene.max.person_id) not in text
    assert "lead" not in text


async def test_declining_needs_a_reason_and_ends_the_proposal(scene: Scene) -> None:
    proposal_id = await scene.propose()
    with pytest.raises(InvalidInput):
        await scene.do(decline, proposal_id, scene.bob, reason=" ")
    await scene.do(decline, proposal_id, scene.bob, reason="It loses carts")
    for verb in (approve, carry_out):
        with pytest.raises(Superseded) as refused:
            await scene.do(verb, proposal_id, scene.carol)
        assert refused.value.what == "proposal_declined"
    told = [effect.person_id for effect in await scene.world.effects(TellPerson)]
    assert told == [scene.jo.person_id]


async def test_a_class_that_needs_nobody_may_run_at_once(scene: Scene) -> None:
    proposal_id = await scene.propose("safe")
    view = await scene.view(proposal_id)
    assert (view.status, view.number) == (ProposalStatus.CLEARED, 1)
    kinds = {r.kind for r in await scene.world.pending_reminders() if r.subject_id == proposal_id}
    assert kinds == {ReminderKind.PROPOSAL_EXPIRES}
    await scene.do(carry_out, proposal_id, scene.bob, result="Nothing odd")
    assert (await scene.view(proposal_id)).status is ProposalStatus.CARRIED_OUT


async def test_of_two_answers_at_once_one_wins_and_the_other_is_told(scene: Scene) -> None:
    proposal_id = await scene.propose()
    answers = await asyncio.gather(
        scene.do(approve, proposal_id, scene.bob),
        scene.do(decline, proposal_id, scene.carol, reason="It loses carts"),
        return_exceptions=True,
    )
    won = [one for one in answers if isinstance(one, Outcome)]
    lost = [one for one in answers if isinstance(one, Superseded)]
    assert (len(won), len(lost)) == (1, 1)
    assert lost[0].what == f"proposal_{won[0].kind}"
    assert lost[0].by in {"bob", "carol"}
    assert len([kind for kind in await scene.kinds() if kind != "action_proposed"]) == 1


async def test_an_approver_who_lost_the_right_no_longer_counts(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(approve, proposal_id, scene.bob)
    scene.supervise(Stage.ASSIST, who=scene.bob)
    outcome = await scene.do(carry_out, proposal_id, scene.jo, result="Done")
    assert outcome.kind == "approval_lapsed"
    view = await scene.view(proposal_id)
    assert (view.status, view.answered_by) == (ProposalStatus.PENDING, None)
    assert (await scene.kinds())[-1] == "approval_lapsed"
    await scene.do(approve, proposal_id, scene.carol)
    await scene.do(carry_out, proposal_id, scene.jo, result="Done")
    assert (await scene.view(proposal_id)).status is ProposalStatus.CARRIED_OUT


async def test_an_approver_who_left_no_longer_counts(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(approve, proposal_id, scene.bob)
    gone = PersonFacts(scene.bob.external_id or "", is_active=False)
    await scene.world.run(partial(save_people, people=[gone]))
    assert (await scene.do(carry_out, proposal_id, scene.jo)).kind == "approval_lapsed"


async def test_a_requester_who_lost_the_right_stops_it(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(approve, proposal_id, scene.bob)
    scene.grant(Action.PROPOSE, RoleRef(COMMANDER))
    with pytest.raises(NotPermitted):
        await scene.do(carry_out, proposal_id, scene.bob, result="Done")
    assert (await scene.view(proposal_id)).status is ProposalStatus.APPROVED


async def test_nothing_is_carried_out_in_an_incident_that_is_over(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(approve, proposal_id, scene.bob)
    await scene.world.run(partial(cancel, ref=scene.ref, reason="False alarm"), by=scene.carol)
    with pytest.raises(Superseded) as refused:
        await scene.do(carry_out, proposal_id, scene.jo)
    assert refused.value.what == "proposal_incident_over"


async def test_open_proposals_end_silently_with_the_incident(scene: Scene) -> None:
    pending, approved, cleared, forced = [
        await scene.propose(key) for key in ("change", "change", "safe", "destructive")
    ]
    await scene.do(ask_objections, pending, scene.carol)
    await scene.do(approve, approved, scene.bob)
    await scene.do(break_glass, forced, scene.jo, reason="Data is being lost")
    told = len(await scene.world.effects(TellPerson))
    await scene.world.run(partial(cancel, ref=scene.ref, reason="False alarm"), by=scene.carol)
    for proposal_id in (pending, approved, cleared):
        view = await scene.view(proposal_id)
        assert (view.status, view.ended_with_incident) == (ProposalStatus.EXPIRED, True)
    poll = (await scene.view(pending)).poll
    assert poll is not None
    assert not poll.is_open
    assert len(await scene.world.effects(TellPerson)) == told
    subjects = {reminder.subject_id for reminder in await scene.world.pending_reminders()}
    assert subjects.isdisjoint({pending, approved, cleared})
    await scene.pass_(minutes=2)
    assert "objections_ended" not in await scene.kinds()
    # After break-glass, the result can still be reported.
    await scene.do(carry_out, forced, scene.jo, result="Stopped")
    assert (await scene.view(forced)).status is ProposalStatus.CARRIED_OUT


async def test_the_person_who_broke_glass_is_asked_once_for_the_result(scene: Scene) -> None:
    said, silent = await scene.propose("destructive"), await scene.propose("destructive")
    for proposal_id in (said, silent):
        await scene.do(break_glass, proposal_id, scene.bob, reason="Data is being lost")
    await scene.do(carry_out, said, scene.jo, result="Stopped")
    for _ in range(3):
        await scene.pass_(minutes=30)
    entries = await scene.world.entries(scene.incident_id)
    (asked,) = [e for e in entries if e.kind == "result_asked"]
    assert (asked.content or {})["proposal_id"] == str(silent)
    told = [e for e in await scene.world.effects(TellPerson) if e.entry_id == asked.id]
    assert [effect.person_id for effect in told] == [scene.bob.person_id]
    readers = Readers(
        workspace_id=scene.world.workspace_id, author=scene.bob, successor=scene.carol
    )

    async def noted() -> list[int]:
        async with scene.world.database.reading() as session:
            draft = await draft_handover(
                session, readers, policy=scene.world.policy, now=scene.world.clock.now()
            )
        return [change.number for change in draft.changes]

    assert await noted() == [1, 2]
    await scene.pass_(hours=12)
    assert await noted() == []


async def test_an_approval_expires(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.pass_(minutes=4)
    await scene.do(approve, proposal_id, scene.bob)
    scene.world.clock.advance(timedelta(minutes=30))  # the reminder hasn't fired yet
    outcome = await scene.do(carry_out, proposal_id, scene.jo)
    assert outcome.kind == "proposal_expired"
    assert (await scene.last("proposal_expired"))["was_answered"] is True
    await scene.world.tick()
    assert (await scene.kinds()).count("proposal_expired") == 1


async def test_an_unanswered_proposal_is_asked_again_escalated_announced_and_ended(
    scene: Scene,
) -> None:
    proposal_id = await scene.propose()
    for _ in range(3):
        await scene.pass_(minutes=5)
    entries = await scene.world.entries(scene.incident_id)
    steps = [(e.content or {})["step"] for e in entries if e.kind == "proposal_unanswered"]
    assert steps == [1, 2, 3]
    asked = [entry.id for entry in entries if entry.kind == "proposal_unanswered"]
    effects = await scene.world.effects(TellPerson)
    carol, bob = scene.carol.person_id, scene.bob.person_id
    told = [[e.person_id for e in effects if e.entry_id == entry_id] for entry_id in asked]
    # Each got a copy once, Carol at once and Bob at the first step, and was reminded once.
    assert told == [[carol], [bob], []]
    copies = {effect.person_id for effect in await scene.world.effects(RefreshProposal)}
    assert copies == {None, carol, bob}
    called = [effect.person_id for effect in await scene.world.effects(CallForEscalation)]
    assert called[:1] == [carol]
    posted = {effect.entry_id for effect in await scene.world.effects(PostEntry)}
    assert [entry_id in posted for entry_id in asked] == [True, False, True]
    await scene.pass_(minutes=15)
    assert (await scene.view(proposal_id)).status is ProposalStatus.EXPIRED
    with pytest.raises(Superseded):
        await scene.do(approve, proposal_id, scene.bob)


async def test_an_answer_ends_the_escalation_of_a_proposal(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.pass_(minutes=5)
    await scene.pass_(minutes=5)
    escalated = await scene.last("escalated")
    assert escalated["to"] == "Incident commander"
    assert "decide on proposal 1" in escalated["packet"]["ask"]
    assert "author" not in escalated  # the bot sent it
    await scene.do(approve, proposal_id, scene.bob)
    assert "no longer waits" in (await scene.last("escalation_withdrawn"))["reason"]
    kinds = {reminder.kind for reminder in await scene.world.pending_reminders()}
    assert ReminderKind.ESCALATION_UNANSWERED not in kinds


async def test_the_escalation_ends_when_the_proposal_needs_nobody(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.pass_(minutes=5)
    await scene.pass_(minutes=5)
    await scene.do(revise, proposal_id, scene.jo, words=WORDS, class_key="safe")
    assert (await scene.view(proposal_id)).status is ProposalStatus.CLEARED
    assert "no longer waits" in (await scene.last("escalation_withdrawn"))["reason"]
    kinds = {reminder.kind for reminder in await scene.world.pending_reminders()}
    assert ReminderKind.ESCALATION_UNANSWERED not in kinds


async def test_a_manager_decides_major_proposals(scene: Scene) -> None:
    proposal_id = await scene.propose("destructive", by=scene.carol)
    escalation = replace(
        scene.world.policy.escalation, manager=PersonRef(user_id=scene.max.external_id)
    )
    with pytest.raises(MayNotAnswer):
        await scene.do(approve, proposal_id, scene.max)
    scene.world.change_policy(escalation=escalation)
    await scene.do(approve, proposal_id, scene.max)


async def test_the_ladder_is_quicker_in_a_severe_incident(world: World) -> None:
    scene = await Scene(world).open(severity_key="sev1")
    await scene.propose()
    await scene.pass_(minutes=3)
    assert (await scene.kinds())[-1] == "proposal_unanswered"


async def test_an_answer_ends_the_ladder_and_a_late_look_takes_one_step(
    scene: Scene,
) -> None:
    first, second = await scene.propose(), await scene.propose()
    await scene.do(approve, first, scene.bob)
    await scene.pass_(minutes=11)
    entries = await scene.world.entries(scene.incident_id)
    said = [e.content or {} for e in entries if e.kind == "proposal_unanswered"]
    assert [(one["proposal_id"], one["step"]) for one in said] == [(str(second), 2)]


async def test_a_revised_proposal_has_a_new_version_and_needs_a_new_answer(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(approve, proposal_id, scene.bob)
    better = ProposalWords(text="Restart one pod of checkout", risk="None", undo="Scale up again")
    with pytest.raises(NotPermitted):
        await scene.do(revise, proposal_id, scene.bob, words=better, class_key="change")
    await scene.do(revise, proposal_id, scene.jo, words=better, class_key="change", version=1)
    view = await scene.view(proposal_id)
    assert (view.version, view.status, view.words) == (2, ProposalStatus.PENDING, better)
    with pytest.raises(Superseded) as refused:
        await scene.do(approve, proposal_id, scene.bob, version=1)
    assert refused.value.what == "proposal_changed"
    await scene.do(approve, proposal_id, scene.bob, version=2)


async def test_break_glass_runs_and_tells_everybody(scene: Scene) -> None:
    scene.supervise(Stage.LEAD)
    proposal_id = await scene.propose("destructive")
    with pytest.raises(InvalidInput):
        await scene.do(break_glass, proposal_id, scene.jo, reason="")
    await scene.do(break_glass, proposal_id, scene.jo, reason="Data is being lost")
    broken = [e for e in await scene.world.entries(scene.incident_id) if e.kind == "break_glass"]
    told = [e for e in await scene.world.effects(TellPerson) if e.entry_id == broken[0].id]
    assert {e.person_id for e in told} == {scene.carol.person_id, scene.max.person_id}
    await scene.pass_(minutes=40)
    await scene.do(carry_out, proposal_id, scene.jo, result="Stopped")
    assert (await scene.kinds())[-2:] == ["break_glass", "proposal_carried_out"]


async def test_break_glass_is_not_for_approvers_except_for_their_own_proposals(
    scene: Scene,
) -> None:
    proposal_id = await scene.propose()
    for person in (scene.bob, scene.carol):
        with pytest.raises(MayAgree) as refused:
            await scene.do(break_glass, proposal_id, person, reason="No time")
        assert refused.value.number == 1
    assert await scene.kinds() == ["action_proposed"]
    await scene.do(approve, proposal_id, scene.bob)
    major = await scene.propose("destructive", by=scene.carol)
    await scene.do(break_glass, major, scene.bob, reason="No time")  # he may not approve it
    own = await scene.propose(by=scene.bob)
    await scene.do(break_glass, own, scene.bob, reason="No time")


async def test_only_responders_break_glass_or_report_the_result(scene: Scene) -> None:
    outsider = await scene.world.person("otto")
    proposal_id = await scene.propose()
    for verb, how in ((break_glass, {"reason": "x"}), (carry_out, {}), (abandon, {"reason": "x"})):
        with pytest.raises(NotPermitted):
            await scene.do(verb, proposal_id, outsider, **how)
    await scene.do(abandon, proposal_id, scene.bob, reason="It stopped by itself")
    with pytest.raises(Superseded) as refused:
        await scene.do(break_glass, proposal_id, scene.jo, reason="x")
    assert refused.value.what == "proposal_abandoned"


async def test_objections_are_named_and_silence_is_consent(scene: Scene) -> None:
    proposal_id = await scene.propose()
    with pytest.raises(NotPermitted):
        await scene.do(ask_objections, proposal_id, scene.bob)
    await scene.do(ask_objections, proposal_id, scene.carol)
    with pytest.raises(AlreadySo):
        await scene.do(ask_objections, proposal_id, scene.carol)
    await scene.do(object_to, proposal_id, scene.bob, reason="The replica is behind")
    await scene.do(object_to, proposal_id, scene.bob, reason="The replica is 20 minutes behind")
    await scene.pass_(minutes=2)
    ended = await scene.last("objections_ended")
    assert [one["name"] for one in ended["people"]] == ["bob"]
    with pytest.raises(Superseded):
        await scene.do(object_to, proposal_id, scene.bob, reason="Still")
    await scene.do(ask_objections, proposal_id, scene.carol)
    await scene.pass_(minutes=2)
    assert (await scene.last("objections_ended"))["count"] == 0
    poll = (await scene.view(proposal_id)).poll
    assert poll is not None
    assert not poll.is_open
    assert (await scene.view(proposal_id)).status is ProposalStatus.PENDING


async def test_a_poll_ends_quietly_with_its_proposal(scene: Scene) -> None:
    proposal_id = await scene.propose()
    await scene.do(ask_objections, proposal_id, scene.carol)
    await scene.do(abandon, proposal_id, scene.jo, reason="It stopped by itself")
    await scene.pass_(minutes=2)
    assert "objections_ended" not in await scene.kinds()


async def test_a_private_incidents_proposal_reaches_nobody_outside(world: World) -> None:
    scene = await Scene(world).open(is_private=True)
    scene.supervise(Stage.LEAD)
    proposal_id = await scene.propose()
    for _ in range(3):
        await scene.pass_(minutes=5)
    shown = {effect.person_id for effect in await world.effects(RefreshProposal)}
    told = {effect.person_id for effect in await world.effects(TellPerson)}
    assert scene.max.person_id not in shown | told
    with pytest.raises(DomainError):
        await scene.do(approve, proposal_id, scene.max)


async def test_guests_and_deactivated_people_are_not_asked_and_the_policy_sets_classes(
    scene: Scene,
) -> None:
    guest = await scene.world.person("gus", kind=PersonKind.GUEST)
    with pytest.raises(InvalidInput):
        await scene.propose("risky")
    with pytest.raises(InvalidInput):
        await scene.propose(words=ProposalWords(text="  "))
    proposal_id = await scene.propose()
    await scene.bring_in(guest)
    with pytest.raises(MayNotAnswer):
        await scene.do(approve, proposal_id, guest)


async def test_break_glass_needs_few_queries_in_a_crowded_channel(
    scene: Scene,
) -> None:
    for number in range(60):
        await scene.bring_in(await scene.world.person(f"watcher{number}"))
    proposal_id = await scene.propose("destructive")
    said = 0

    def count(*_: Any) -> None:
        nonlocal said
        said += 1

    engine = scene.world.database.session_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        await scene.do(break_glass, proposal_id, scene.jo, reason="Nobody answers")
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert said < 200, said


async def test_after_a_long_absence_nobody_is_asked_for_an_expired_proposal(
    scene: Scene,
) -> None:
    proposal_id = await scene.propose()
    asked = len(await scene.world.effects(TellPerson))
    await scene.pass_(days=2)
    assert (await scene.view(proposal_id)).status is ProposalStatus.EXPIRED
    assert "proposal_unanswered" not in await scene.kinds()
    kinds = {entry.id: entry.kind for entry in await scene.world.entries(scene.incident_id)}
    told = (await scene.world.effects(TellPerson))[asked:]
    about = {(kinds[effect.entry_id], effect.person_id) for effect in told}
    assert {person for kind, person in about if "proposal" in kind} == {scene.jo.person_id}


async def test_below_solo_only_steps_marked_as_safe_need_nobody(world: World) -> None:
    scene = await Scene(world).open(services=("checkout",))
    scene.supervise(Stage.LEAD)
    step = ProposalWords(text="Restart one checkout worker")
    with pytest.raises(InvalidInput, match="risk"):
        await scene.propose("safe", words=step)
    asked = await scene.view(await scene.propose("safe", words=replace(step, risk="a", undo="b")))
    assert (asked.class_key, asked.status) == ("change", ProposalStatus.PENDING)
    service = Service(key="checkout", name="Checkout", tier=1, safe_steps=(step.text,))
    world.change_policy(services=(service,))
    free = await scene.view(await scene.propose("safe", words=step))
    assert (free.class_key, free.status) == ("safe", ProposalStatus.CLEARED)


@pytest.mark.parametrize(
    "text",
    [
        "d\u0435lete all customer data",  # with a Cyrillic letter
        "de\u200blete all customer data",
        "alle Kundendaten l\u00f6schen",
        "Restart one checkout worker and more",
    ],
)
async def test_below_solo_no_wording_makes_a_step_safe(world: World, text: str) -> None:
    scene = await Scene(world).open(services=("checkout",))
    scene.supervise(Stage.LEAD)
    service = Service(
        key="checkout", name="Checkout", tier=1, safe_steps=("Restart one checkout worker",)
    )
    world.change_policy(services=(service,))
    words = ProposalWords(text=text, risk="It is gone", undo="From backups")
    asked = await scene.view(await scene.propose("safe", words=words))
    assert asked.status is ProposalStatus.PENDING


async def test_a_destructive_step_called_safe_needs_somebody_whoever_proposes_it(
    world: World,
) -> None:
    scene = await Scene(world).open()
    words = ProposalWords(text="delete all customer data", risk="It is gone", undo="From backups")
    asked = await scene.view(await scene.propose("safe", by=scene.bob, words=words))
    assert (asked.class_key, asked.status) == ("destructive", ProposalStatus.PENDING)


async def test_what_somebody_has_to_agree_to_needs_a_risk_and_a_way_back(world: World) -> None:
    scene = await Scene(world).open()
    for class_key in ("change", "destructive"):
        for words in (replace(WORDS, risk=" "), replace(WORDS, undo="")):
            with pytest.raises(InvalidInput, match="empty"):
                await scene.propose(class_key, words=words)
