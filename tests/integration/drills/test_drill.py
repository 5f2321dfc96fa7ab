"""Drills with a scenario on a real database: who is called, what waits, how they end."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial

import pytest

from config.scenario_loader import load_scenarios
from incidents.checkins.checkins import CheckinRequest, ask_checkin
from incidents.core.errors import DomainError, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.drills.effects import SendMentorNotes, SendScorecard
from incidents.drills.score import Scorecard, ScoreLine, scorecard_from
from incidents.drills.start import (
    DrillRequest,
    run_check,
    start_run,
    stop_run,
    take_action,
    take_on,
)
from incidents.drills.views import get_running_view, list_own_results
from incidents.engine.effects import InvitePolicyPeople
from incidents.engine.presence import beat, come_back
from incidents.engine.unit_of_work import Outcome
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, change_status
from incidents.people.assignable import Named
from incidents.policy.channels import PrivateIncidents
from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule
from incidents.record.hiding import redact_entry
from incidents.roles.command import take_command
from incidents.scenarios.runs import DrillRun, RunEnd, find_run
from tests.world import World


async def start(
    world: World, jo: Actor, mentor: str | None = "UMAX", *, key: str = "bad-deploy"
) -> uuid.UUID:
    """Start a drill and return its incident's id."""
    scenario = next(one for one in load_scenarios() if one.key == key)
    request = DrillRequest(scenario, Named(mentor) if mentor else None)
    outcome = await world.run(partial(start_run, request=request), by=jo)
    assert outcome.incident_id is not None
    return outcome.incident_id


async def run_of(world: World, incident_id: uuid.UUID) -> DrillRun:
    async with world.database.reading() as session:
        run = await find_run(session, incident_id)
    assert run is not None
    return run


async def score_of(world: World, incident_id: uuid.UUID) -> Scorecard:
    run = await run_of(world, incident_id)
    assert run.score is not None
    return scorecard_from(run.score)


async def signals(world: World, incident_id: uuid.UUID) -> list[str]:
    entries = await world.entries(incident_id)
    return [(entry.content or {})["signal"] for entry in entries if entry.kind == "drill_signal"]


async def wait(world: World, **duration: float) -> None:
    """Let time pass while the bot runs, and let it do what is due."""
    world.clock.advance(timedelta(**duration))
    await world.run(beat)
    await world.tick()


async def act(world: World, incident_id: uuid.UUID, by: Actor, word: str) -> Outcome:
    return await world.run(partial(take_action, ref=ById(incident_id), word=word), by=by)


async def solve(world: World, incident_id: uuid.UUID, by: Actor) -> None:
    await world.run(partial(take_command, ref=ById(incident_id)), by=by)
    given = Resolution(text="Went back one release", has_customer_impact=False)
    await world.run(partial(resolve, ref=ById(incident_id), resolution=given), by=by)
    await wait(world, seconds=1)


async def test_a_drill_is_private_to_learner_and_mentor_and_invites_nobody_else(
    world: World,
) -> None:
    jo, max_ = await world.person("jo"), await world.person("max")
    other = await world.person("other")
    invites = (PersonRef(user_id="UOTHER"),)
    rules = (CallRule(invite=invites),)
    world.change_policy(call=rules, private=PrivateIncidents(invite=invites))
    incident_id = await start(world, jo)
    view = await world.view(incident_id, viewer=max_)
    assert view.is_drill
    assert view.is_private
    assert await signals(world, incident_id) == ["page"]
    assert [effect.person_id for effect in await world.effects(SendMentorNotes)] == [max_.person_id]
    assert await world.effects(InvitePolicyPeople) == []
    with pytest.raises(DomainError):
        await world.view(incident_id, viewer=other)


async def test_a_due_signal_comes_once(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    world.clock.advance(timedelta(minutes=4, seconds=1))
    # Looking early delivers the due signal; the reminder then adds nothing.
    await world.run(partial(run_check, ref=ById(incident_id), word="logs"), by=jo)
    await world.tick()
    assert await signals(world, incident_id) == ["page", "support-notes"]


async def test_a_drill_is_scored_even_if_a_status_was_redacted(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    target = IncidentStatus.MITIGATED
    await world.run(partial(take_command, ref=ById(incident_id)), by=jo)
    await world.run(partial(change_status, ref=ById(incident_id), target=target), by=jo)
    entries = await world.entries(incident_id)
    changed = next(entry for entry in entries if entry.kind == "status_changed")
    await world.run(partial(redact_entry, ref=ById(incident_id), entry_id=changed.id))
    await world.run(partial(stop_run, ref=ById(incident_id)), by=jo)
    assert (await score_of(world, incident_id)).how is RunEnd.ABANDONED


async def test_a_scenario_stands_still_while_the_bot_is_away(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    await world.run(come_back)
    incident_id = await start(world, jo)
    world.clock.advance(timedelta(minutes=30))
    await world.run(come_back)
    await world.tick()
    assert await signals(world, incident_id) == ["page"]
    await wait(world, minutes=4)
    assert await signals(world, incident_id) == ["page", "support-notes"]
    assert (await run_of(world, incident_id)).is_running


async def test_only_learner_and_mentor_see_the_score(world: World) -> None:
    jo, max_ = await world.person("jo"), await world.person("max")
    incident_id = await start(world, jo)
    await wait(world, minutes=1)
    await world.run(partial(take_on, ref=ById(incident_id)), by=jo)
    await world.run(partial(run_check, ref=ById(incident_id), word="changes"), by=jo)
    await act(world, incident_id, jo, "roll-back")
    await wait(world, minutes=5)
    await solve(world, incident_id, jo)

    card = await score_of(world, incident_id)
    assert card.how is RunEnd.SOLVED
    met = {item.line: item.is_met for item in card.items}
    assert met[ScoreLine.ACKNOWLEDGED] is True
    assert met[ScoreLine.MITIGATED] is True
    assert met[ScoreLine.VERIFIED] is True
    assert met[ScoreLine.FIRST_UPDATE] is None  # it was over before one was due
    assert met[ScoreLine.IMPACT] is False
    assert card.practise_next is ScoreLine.IMPACT
    told = [effect.person_id for effect in await world.effects(SendScorecard)]
    assert told == [jo.person_id, max_.person_id]
    async with world.database.reading() as session:
        own = await list_own_results(session, jo, workspace_id=world.workspace_id)
        theirs = await list_own_results(session, max_, workspace_id=world.workspace_id)
    assert [view.scorecard for view in own] == [card]
    assert theirs == ()


async def test_an_update_that_was_due_but_never_sent_counts(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    await act(world, incident_id, jo, "roll-back")
    # Due after 30 minutes, missed after 60: the drill ends in between.
    for _ in range(33):
        await wait(world, minutes=1)
    await solve(world, incident_id, jo)
    items = {item.line: item for item in (await score_of(world, incident_id)).items}
    assert items[ScoreLine.FIRST_UPDATE].is_met is False
    assert items[ScoreLine.CADENCE].is_met is False
    assert items[ScoreLine.CADENCE].value == 0


async def test_an_update_due_while_the_bot_was_away_doesnt_count(
    world: World,
) -> None:
    jo = await world.person("jo")
    await world.person("max")
    await world.run(come_back)
    incident_id = await start(world, jo)
    await act(world, incident_id, jo, "roll-back")
    world.clock.advance(timedelta(minutes=33))
    await world.run(come_back)
    await wait(world, minutes=1)
    await solve(world, incident_id, jo)
    items = {item.line: item for item in (await score_of(world, incident_id)).items}
    assert items[ScoreLine.FIRST_UPDATE].is_met is None
    assert items[ScoreLine.CADENCE].is_met is None


async def test_resolving_before_it_is_fixed_is_a_bad_end(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    await act(world, incident_id, jo, "fail-over")
    await wait(world, minutes=2)
    await solve(world, incident_id, jo)
    card = await score_of(world, incident_id)
    assert card.how is RunEnd.UNSOLVED
    worse = next(item for item in card.items if item.line is ScoreLine.NOTHING_WORSE)
    assert worse.actions == ("fail-over",)
    assert card.practise_next is ScoreLine.NOTHING_WORSE
    texts = [str(entry.content) for entry in await world.entries(incident_id)]
    assert not any("verdict" in text or "worse" in text for text in texts)


async def test_a_drill_ends_when_its_time_is_up_and_leaves_no_reminder(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    for _ in range(41):
        await wait(world, minutes=1)
    assert (await run_of(world, incident_id)).how_ended == RunEnd.TIMED_OUT
    assert (await world.view(incident_id)).status is IncidentStatus.CANCELLED
    card = await score_of(world, incident_id)
    met = {item.line: item.is_met for item in card.items}
    assert met[ScoreLine.ACKNOWLEDGED] is False
    assert met[ScoreLine.ANSWERED] is False
    assert met[ScoreLine.NOTHING_WORSE] is None
    assert met[ScoreLine.VERIFIED] is None
    said = len(await world.entries(incident_id))
    await wait(world, hours=3)
    assert len(await world.entries(incident_id)) == said


@pytest.mark.parametrize("way", ["stop", "cancel"])
async def test_giving_up_ends_a_drill_at_once(world: World, way: str) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo)
    if way == "stop":
        await world.run(partial(stop_run, ref=ById(incident_id)), by=jo)
    else:
        await world.run(partial(take_command, ref=ById(incident_id)), by=jo)
        await world.run(partial(cancel, ref=ById(incident_id), reason="Enough"), by=jo)
        await wait(world, seconds=1)
    assert (await run_of(world, incident_id)).how_ended == RunEnd.ABANDONED
    with pytest.raises(Superseded):
        await act(world, incident_id, jo, "roll-back")
    # The next one can begin.
    await start(world, jo)


async def test_a_person_has_one_drill_at_a_time(world: World) -> None:
    jo = await world.person("jo")
    await world.person("max")
    await start(world, jo)
    request = DrillRequest(load_scenarios()[0])
    outcome = await world.run(partial(start_run, request=request), by=jo)
    assert outcome.kind == "drill_running"
    assert outcome.data["reference"] == "DRILL-1"


async def test_others_can_neither_look_nor_act(world: World) -> None:
    jo, other = await world.person("jo"), await world.person("other")
    await world.person("max")
    incident_id = await start(world, jo)
    with pytest.raises(DomainError):
        await act(world, incident_id, other, "roll-back")
    plain = await world.declare("A team's own drill", by=jo, is_drill=True)
    with pytest.raises(InvalidInput):
        await act(world, plain, jo, "roll-back")
    async with world.database.reading() as session:
        with pytest.raises(DomainError):
            await get_running_view(
                session, ById(incident_id), workspace_id=world.workspace_id, viewer=other
            )


@pytest.mark.parametrize(("mentor", "problem"), [("UJO", "yourself"), ("UGUEST", "a_guest")])
async def test_the_mentor_must_be_another_member_of_the_workspace(
    world: World, mentor: str, problem: str
) -> None:
    jo = await world.person("jo")
    await world.person("guest", kind=PersonKind.GUEST)
    with pytest.raises(InvalidInput) as caught:
        await start(world, jo, mentor)
    assert caught.value.problem == problem


async def test_a_guest_cannot_start_a_drill(world: World) -> None:
    guest = await world.person("guest", kind=PersonKind.GUEST)
    with pytest.raises((NotPermitted, InvalidInput)):
        await start(world, guest, None)


async def test_nobody_outside_the_drill_can_be_called_by_name(world: World) -> None:
    jo, other = await world.person("jo"), await world.person("other")
    await world.person("max")
    incident_id = await start(world, jo)
    wanted = CheckinRequest(person=PersonFacts("UOTHER"), question="Is it well?")
    with pytest.raises(InvalidInput) as caught:
        await world.run(partial(ask_checkin, ref=ById(incident_id), request=wanted), by=jo)
    assert caught.value.problem == "not_in_drill"
    target = EscalationDraft(target=PersonTarget(external_id="UOTHER"), packet=Packet(ask="Help"))
    with pytest.raises(InvalidInput):
        await world.run(partial(escalate, ref=ById(incident_id), draft=target), by=jo)
    with pytest.raises(DomainError):
        await world.view(incident_id, viewer=other)


async def test_an_escalation_reaches_the_mentor_and_changes_what_an_action_does(
    world: World,
) -> None:
    jo = await world.person("jo")
    await world.person("max")
    incident_id = await start(world, jo, key="database-connections")
    await act(world, incident_id, jo, "pause-job")
    packet = Packet(
        ask="End the idle sessions of report_job only",
        symptoms="71 % of logins fail",
        since="08:09",
        scope="71 % of logins",
        impact="Most customers can't log in",
        evidence="310 of 500 sessions: https://dash.example.com/accounts",
        changes="report_job moved to 08:00 yesterday",
        hypothesis="report_job holds the connections",
        confidence="high",
        tried="Paused report_job",
    )
    draft = EscalationDraft(packet=packet)
    outcome = await world.run(partial(escalate, ref=ById(incident_id), draft=draft), by=jo)
    assert outcome.data["called"] == ["max"]
    await act(world, incident_id, jo, "end-sessions")
    await wait(world, minutes=6)
    await solve(world, incident_id, jo)
    card = await score_of(world, incident_id)
    met = {item.line: item.is_met for item in card.items}
    assert card.how is RunEnd.SOLVED
    assert met[ScoreLine.ESCALATED] is True
    assert met[ScoreLine.CONTEXT] is True
    assert met[ScoreLine.NOTHING_WORSE] is True
    assert met[ScoreLine.IMPACT] is True  # said in the packet, in no update
    assert card.went_well is ScoreLine.CONTEXT


async def test_a_drill_alone_has_no_mentor_and_one_scorecard(world: World) -> None:
    jo = await world.person("jo")
    incident_id = await start(world, jo, None)
    assert await world.effects(SendMentorNotes) == []
    await world.run(partial(stop_run, ref=ById(incident_id)), by=jo)
    assert [effect.person_id for effect in await world.effects(SendScorecard)] == [jo.person_id]


async def test_two_starts_at_once_make_one_drill(world: World) -> None:
    jo = await world.person("jo")
    scenarios = load_scenarios()
    outcomes = await asyncio.gather(
        *(
            world.run(partial(start_run, request=DrillRequest(scenario)), by=jo)
            for scenario in scenarios[:2]
        )
    )
    assert sorted(outcome.kind for outcome in outcomes) == ["drill_running", "drill_started"]
