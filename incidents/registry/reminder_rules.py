"""Fire reminders: one rule per kind decides what a due reminder does."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from incidents.calling.failures import watch_page
from incidents.calling.trials import end_trial
from incidents.channel.archive import archive_when_due
from incidents.checkins.checkins import end_checkin_box
from incidents.drills.steps import take_step
from incidents.engine.reminders import (
    Again,
    Reminder,
    ReminderKind,
    ReminderStatus,
    find_due_reminder,
)
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.ladder import call_unanswered
from incidents.escalation.questions import ask_who_is_on_it
from incidents.guidance.guidance import keep_time_box, look_after
from incidents.handover.hand_over import remind_of_handover
from incidents.incident.incident import ById, Incident
from incidents.learning.debriefs import remind_of_debrief
from incidents.lifecycle.staleness import ask_if_stale
from incidents.postmortem.postmortem import remind_of_postmortem
from incidents.proposals.carry_out import ask_for_result
from incidents.proposals.ladder import call_next_step, expire_when_due
from incidents.proposals.objections import end_poll
from incidents.roles.command_watch import watch_command
from incidents.roles.handoff_answers import report_unanswered
from incidents.supervision.mentors import expire_question
from incidents.supervision.recertification import tell_of_renewal
from incidents.updates.maintenance import follow_times
from incidents.updates.reminders import remind_of_update

Rule = Callable[[UnitOfWork, Incident, Reminder], Awaitable[Again | None]]
WorkspaceRule = Callable[[UnitOfWork, Reminder], Awaitable[Again | None]]

RULES: Mapping[ReminderKind, Rule] = MappingProxyType(
    {
        ReminderKind.POSTMORTEM_DUE: remind_of_postmortem,
        ReminderKind.CHANNEL_ARCHIVE: archive_when_due,
        ReminderKind.UPDATE_DUE: remind_of_update,
        ReminderKind.STALE: ask_if_stale,
        ReminderKind.ESCALATION_UNANSWERED: call_unanswered,
        ReminderKind.PACKET_UNRATED: ask_who_is_on_it,
        ReminderKind.PAGE_NOT_ACCEPTED: watch_page,
        ReminderKind.CHECKIN_DUE: end_checkin_box,
        ReminderKind.COMMANDER_MISSING: watch_command,
        ReminderKind.HANDOFF_UNANSWERED: report_unanswered,
        ReminderKind.PROMPT_STEP: look_after,
        ReminderKind.TIME_BOX: keep_time_box,
        ReminderKind.SCENARIO_STEP: take_step,
        ReminderKind.PROPOSAL_UNANSWERED: call_next_step,
        ReminderKind.PROPOSAL_EXPIRES: expire_when_due,
        ReminderKind.RESULT_MISSING: ask_for_result,
        ReminderKind.OBJECTIONS_END: end_poll,
        ReminderKind.DEBRIEF_UNWRITTEN: remind_of_debrief,
    }
)

# For reminders of a workspace, not an incident; each rule locks its own subject.
WORKSPACE_RULES: Mapping[ReminderKind, WorkspaceRule] = MappingProxyType(
    {
        ReminderKind.RENEWAL_DUE: tell_of_renewal,
        ReminderKind.MENTOR_UNANSWERED: expire_question,
        ReminderKind.HANDOVER_UNACCEPTED: remind_of_handover,
        ReminderKind.MAINTENANCE_DUE: follow_times,
        ReminderKind.TRIAL_DUE: end_trial,
    }
)


async def fire(uow: UnitOfWork, reminder_id: uuid.UUID) -> Outcome:
    """Fire one reminder: its rule records what to say and sets the next step."""
    unlocked = await uow.session.get(Reminder, reminder_id)
    if unlocked is None:
        return Outcome("gone")
    incident = None
    if unlocked.incident_id is not None:
        # Lock the incident first, then the reminder: every change locks in this order.
        incident = await uow.get_incident(ById(unlocked.incident_id))
    reminder = await find_due_reminder(uow.session, reminder_id, now=uow.now)
    if reminder is None:
        return Outcome("gone")
    reminder.status = ReminderStatus.FIRED
    reminder.settled_at = uow.now
    await uow.flush()
    kind = ReminderKind(reminder.kind)
    if incident is None:
        workspace_rule = WORKSPACE_RULES.get(kind)
        again = await workspace_rule(uow, reminder) if workspace_rule is not None else None
    else:
        rule = RULES.get(kind)
        again = await rule(uow, incident, reminder) if rule is not None else None
    if again is not None:
        uow.remind_again(again.of(reminder))
    is_private = incident is not None and incident.is_private
    return Outcome("fired", unlocked.incident_id, {"is_private": is_private})
