"""The scorecard of a drill: its figures, what went well, what to practise; pure.

Every line follows from the record and the run by a fixed rule, and uses the same targets as real
incidents (`figures` in the policy). A line for which the drill gave no occasion says so, and counts
neither for nor against anybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from incidents.policy.figures import FigureTargets
from incidents.scenarios.runs import RunEnd

# A packet of at least this completeness (of 100) holds what the people called need.
ENOUGH_CONTEXT: Final = 75


class ScoreLine(StrEnum):
    """What a scorecard measures, in the order of a run."""

    ACKNOWLEDGED = "acknowledged"
    EVIDENCE = "evidence"
    FIRST_UPDATE = "first_update"
    CADENCE = "cadence"
    ANSWERED = "answered"
    ESCALATED = "escalated"
    CONTEXT = "context"
    NOTHING_WORSE = "nothing_worse"
    MITIGATED = "mitigated"
    VERIFIED = "verified"
    IMPACT = "impact"


# What to say first: about what went well, and about what to practise next.
_PRAISE: Final = (
    *(ScoreLine.CONTEXT, ScoreLine.ESCALATED, ScoreLine.MITIGATED, ScoreLine.EVIDENCE),
    *(ScoreLine.ANSWERED, ScoreLine.FIRST_UPDATE, ScoreLine.CADENCE, ScoreLine.IMPACT),
    *(ScoreLine.NOTHING_WORSE, ScoreLine.VERIFIED, ScoreLine.ACKNOWLEDGED),
)
_PRACTISE: Final = (
    *(ScoreLine.ESCALATED, ScoreLine.NOTHING_WORSE, ScoreLine.VERIFIED, ScoreLine.EVIDENCE),
    *(ScoreLine.FIRST_UPDATE, ScoreLine.ANSWERED, ScoreLine.CONTEXT, ScoreLine.MITIGATED),
    *(ScoreLine.CADENCE, ScoreLine.IMPACT, ScoreLine.ACKNOWLEDGED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """When a stakeholder asked, and when the next update followed, if it did (seconds)."""

    asked_at: float
    answered_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFacts:
    """What happened in a run; all times in seconds since its start, None for never.

    `escalate_by` is None if the scenario doesn't call for an escalation; `context` is the packet's
    completeness, 0 to 100.
    """

    how: RunEnd
    lasted: float
    acknowledged_at: float | None = None
    evidence_at: float | None = None
    first_update_at: float | None = None
    update_due_at: float | None = None
    updates_due: int = 0
    updates_on_time: int = 0
    questions: tuple[Question, ...] = ()
    escalate_by: float | None = None
    escalated_at: float | None = None
    context: int | None = None
    fixed_at: float | None = None
    worse: tuple[str, ...] = ()
    has_impact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreItem:
    """One line: the value, the target, and whether it was met; None: no occasion.

    `actions` are keys of the scenario's actions, whose names the drill's channel shows, too.
    """

    line: ScoreLine
    is_met: bool | None
    value: float | None = None
    target: float | None = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """All lines, the one that went well, and the one to practise next; None if there is none."""

    how: RunEnd
    lasted: float
    items: tuple[ScoreItem, ...]
    went_well: ScoreLine | None
    practise_next: ScoreLine | None

    def to_json(self) -> dict[str, Any]:
        """Return the scorecard as JSON values."""
        return {
            "how": self.how.value,
            "lasted": self.lasted,
            "items": [
                {
                    "line": item.line.value,
                    "is_met": item.is_met,
                    "value": item.value,
                    "target": item.target,
                    "actions": list(item.actions),
                }
                for item in self.items
            ],
            "went_well": self.went_well.value if self.went_well else None,
            "practise_next": self.practise_next.value if self.practise_next else None,
        }


def scorecard_from(stored: Mapping[str, Any]) -> Scorecard:
    """Return the scorecard from its stored JSON values."""
    well, following = stored["went_well"], stored["practise_next"]
    return Scorecard(
        how=RunEnd(stored["how"]),
        lasted=stored["lasted"],
        items=tuple(
            ScoreItem(
                line=ScoreLine(item["line"]),
                is_met=item["is_met"],
                value=item["value"],
                target=item["target"],
                actions=tuple(item["actions"]),
            )
            for item in stored["items"]
        ),
        went_well=ScoreLine(well) if well else None,
        practise_next=ScoreLine(following) if following else None,
    )


def make_scorecard(facts: ScoreFacts, figures: FigureTargets) -> Scorecard:
    """Return the scorecard of a run."""
    items = tuple(_items(facts, figures))
    met = {item.line: item.is_met for item in items}
    return Scorecard(
        how=facts.how,
        lasted=facts.lasted,
        items=items,
        went_well=next((line for line in _PRAISE if met.get(line) is True), None),
        practise_next=next((line for line in _PRACTISE if met.get(line) is False), None),
    )


def _items(facts: ScoreFacts, figures: FigureTargets) -> Iterable[ScoreItem]:
    yield _within(
        ScoreLine.ACKNOWLEDGED, facts.acknowledged_at, figures.time_to_acknowledge_p50, facts
    )
    yield _within(ScoreLine.EVIDENCE, facts.evidence_at, figures.time_to_evidence, facts)
    yield _first_update(facts)
    yield _cadence(facts, figures)
    yield _answered(facts)
    if facts.escalate_by is not None:
        yield _by(ScoreLine.ESCALATED, facts.escalated_at, facts.escalate_by, facts)
    if facts.escalated_at is not None and facts.context is not None:
        yield ScoreItem(
            line=ScoreLine.CONTEXT,
            is_met=facts.context >= ENOUGH_CONTEXT,
            value=facts.context,
            target=ENOUGH_CONTEXT,
        )
    yield ScoreItem(line=ScoreLine.NOTHING_WORSE, is_met=_nothing_worse(facts), actions=facts.worse)
    yield _within(ScoreLine.MITIGATED, facts.fixed_at, figures.time_to_mitigate, facts)
    is_verified = {RunEnd.SOLVED: True, RunEnd.UNSOLVED: False}.get(facts.how)
    yield ScoreItem(line=ScoreLine.VERIFIED, is_met=is_verified)
    yield ScoreItem(line=ScoreLine.IMPACT, is_met=facts.has_impact)


def _within(
    line: ScoreLine, value: float | None, target: timedelta, facts: ScoreFacts
) -> ScoreItem:
    return _by(line, value, target.total_seconds(), facts)


def _by(line: ScoreLine, value: float | None, target: float, facts: ScoreFacts) -> ScoreItem:
    """Return a line that is met by `target`; a run that ended earlier gave no occasion."""
    if value is None and facts.lasted < target:
        return ScoreItem(line=line, is_met=None, target=target)
    return ScoreItem(
        line=line, is_met=value is not None and value <= target, value=value, target=target
    )


def _first_update(facts: ScoreFacts) -> ScoreItem:
    if facts.update_due_at is None:
        return ScoreItem(line=ScoreLine.FIRST_UPDATE, is_met=None, value=facts.first_update_at)
    return _by(ScoreLine.FIRST_UPDATE, facts.first_update_at, facts.update_due_at, facts)


def _cadence(facts: ScoreFacts, figures: FigureTargets) -> ScoreItem:
    if not facts.updates_due:
        return ScoreItem(line=ScoreLine.CADENCE, is_met=None)
    share = facts.updates_on_time / facts.updates_due
    target = figures.update_cadence_met
    return ScoreItem(line=ScoreLine.CADENCE, is_met=share >= target, value=share, target=target)


# How soon (in seconds) a stakeholder who asks should get an update, whatever the cadence says.
ANSWER_WITHIN: Final = 600.0


def _answered(facts: ScoreFacts) -> ScoreItem:
    """Return whether every stakeholder who asked got an update soon; the slowest counts."""
    waits = [
        _wait(question, lasted=facts.lasted)
        for question in facts.questions
        if question.answered_at is not None or facts.lasted - question.asked_at >= ANSWER_WITHIN
    ]
    if not waits:
        return ScoreItem(line=ScoreLine.ANSWERED, is_met=None, target=ANSWER_WITHIN)
    is_met = all(waited is not None and waited <= ANSWER_WITHIN for waited in waits)
    slowest = None if None in waits else max(waited for waited in waits if waited is not None)
    return ScoreItem(line=ScoreLine.ANSWERED, is_met=is_met, value=slowest, target=ANSWER_WITHIN)


def _wait(question: Question, *, lasted: float) -> float | None:
    if question.answered_at is None:
        return None
    return min(question.answered_at, lasted) - question.asked_at


def _nothing_worse(facts: ScoreFacts) -> bool | None:
    """Return whether nothing was made worse; None for doing nothing, which isn't praised."""
    if facts.worse:
        return False
    return True if facts.fixed_at is not None else None
