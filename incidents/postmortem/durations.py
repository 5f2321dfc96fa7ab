"""Durations of an incident, from its timeline entries and milestones; pure.

Mitigated and resolved mean the *last* ones that held: a mitigation that slipped or a resolution
before a reopening doesn't stop the clock. Time between resolved and reopened is reported
separately, not subtracted. Milestones in the wrong order give no duration at all. Definitions:
`figures` in `config/policy.yaml`.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from incidents.incident.entries import (
    ENTRIES,
    Declared,
    MilestoneSet,
    SeverityChanged,
    StatusChanged,
)
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.payload import EntryTypes, Payload, decode
from incidents.incident.views import EntryView, IncidentView


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestones:
    """The milestones of an incident as people last set them; all instants aware."""

    detected_at: datetime
    declared_at: datetime
    impact_started_at: datetime | None = None
    impact_ended_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    has_customer_impact: bool = True


@dataclass(frozen=True, slots=True)
class StatusStep:
    """One change of status, and when it happened."""

    at: datetime
    old: IncidentStatus | None
    new: IncidentStatus

    @property
    def is_step_back(self) -> bool:
        """Tell whether a mitigation slipped or a resolution didn't hold."""
        was_over = self.old in {
            IncidentStatus.MITIGATED,
            IncidentStatus.RESOLVED,
            IncidentStatus.CLOSED,
        }
        return was_over and self.new in {IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED}

    @property
    def is_reopening(self) -> bool:
        """Tell whether the incident was reopened after it had been resolved."""
        is_over = {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
        return self.old in is_over and is_open(self.new)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, both ends known."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """Return how long the span lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long things took; None if a milestone is missing or the order is wrong."""

    mitigated_at: datetime | None
    resolved_at: datetime | None
    to_detect: timedelta | None
    to_acknowledge: timedelta | None
    to_mitigate: timedelta | None
    to_resolve: timedelta | None
    customer_impact: timedelta | None
    resolved_then_reopened: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class SeveritySpan:
    """How long the incident had a severity; `until` is None while it lasts."""

    severity: str
    since: datetime
    until: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpan:
    """One person's time in one role; `ended_at` is None while they hold it."""

    role_key: str
    role_name: str
    person_id: uuid.UUID
    person_name: str
    started_at: datetime
    ended_at: datetime | None


def milestones_of(incident: IncidentView) -> Milestones:
    """Return the milestones of an incident."""
    return Milestones(
        detected_at=incident.detected_at,
        declared_at=incident.declared_at,
        impact_started_at=incident.impact_started_at,
        impact_ended_at=incident.impact_ended_at,
        acknowledged_at=incident.acknowledged_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        has_customer_impact=incident.has_customer_impact,
    )


def durations(entries: Iterable[EntryView], milestones: Milestones) -> Durations:
    """Return how long each part of the incident took."""
    steps = status_steps(entries)
    mitigated_at = _last_that_held(IncidentStatus.MITIGATED, steps, milestones.mitigated_at)
    resolved_at = _last_that_held(IncidentStatus.RESOLVED, steps, milestones.resolved_at)
    return Durations(
        mitigated_at=mitigated_at,
        resolved_at=resolved_at,
        to_detect=_between(milestones.impact_started_at, milestones.detected_at),
        to_acknowledge=_between(milestones.declared_at, milestones.acknowledged_at),
        to_mitigate=_between(milestones.detected_at, mitigated_at),
        to_resolve=_between(milestones.detected_at, resolved_at),
        customer_impact=_customer_impact(milestones),
        resolved_then_reopened=_resolved_then_reopened(steps),
    )


def status_steps(entries: Iterable[EntryView]) -> tuple[StatusStep, ...]:
    """Return the changes of status in the order in which they were made.

    This isn't the order of their times: a backdated change still came after the others. A time that
    people corrected later counts for the last matching step.
    """
    steps: list[StatusStep] = []
    for entry in sorted(entries, key=lambda entry: entry.sequence):
        match payload_of(entry):
            case StatusChanged(old=old, new=new):
                reached = _status(new)
                if reached is not None:
                    steps.append(StatusStep(entry.occurred_at, _status(old), reached))
            case MilestoneSet(name=name, new=datetime() as at):
                _set_right(steps, name, at)
    return tuple(steps)


def severity_spans(
    entries: Iterable[EntryView], *, ended_at: datetime | None = None
) -> tuple[SeveritySpan, ...]:
    """Return the severities one after the other; the last lasts until `ended_at`."""
    begun: list[SeveritySpan] = []
    for entry in sorted(entries, key=lambda entry: (entry.occurred_at, entry.sequence)):
        match payload_of(entry):
            case Declared(severity=severity):
                begun.append(SeveritySpan(severity, entry.occurred_at, None))
            case SeverityChanged(new=severity, reason=reason):
                begun.append(SeveritySpan(severity, entry.occurred_at, None, reason))
    untils = [*(span.since for span in begun[1:]), ended_at]
    return tuple(
        # An end that was dated back can't shorten a severity below nothing.
        replace(span, until=None if until is None else max(until, span.since))
        for span, until in zip(begun, untils, strict=False)
    )


def payload_of(entry: EntryView) -> Payload:
    """Return the payload of an entry whose class lower rooms know."""
    return decode(entry.kind, entry.content, _TYPES).payload


def role_at(
    spans: Sequence[RoleSpan], person_id: uuid.UUID | None, *, at: datetime
) -> RoleSpan | None:
    """Return the first role that the person held just before that moment, or None.

    An entry that gives or ends a role is told by the roles that people had until then.
    """
    for span in spans:
        is_held = span.started_at < at and (span.ended_at is None or at <= span.ended_at)
        if span.person_id == person_id and is_held:
            return span
    return None


_REACHED_BY = MappingProxyType(
    {"mitigated_at": IncidentStatus.MITIGATED, "resolved_at": IncidentStatus.RESOLVED}
)
_TYPES: Final[EntryTypes] = MappingProxyType({payload.kind: payload for payload in ENTRIES})


def _status(text: str) -> IncidentStatus | None:
    return IncidentStatus(text) if text in set(IncidentStatus) else None


def _set_right(steps: list[StatusStep], moment: str, at: datetime) -> None:
    status = _REACHED_BY.get(moment)
    for index in reversed(range(len(steps))):
        if steps[index].new is status:
            steps[index] = replace(steps[index], at=at)
            return


def _last_that_held(
    status: IncidentStatus, steps: Sequence[StatusStep], milestone: datetime | None
) -> datetime | None:
    """Return the incident's own time, else that of the last step if nothing undid it.

    A step back clears the incident's own time, so a time that is there was set afterwards.
    """
    if milestone is not None:
        return milestone
    reached = [step.at for step in steps if step.new is status]
    if not reached or _undone_after_last(status, steps):
        return None
    return reached[-1]


def _undone_after_last(status: IncidentStatus, steps: Sequence[StatusStep]) -> bool:
    touching = [step for step in steps if step.new is status or _undoes(step, status)]
    return bool(touching) and touching[-1].new is not status


def _undoes(step: StatusStep, status: IncidentStatus) -> bool:
    return step.is_step_back if status is IncidentStatus.MITIGATED else step.is_reopening


def _resolved_then_reopened(steps: Sequence[StatusStep]) -> tuple[Span, ...]:
    spans: list[Span] = []
    resolved_at: datetime | None = None
    for step in steps:
        if step.new is IncidentStatus.RESOLVED:
            resolved_at = step.at
        elif step.is_reopening and resolved_at is not None:
            spans.append(Span(resolved_at, max(resolved_at, step.at)))
            resolved_at = None
    return tuple(spans)


def _customer_impact(milestones: Milestones) -> timedelta | None:
    if not milestones.has_customer_impact:
        return timedelta(0)
    return _between(milestones.impact_started_at, milestones.impact_ended_at)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    if start is None or end is None or end < start:
        return None
    return end - start
