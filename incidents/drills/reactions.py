"""Reactions to what happens in a drill: for its people, and for the scenario's next step."""

from datetime import timedelta

from incidents.drills.effects import SendMentorNotes, SendScorecard
from incidents.drills.entries import DrillEnded, DrillStarted
from incidents.drills.events import ScenarioAdvanced
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.payload import Payload


def bring_in_mentor(plan: IncidentPlan[DrillStarted]) -> None:
    """Send the mentor of a drill their notes, and invite them to the channel."""
    run_id, mentor = plan.event.run_id, plan.event.mentor
    if run_id is None or mentor is None or mentor.id is None:
        return
    notes = SendMentorNotes(incident_id=plan.facts.incident_id, run_id=run_id, person_id=mentor.id)
    # The notes name the channel, so they wait for it.
    plan.add(notes, lane=f"dm:{mentor.id}", after=plan.channel_gate)
    plan.invite(mentor.id)


def send_scorecards(plan: IncidentPlan[DrillEnded]) -> None:
    """Send the scorecard to the drill's people, and to nobody else."""
    if plan.event.run_id is None:
        return
    for person_id in plan.event.people:
        card = SendScorecard(
            incident_id=plan.facts.incident_id, run_id=plan.event.run_id, person_id=person_id
        )
        plan.add(card, lane=f"dm:{person_id}", name=str(person_id))


def wait_for_next_step(plan: IncidentPlan[ScenarioAdvanced]) -> None:
    """Set the reminder for the scenario's next step."""
    plan.remind(ReminderKind.SCENARIO_STEP, after=plan.event.next_step_at - plan.now)


def wake_scenario(plan: IncidentPlan[Payload]) -> None:
    """Let the scenario react at once to what people do in a drill."""
    if plan.facts.is_drill:
        plan.remind(ReminderKind.SCENARIO_STEP, after=timedelta(0))
