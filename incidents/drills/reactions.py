"""What follows from what happens in a drill: its people, and the scenario's next step."""

from datetime import timedelta

from incidents.drills.effects import SendMentorNotes, SendScorecard
from incidents.drills.entries import DrillEnded, DrillStarted
from incidents.drills.events import ScenarioAdvanced
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.payload import Payload


def bring_in_mentor(plan: IncidentPlan[DrillStarted]) -> None:
    """The mentor of a drill gets their notes, and is invited to see all that is done."""
    run_id, mentor = plan.event.run_id, plan.event.mentor
    if run_id is None or mentor is None or mentor.id is None:
        return
    notes = SendMentorNotes(incident_id=plan.facts.incident_id, run_id=run_id, person_id=mentor.id)
    # They say where it happens.
    plan.add(notes, lane=f"dm:{mentor.id}", after=plan.channel_gate)
    plan.invite(mentor.id)


def send_scorecards(plan: IncidentPlan[DrillEnded]) -> None:
    """The people of a drill get how it went, and nobody else does."""
    if plan.event.run_id is None:
        return
    for person_id in plan.event.people:
        card = SendScorecard(
            incident_id=plan.facts.incident_id, run_id=plan.event.run_id, person_id=person_id
        )
        plan.add(card, lane=f"dm:{person_id}", name=str(person_id))


def wait_for_next_step(plan: IncidentPlan[ScenarioAdvanced]) -> None:
    """The scenario goes on when its next step is due."""
    plan.remind(ReminderKind.SCENARIO_STEP, after=plan.event.next_step_at - plan.now)


def wake_scenario(plan: IncidentPlan[Payload]) -> None:
    """What people do in a drill may change what happens in it: its scenario looks at once."""
    if plan.facts.is_drill:
        plan.remind(ReminderKind.SCENARIO_STEP, after=timedelta(0))
