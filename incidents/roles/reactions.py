"""Reactions to entries about roles and command."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.engine.rules import Recorded
from incidents.incident.entries import StatusChanged
from incidents.incident.facts import Facts
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.policy.policy import COMMANDER
from incidents.record.entries import Redacted, Revealed
from incidents.roles.effects import RefreshHandoff, TellRoleHolder
from incidents.roles.entries import (
    CommanderAsked,
    CommanderMissing,
    HandoffAgreed,
    HandoffDeclined,
    HandoffEntry,
    HandoffOffered,
    HandoffRequested,
    HandoffUnanswered,
    HandoffWithdrawn,
)
from incidents.roles.handoffs import Handoff, HandoffKind

RoleTaken = RoleAssigned | CommanderChanged
HandoffProposed = HandoffOffered | HandoffRequested
HandoffUnmoved = HandoffDeclined | HandoffWithdrawn
HandoffSettled = HandoffUnmoved | HandoffAgreed | CommanderChanged
BackupCalled = CommanderMissing | HandoffUnanswered


def say_role(plan: IncidentPlan[RoleTaken | RoleEnded]) -> None:
    """Post in the channel who commands; who has another role, under the status card."""
    if plan.event.role == COMMANDER:
        plan.post()
    else:
        plan.log()


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
    if handoff_id is None or asked is None:
        return
    if isinstance(plan.event, HandoffOffered) or plan.event.incoming.id == plan.entry.actor_id:
        # A nominee proposed by somebody else is invited once the commander has agreed.
        plan.invite(plan.event.incoming.id)
    _show_handoff(plan, handoff_id)
    _show_handoff(plan, handoff_id, asked.id)
    plan.remind(
        ReminderKind.HANDOFF_UNANSWERED,
        after=plan.policy.reminders.handoff_timeout,
        subject_type="handoff",
        subject_id=handoff_id,
    )


def settle_handoff(plan: IncidentPlan[HandoffSettled]) -> None:
    """Remove the buttons and the timer of a handoff that has ended, wherever it is shown."""
    handoff_id = plan.event.handoff_id
    if handoff_id is not None:
        plan.cancel(ReminderKind.HANDOFF_UNANSWERED, subject_type="handoff", subject_id=handoff_id)
        _show_everywhere(plan, plan.event)


def tell_parties(plan: IncidentPlan[HandoffUnmoved]) -> None:
    """Tell everybody who knew of a handoff who ended it."""
    ended = plan.event
    parties = {ended.proposed_by, ended.outgoing}
    if ended.handoff_kind == HandoffKind.OFFER:
        parties.add(ended.incoming)
    for person_id in {person.id for person in parties if person is not None}:
        _tell_unless_actor(plan, person_id)


def show_unanswered(plan: IncidentPlan[HandoffUnanswered]) -> None:
    """Show that an answer is missing; tell the commander and the person who asked."""
    waiting = plan.event
    _show_everywhere(plan, waiting)
    for person_id in {one.id for one in (waiting.outgoing, waiting.proposed_by) if one}:
        plan.tell(person_id)


def end_watch_with_backup(plan: IncidentPlan[CommanderMissing]) -> None:
    """Stop asking once the backup has been called: nobody else is left to ask."""
    if plan.event.backup is not None:
        plan.cancel(ReminderKind.COMMANDER_MISSING)


async def add_handoffs(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Return the facts plus the incident's handoffs after a redaction, which may have erased their text."""
    if Redacted.kind not in recorded.kinds:
        return facts
    query = select(Handoff).where(Handoff.incident_id == facts.incident_id)
    rows = (await session.execute(query.order_by(Handoff.created_at))).scalars()
    return replace(facts, handoffs=tuple((row.id, row.answerer_id) for row in rows))


def show_handoffs(plan: IncidentPlan[Redacted] | IncidentPlan[Revealed]) -> None:
    """Show the handoffs again, without redacted text."""
    for handoff_id, asked_id in plan.facts.handoffs:
        _show_handoff(plan, handoff_id)
        if asked_id is not None:
            _show_handoff(plan, handoff_id, asked_id)


def call_backup(plan: IncidentPlan[BackupCalled]) -> None:
    """Invite the policy's backup, and tell them directly if we know them."""
    if plan.event.backup is None:
        return
    backup = plan.policy.backup_for(plan.facts.severity_key, plan.facts.services)
    if backup is not None:
        plan.invite_policy((backup,), name="backup")
    plan.tell(plan.event.backup.id)


def ask_on_call(plan: IncidentPlan[CommanderAsked]) -> None:
    """Note it under the status card; invite who is on call for command, and ask them directly."""
    plan.log()
    for person in plan.event.people:
        plan.invite(person.id)
        plan.tell(person.id)


def _show_everywhere(plan: IncidentPlan[Any], handoff: HandoffEntry | CommanderChanged) -> None:
    """Refresh a handoff in the channel, and in the message to the person asked."""
    if handoff.handoff_id is not None:
        _show_handoff(plan, handoff.handoff_id)
        if handoff.asked is not None:
            _show_handoff(plan, handoff.handoff_id, handoff.asked.id)


def _show_handoff(
    plan: IncidentPlan[Payload], handoff_id: uuid.UUID, person_id: uuid.UUID | None = None
) -> None:
    effect = RefreshHandoff(
        incident_id=plan.facts.incident_id, handoff_id=handoff_id, person_id=person_id
    )
    place = f"dm:{person_id}" if person_id else "channel"
    gate = None if person_id else plan.channel_gate
    copy = f"{handoff_id}:{place}"
    plan.refresh(effect, lane=f"handoff:{copy}", after=gate, of=copy)


def _tell_unless_actor(plan: IncidentPlan[Payload], person_id: uuid.UUID | None) -> None:
    if person_id != plan.entry.actor_id:
        plan.tell(person_id)
