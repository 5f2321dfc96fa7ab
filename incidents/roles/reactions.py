"""Reactions to entries about roles and command."""

import uuid

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import StatusChanged
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.policy.policy import COMMANDER
from incidents.roles.effects import RefreshHandoff, TellRoleHolder
from incidents.roles.entries import (
    CommanderMissing,
    HandoffDeclined,
    HandoffOffered,
    HandoffRequested,
    HandoffWithdrawn,
    SuccessorWanted,
)

RoleTaken = RoleAssigned | CommanderChanged
HandoffProposed = HandoffOffered | HandoffRequested | SuccessorWanted
HandoffSettled = HandoffDeclined | HandoffWithdrawn | CommanderChanged


def welcome_holder(plan: IncidentPlan[RoleTaken]) -> None:
    """Invite the new role holder, and send them the duties and checklist directly."""
    person_id = plan.event.person.id
    if person_id is None:
        return
    plan.invite(person_id)
    effect = TellRoleHolder(
        incident_id=plan.facts.incident_id,
        entry_id=plan.entry.id,
        person_id=person_id,
        role_key=plan.event.role,
    )
    plan.add(effect, lane=f"dm:{person_id}", name=str(person_id))


def tell_replaced(plan: IncidentPlan[RoleTaken]) -> None:
    """Tell the previous holder that the role passed to somebody else."""
    if plan.event.previous is not None:
        _tell_unless_actor(plan, plan.event.previous.id)


def tell_released(plan: IncidentPlan[RoleEnded]) -> None:
    """Tell somebody that others ended their role."""
    _tell_unless_actor(plan, plan.event.person.id)


def show_commander(plan: IncidentPlan[RoleTaken | RoleEnded]) -> None:
    """Name the commander in the announcement."""
    if plan.event.role == COMMANDER:
        plan.refresh_announcement()


def end_command_watch(plan: IncidentPlan[RoleTaken]) -> None:
    """Stop asking for a commander once somebody commands."""
    if plan.facts.find_holder(COMMANDER) is not None:
        plan.cancel(ReminderKind.COMMANDER_MISSING)


def restart_command_watch(plan: IncidentPlan[RoleEnded]) -> None:
    """Watch again for a commander when an open incident loses its own."""
    if plan.event.role == COMMANDER:
        watch_for_commander(plan)


def watch_while_open(plan: IncidentPlan[StatusChanged]) -> None:
    """Stop asking for a commander when the work is over; ask again after a reopening."""
    if not plan.facts.is_open:
        plan.cancel(ReminderKind.COMMANDER_MISSING)
    elif plan.event.is_reopening and plan.facts.find_holder(COMMANDER) is None:
        watch_for_commander(plan)


def watch_for_commander(plan: IncidentPlan[Payload]) -> None:
    """Ask for a commander if an open incident still has none after a few minutes."""
    if plan.facts.is_open:
        after = plan.policy.reminders.commander_missing_after
        plan.remind(ReminderKind.COMMANDER_MISSING, after=after)


def put_handoff(plan: IncidentPlan[HandoffProposed]) -> None:
    """Show a handoff in the channel, and directly to the person who has to answer."""
    handoff_id, asked = plan.event.handoff_id, plan.event.asked
    if handoff_id is None:
        return
    _show_handoff(plan, handoff_id)
    if asked is not None:
        plan.invite(plan.event.incoming.id if plan.event.incoming else None)
        _show_handoff(plan, handoff_id, asked.id)
        plan.remind(
            ReminderKind.HANDOFF_UNANSWERED,
            after=plan.policy.reminders.handoff_timeout,
            subject_type="handoff",
            subject_id=handoff_id,
        )


def settle_handoff(plan: IncidentPlan[HandoffSettled]) -> None:
    """Remove the buttons and the timer of a handoff that has ended, wherever it is shown."""
    handoff_id, asked = plan.event.handoff_id, plan.event.asked
    if handoff_id is None:
        return
    plan.cancel(ReminderKind.HANDOFF_UNANSWERED, subject_type="handoff", subject_id=handoff_id)
    _show_handoff(plan, handoff_id)
    if asked is not None:
        _show_handoff(plan, handoff_id, asked.id)


def tell_proposer(plan: IncidentPlan[HandoffDeclined]) -> None:
    """Tell the people of a handoff that it was declined."""
    declined = plan.event
    parties = (declined.proposed_by, declined.outgoing, declined.incoming)
    for person_id in dict.fromkeys(person.id for person in parties if person is not None):
        _tell_unless_actor(plan, person_id)


def call_backup(plan: IncidentPlan[CommanderMissing]) -> None:
    """Invite the policy's backup, and tell them directly if we know them."""
    if plan.event.backup is None:
        return
    severity = plan.policy.find_severity(plan.facts.severity_key)
    if severity is not None and severity.backup is not None:
        plan.invite_policy((severity.backup,), name="backup")
    plan.tell(plan.event.backup.id)


def _show_handoff(
    plan: IncidentPlan[Payload], handoff_id: uuid.UUID, person_id: uuid.UUID | None = None
) -> None:
    effect = RefreshHandoff(
        incident_id=plan.facts.incident_id, handoff_id=handoff_id, person_id=person_id
    )
    place = f"dm:{person_id}" if person_id else "channel"
    gate = None if person_id else plan.channel_gate
    plan.refresh(effect, lane=place, after=gate, of=f"{handoff_id}:{place}")


def _tell_unless_actor(plan: IncidentPlan[Payload], person_id: uuid.UUID | None) -> None:
    if person_id != plan.entry.actor_id:
        plan.tell(person_id)
