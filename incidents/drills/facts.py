"""What a drill's record says about its run: for the scenario, and for the scorecard."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.drills.entries import DrillChecked
from incidents.drills.score import Question, ScoreFacts
from incidents.engine.presence import Away, was_away
from incidents.escalation.entries import (
    Escalated,
    EscalationCompleted,
    EscalationTaken,
    HoldsPacket,
)
from incidents.escalation.packet import Packet, rate
from incidents.incident.cadence import StakeholderUpdate, cadence_for
from incidents.incident.entries import StatusChanged, UpdateMissed, UpdatePosted
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Policy
from incidents.record.entries import FileLinked, Marked, Note, Pinned
from incidents.scenarios.engine import RunState
from incidents.scenarios.runs import DrillRun, RunEnd, absences_in, elapsed_seconds
from incidents.scenarios.scenario import ENGAGED, ESCALATED, MITIGATED, UPDATED, Scenario, Verdict

# Which entry means which fact; the first of its kind counts.
FACTS_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        Escalated.kind: ESCALATED,
        EscalationTaken.kind: ENGAGED,
        UpdatePosted.kind: UPDATED,
        StatusChanged.kind: MITIGATED,
    }
)
# Entries that count as evidence: a check in the drill, or something put on the record.
_EVIDENCE: Final = frozenset(
    {DrillChecked.kind, Marked.kind, Pinned.kind, FileLinked.kind, Note.kind}
)

Elapsed = Callable[[datetime], float]


async def stopwatch(session: AsyncSession, run: DrillRun) -> Elapsed:
    """Return the stopwatch of this run; it leaves out the time in which the bot was away."""
    absences = await absences_in(session, run)
    return lambda instant: elapsed_seconds(run.started_at, instant, absences)


async def recorded_facts(
    session: AsyncSession, run: DrillRun, elapsed: Elapsed
) -> dict[str, float]:
    """Return the facts on the record so far, each with the second in which it first became true."""
    found: dict[str, float] = {}
    for entry in await _entries(session, run.incident_id, kinds=FACTS_OF):
        step = _status_of(entry)
        if entry.kind == StatusChanged.kind and (step is None or step.new != MITIGATED):
            continue
        found.setdefault(FACTS_OF[entry.kind], elapsed(entry.recorded_at))
    return found


async def score_facts(
    session: AsyncSession, incident: Incident, run: DrillRun, *, how: RunEnd, policy: Policy
) -> ScoreFacts:
    """Return what happened in the run, for its scorecard; call it after the run has ended."""
    elapsed = await stopwatch(session, run)
    scenario, state = run.load_scenario(), run.load_state()
    entries = await _entries(session, incident.id)
    own = [entry for entry in entries if entry.actor_id == run.junior_id]
    updates = await _updates(session, incident.id)
    posted = [elapsed(update.posted_at) for update in updates]
    cadence = cadence_for(policy, severity_key=incident.severity_key, status=IncidentStatus.TRIAGE)
    never_sent = _missed(entries) + _overdue(entries, await absences_in(session, run))
    return ScoreFacts(
        how=how,
        lasted=elapsed(run.ended_at or run.started_at),
        acknowledged_at=elapsed(incident.acknowledged_at) if incident.acknowledged_at else None,
        evidence_at=_first(own, _EVIDENCE, elapsed),
        first_update_at=min(posted, default=None),
        update_due_at=cadence.total_seconds() if cadence else None,
        updates_due=never_sent + sum(update.was_due_at is not None for update in updates),
        updates_on_time=sum(_is_on_time(update) for update in updates),
        questions=_questions(scenario, state, posted),
        escalate_by=_escalate_by(scenario, state),
        escalated_at=_first(own, {Escalated.kind}, elapsed),
        context=_context(own, policy),
        fixed_at=state.fixed_at,
        worse=_worse(state),
        has_impact=bool(incident.impact) or any(packet.impact for _, packet in _packets(own)),
    )


def _first(
    entries: Iterable[TimelineEntry], kinds: Collection[str], elapsed: Elapsed
) -> float | None:
    return next((elapsed(entry.recorded_at) for entry in entries if entry.kind in kinds), None)


def _missed(entries: Iterable[TimelineEntry]) -> int:
    """Return how many updates were missed, without those due while the bot was away."""
    missed = (UpdateMissed.read(one.content) for one in entries if one.kind == UpdateMissed.kind)
    return sum(one.count for one in missed if one is not None and not one.is_bots)


def _overdue(entries: Iterable[TimelineEntry], absences: Sequence[Away]) -> int:
    """Return how many updates were overdue, but not yet counted as missed, when the incident ended.

    An update that came due while the bot was away doesn't count.
    """
    found = 0
    for entry in entries:
        step = _status_of(entry)  # None for a redacted entry
        if step is None or is_open(IncidentStatus(step.new)):
            continue
        moved = step.next_update_due_at
        due_at = (moved.old if moved else None) or entry.recorded_at
        found += due_at < entry.recorded_at and not was_away(absences, due_at)
    return found


def _status_of(entry: TimelineEntry) -> StatusChanged | None:
    """Return the status change that an entry holds, or None."""
    return StatusChanged.read(entry.content) if entry.kind == StatusChanged.kind else None


def _is_on_time(update: StakeholderUpdate) -> bool:
    return update.was_due_at is not None and update.posted_at <= update.was_due_at


def _questions(
    scenario: Scenario, state: RunState, updates: Sequence[float]
) -> tuple[Question, ...]:
    asked = [
        state.fired[signal.key]
        for signal in scenario.signals
        if signal.asks and signal.key in state.fired
    ]
    return tuple(
        Question(asked_at=at, answered_at=min((one for one in updates if one >= at), default=None))
        for at in sorted(asked)
    )


def _escalate_by(scenario: Scenario, state: RunState) -> float | None:
    """Return the second by which the scenario called for an escalation, or None if it never did."""
    call = scenario.escalation
    if call is None or call.since not in state.facts:
        return None
    return state.facts[call.since] + call.within.total_seconds()


def _context(entries: Iterable[TimelineEntry], policy: Policy) -> int | None:
    """Return the completeness of the best version of the packet, or None without a packet."""
    scores: list[int] = []
    for template_key, packet in _packets(entries):
        wanted = template_key or policy.escalation.default_template
        template = next((one for one in policy.escalation.templates if one.key == wanted), None)
        if template is not None:
            scores.append(rate(packet, template).score)
    return max(scores, default=None)


def _packets(entries: Iterable[TimelineEntry]) -> Iterator[tuple[str, Packet]]:
    """Yield every version of a packet, with its template's key if the entry names it."""
    for entry in entries:
        if entry.kind in {Escalated.kind, EscalationCompleted.kind}:
            held = HoldsPacket.read(entry.content)
            if held is not None:
                yield held.template_key, held.packet


def _worse(state: RunState) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.key for item in state.acted if item.verdict is Verdict.WORSE))


async def _entries(
    session: AsyncSession, incident_id: uuid.UUID, *, kinds: Iterable[str] | None = None
) -> list[TimelineEntry]:
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id)
        .order_by(TimelineEntry.sequence)
    )
    if kinds is not None:
        query = query.where(TimelineEntry.kind.in_(list(kinds)))
    return list((await session.execute(query)).scalars())


async def _updates(session: AsyncSession, incident_id: uuid.UUID) -> list[StakeholderUpdate]:
    query = (
        select(StakeholderUpdate)
        .where(StakeholderUpdate.incident_id == incident_id)
        .order_by(StakeholderUpdate.number)
    )
    return list((await session.execute(query)).scalars())
