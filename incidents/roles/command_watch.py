"""When nobody is in command: ask the channel once, then call the policy's backup once.

Both have been told then, so the bot stays quiet. The watch ends when somebody takes command, and
restarts when an incident loses its commander; stepping down calls the backup at once.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.people import PersonKind, who
from incidents.core.sentences import Who
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident, find_participant, save_participant
from incidents.incident.roles import find_commander, find_last_commander
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_people_named
from incidents.policy.policy import Policy, Reminders
from incidents.policy.references import PersonRef
from incidents.roles.entries import CommanderMissing

STEP_ASK = 0
STEP_BACKUP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Where the watch stands: if a commander is needed, the step due, if there is a backup."""

    needs_commander: bool
    step: int
    since: datetime
    has_backup: bool


@dataclass(frozen=True, slots=True)
class CommandDecision:
    """What to say now (None: nothing), and when to name the backup (None: never)."""

    say: int | None
    next_at: datetime | None


_NOTHING = CommandDecision(None, None)


def decide_command_watch(watch: Watch, *, reminders: Reminders, now: datetime) -> CommandDecision:
    """Decide what to say; after an absence only the later step, and nothing twice."""
    if not watch.needs_commander:
        return _NOTHING
    backup_at = watch.since + reminders.commander_backup_after
    if watch.has_backup and (watch.step == STEP_BACKUP or backup_at <= now):
        return CommandDecision(STEP_BACKUP, None)
    if watch.step == STEP_BACKUP:
        return _NOTHING  # there is no backup to name, and asking again would be nagging
    return CommandDecision(STEP_ASK, backup_at if watch.has_backup else None)


def find_backup(incident: Incident, policy: Policy) -> PersonRef | None:
    """Return the policy's backup; none in a drill, or if a private incident excludes them."""
    if incident.is_drill:
        return None
    backup = policy.backup_for(incident.severity_key, incident.services)
    if incident.is_private and backup not in policy.private.invite:
        return None
    return backup


async def watch_command(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Ask for a commander, or name the backup, if the incident still has no commander."""
    backup = find_backup(incident, uow.policy)
    since = _since(reminder)
    watch = Watch(
        needs_commander=incident.is_open and await find_commander(uow.session, incident.id) is None,
        step=reminder.step,
        since=since,
        has_backup=backup is not None,
    )
    decision = decide_command_watch(watch, reminders=uow.policy.reminders, now=uow.now)
    if decision.say is not None:
        called = await call_backup(uow, incident) if decision.say == STEP_BACKUP else None
        minutes = int((uow.now - since) / timedelta(minutes=1))
        uow.record(incident, CommanderMissing(minutes=minutes, backup=called))
    if decision.next_at is None:
        return None
    return Again(due_at=decision.next_at, step=STEP_BACKUP, data={"since": since.isoformat()})


def _since(reminder: Reminder) -> datetime:
    """Return when the incident lost its commander: when its first reminder was set."""
    stored = reminder.data.get("since")
    return datetime.fromisoformat(stored) if stored else reminder.created_at


async def call_backup(
    uow: UnitOfWork, incident: Incident, *, but: Collection[uuid.UUID | None] = ()
) -> Who | None:
    """Add the policy's backup to the incident if we know them, and return how to name them.

    None if there is no backup for this incident, if it is one of `but`, or if they commanded last:
    somebody who has stepped down isn't called back.
    """
    backup = find_backup(incident, uow.policy)
    if backup is None:
        return None
    name = str(backup)
    found = await find_people_named(uow.session, [name], workspace_id=uow.workspace_id)
    person = found.get(name)
    if person is None or person.kind == PersonKind.UNKNOWN:
        return Who(name=name, external_id=backup.user_id or "")
    if why_not_reachable(person) is not None:
        return None
    last = await find_last_commander(uow.session, incident.id)
    if person.id in but or (last is not None and last.person_id == person.id):
        return None
    part = await find_participant(uow.session, incident_id=incident.id, person_id=person.id)
    if part is not None and part.gone_at is not None:
        return None
    await save_participant(
        uow.session, incident_id=incident.id, person_id=person.id, invited_at=uow.now
    )
    return who(person)
