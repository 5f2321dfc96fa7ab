"""The ladder of reminders for stakeholder updates, and the rule that climbs it.

    due ──▶ one reminder in the channel, for the communications lead or else the commander
     └─ late by a part of the cadence ──▶ commander and deputy, by direct message
         └─ missed ──▶ posted in the channel, and recorded; the next cadence starts

After a first miss, each further cadence has only this last step. The bot posts it `MISSES_SAID`
times in a row and then only records it: by then people have decided by silence, and a bot that
keeps on gets muted. An update or a snooze restarts the ladder from the bottom.

The timeline shows what was already said per due time, so no restart, status change or second
process repeats a step. After the bot was away, it says only the highest overdue step; misses that
came due while it was away are counted as the bot's and stay out of figures.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from incidents.core.people import Person, who
from incidents.engine.presence import Away, absences_since, was_away
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.cadence import cadence_for
from incidents.incident.entries import StatusChanged, UpdateMissed, UpdatePosted
from incidents.incident.facts import Facts, gather_facts
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import COMMANDER, COMMUNICATIONS_LEAD, DEPUTY
from incidents.updates.entries import UpdateReminded, UpdateSnoozed

MISSES_SAID = 2
SHORTEST_CADENCE = timedelta(minutes=1)
# The time to the next update after *No change*, if the policy names none.
WITHOUT_CADENCE = timedelta(minutes=30)


class UpdateStep(StrEnum):
    """A step of the ladder."""

    DUE = "due"
    LATE = "late"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Ladder:
    """How late the later steps come, in parts of a cadence (from the policy)."""

    late_fraction: float
    missed_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCycle:
    """Where an incident stands: when its update is due, and what was already said about that."""

    due_at: datetime
    cadence: timedelta
    said: frozenset[UpdateStep] = frozenset()
    misses_said: int = 0  # in a row since the last update or snooze, posted or only recorded


@dataclass(frozen=True, slots=True)
class Miss:
    """A missed update: when it was due, when it counted as missed, and if the bot was away then."""

    due_at: datetime
    missed_at: datetime
    is_bots: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDecision:
    """What to say now (at most one step), what to record, and the cycle afterwards."""

    say: UpdateStep | None
    misses: tuple[Miss, ...]
    cycle: UpdateCycle
    next_at: datetime


def decide_update_reminder(
    cycle: UpdateCycle, *, ladder: Ladder, now: datetime, absences: Sequence[Away] = ()
) -> UpdateDecision:
    """Decide which step to say now: the highest overdue one, unless it was already said."""
    misses, due_at = _misses_until(cycle, ladder=ladder, now=now, absences=absences)
    if misses:
        say = UpdateStep.MISSED if cycle.misses_said < MISSES_SAID else None
        after = replace(
            cycle,
            due_at=due_at,
            said=frozenset(),
            misses_said=cycle.misses_said + 1,
        )
    else:
        say = _step_before_missing(cycle, ladder=ladder, now=now)
        after = replace(cycle, said=cycle.said | ({say} if say else frozenset()))
    return UpdateDecision(
        say=say, misses=misses, cycle=after, next_at=_next_at(after, ladder=ladder, now=now)
    )


def _misses_until(
    cycle: UpdateCycle, *, ladder: Ladder, now: datetime, absences: Sequence[Away]
) -> tuple[tuple[Miss, ...], datetime]:
    """Return the updates missed by now, and when the one after those is due."""
    misses: list[Miss] = []
    due_at = cycle.due_at
    while due_at + cycle.cadence * ladder.missed_fraction <= now:
        missed_at = due_at + cycle.cadence * ladder.missed_fraction
        misses.append(Miss(due_at, missed_at, is_bots=was_away(absences, missed_at)))
        due_at += cycle.cadence
    return tuple(misses), due_at


def _step_before_missing(cycle: UpdateCycle, *, ladder: Ladder, now: datetime) -> UpdateStep | None:
    if cycle.misses_said or UpdateStep.LATE in cycle.said:
        return None
    if now >= cycle.due_at + cycle.cadence * ladder.late_fraction:
        return UpdateStep.LATE
    if now >= cycle.due_at and UpdateStep.DUE not in cycle.said:
        return UpdateStep.DUE
    return None


def _next_at(cycle: UpdateCycle, *, ladder: Ladder, now: datetime) -> datetime:
    """Return when to look again: at the next step after now."""
    moments = [cycle.due_at + cycle.cadence * ladder.missed_fraction]
    if not cycle.misses_said:
        moments += [cycle.due_at, cycle.due_at + cycle.cadence * ladder.late_fraction]
    return min(moment for moment in moments if moment > now)


async def remind_of_update(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Say the step that is due, record the missed updates, and set the next reminder."""
    if not incident.is_open or incident.next_update_due_at is None:
        return None
    cycle = await _standing(uow, incident, due_at=incident.next_update_due_at)
    decision = decide_update_reminder(
        cycle,
        ladder=Ladder(
            uow.policy.reminders.update_late_fraction,
            uow.policy.reminders.update_missed_fraction,
        ),
        now=uow.now,
        absences=await absences_since(uow.session, cycle.due_at, workspace_id=uow.workspace_id),
    )
    incident.next_update_due_at = decision.cycle.due_at
    if decision.misses:
        _record_misses(uow, incident, decision)
    elif decision.say is not None:
        await _record_reminder(uow, incident, cycle, decision.say)
    return Again(
        due_at=decision.next_at, step=len(decision.cycle.said) + decision.cycle.misses_said
    )


async def _standing(uow: UnitOfWork, incident: Incident, *, due_at: datetime) -> UpdateCycle:
    """Read from the timeline what was said since the last update or snooze."""
    entries = await _said_since_update(uow, incident)
    since = incident.last_update_at or incident.declared_at
    cadence = cadence_for(
        uow.policy, severity_key=incident.severity_key, status=incident.lifecycle_status
    )
    # Without a cadence, somebody promised a time (`--next`): that span serves as the cadence.
    cadence = max(cadence or due_at - since, SHORTEST_CADENCE)
    misses = [entry for entry in entries if entry.kind == UpdateMissed.kind]
    for entry in misses:
        missed = UpdateMissed.read(entry.content)
        if missed is not None and missed.next_due_at is not None:
            due_at = max(due_at, missed.next_due_at)
    reminded = (
        UpdateReminded.read(entry.content) for entry in entries if entry.kind == UpdateReminded.kind
    )
    steps = [one.step for one in reminded if one is not None and one.due_at == due_at]
    return UpdateCycle(
        due_at=due_at,
        cadence=cadence,
        said=frozenset(step for step in UpdateStep if step.value in steps),
        misses_said=len({entry.recorded_at for entry in misses}),
    )


async def _said_since_update(uow: UnitOfWork, incident: Incident) -> list[TimelineEntry]:
    ends = (UpdatePosted.kind, UpdateSnoozed.kind, StatusChanged.kind)
    said = (UpdateReminded.kind, UpdateMissed.kind)
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident.id, TimelineEntry.kind.in_([*ends, *said]))
        .order_by(TimelineEntry.sequence.desc())
    )
    found: list[TimelineEntry] = []
    for entry in (await uow.session.execute(query)).scalars():
        if entry.kind in said:
            found.append(entry)
        elif _restarts_ladder(entry):
            break
    return found


def _restarts_ladder(entry: TimelineEntry) -> bool:
    """Tell whether the ladder restarts here: an update, a snooze, or a reopened incident."""
    if entry.kind != StatusChanged.kind:
        return True
    change = StatusChanged.read(entry.content)
    return change is not None and change.is_reopening


def _record_misses(uow: UnitOfWork, incident: Incident, decision: UpdateDecision) -> None:
    """Record the misses, the bot's own separately; at most one of the entries is posted."""
    is_said = decision.say is None
    for is_bots in (False, True):
        misses = [miss for miss in decision.misses if miss.is_bots is is_bots]
        if not misses:
            continue
        uow.record(
            incident,
            UpdateMissed(
                count=len(misses),
                due_at=misses[0].due_at,
                missed_at=misses[-1].missed_at,
                next_due_at=decision.cycle.due_at,
                is_bots=is_bots,
                is_quiet=is_said,
                is_last_call=decision.cycle.misses_said == MISSES_SAID,
            ),
            occurred_at=misses[-1].missed_at,
        )
        is_said = True


async def _record_reminder(
    uow: UnitOfWork, incident: Incident, cycle: UpdateCycle, step: UpdateStep
) -> None:
    facts = await gather_facts(uow.session, incident, now=uow.now)
    people = recipients(facts, step)
    if step is UpdateStep.LATE and not people:
        # Nobody to tell directly: say it in the channel, unless that was already done.
        if UpdateStep.DUE in cycle.said:
            return
        step, people = UpdateStep.DUE, recipients(facts, UpdateStep.DUE)
    cadence = cadence_for(
        uow.policy, severity_key=incident.severity_key, status=incident.lifecycle_status
    )
    named = [await uow.session.get(Person, person_id) for person_id in people]
    uow.record(
        incident,
        UpdateReminded(
            step=step,
            due_at=cycle.due_at,
            snooze_seconds=int(uow.policy.reminders.snooze.total_seconds()),
            next_seconds=int((cadence or WITHOUT_CADENCE).total_seconds()),
            to=tuple(who(person) for person in named if person is not None),
        ),
    )


def recipients(facts: Facts, step: UpdateStep) -> tuple[uuid.UUID, ...]:
    """Return who to remind: the communications lead or else the commander; if late, the leads."""
    if step is UpdateStep.LATE:
        leading = (*facts.holders(COMMANDER), *facts.holders(DEPUTY))
        return tuple(dict.fromkeys(leading))
    return facts.holders(COMMUNICATIONS_LEAD) or facts.holders(COMMANDER)
