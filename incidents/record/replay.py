"""Replays an incident's entries and compares the result with its rows.

The chain proves the entries; this proves what is shown from the rows beside them. What an entry
can no longer tell, because its content is gone, isn't compared until a later entry says it again.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

from incidents.core.hash_chain import Flaw, instant_text
from incidents.engine.entries import Acknowledged
from incidents.incident.entries import (
    Declared,
    Edited,
    MilestoneSet,
    MovedToPrivate,
    SeverityChanged,
    StatusChanged,
    UpdatePosted,
)
from incidents.incident.incident import Incident
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import Redacted


class _Unknown(Enum):
    """What no entry says any more."""

    UNKNOWN = auto()


_UNKNOWN: Final = _Unknown.UNKNOWN
_NEVER_SET: Final = (
    *("impact_started_at", "impact_ended_at", "acknowledged_at", "mitigated_at"),
    *("resolved_at", "closed_at", "cancelled_at", "last_update_at"),
)
_SEVERITY: Final = ("severity_key", "severity_name", "severity_rank")
_TEXTS: Final = ("title", "summary", "impact", "services")


@dataclass(frozen=True, slots=True)
class _Period:
    role_key: str
    person_id: uuid.UUID
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(slots=True)
class _State:
    """What the entries say so far; `roles` is None once an entry about roles can't be read."""

    values: dict[str, Any] = field(default_factory=dict)
    ended: list[_Period] = field(default_factory=list)
    held: dict[tuple[str, uuid.UUID], datetime] = field(default_factory=dict)
    knows_roles: bool = True

    def forget(self, names: Iterable[str]) -> None:
        self.values.update(dict.fromkeys(names, _UNKNOWN))


def compare_with_rows(
    incident: Incident,
    roles: Collection[RoleAssignment],
    entries: Iterable[TimelineEntry],
    *,
    duplicate_of: str | None,
) -> Iterator[Flaw]:
    """Yield what the rows of an incident say otherwise than its entries, which are in order.

    `duplicate_of` is the reference of the incident that the row points at, if it points at one.
    """
    given = tuple(entries)
    state = _replay(given)
    last = given[-1].sequence if given else 0
    original = state.values.pop("duplicate_of", _UNKNOWN)
    if original is not _UNKNOWN and not _agree_on_original(original, duplicate_of):
        yield Flaw(last, "duplicate_of_differs")
    for name, said in state.values.items():
        if said is not _UNKNOWN and getattr(incident, name) != said:
            yield Flaw(last, f"{name}_differs")
    if state.knows_roles and not _agree_on_roles(state, roles):
        yield Flaw(last, "roles_differ")


def replayed_values(entries: Collection[TimelineEntry]) -> Mapping[str, Any]:
    """Return what the entries, in order, say about the incident's fields, as far as they can."""
    values = _replay(tuple(entries)).values
    return {name: said for name, said in values.items() if said is not _UNKNOWN}


def replayed_periods(entries: Collection[TimelineEntry]) -> list[tuple[str, str]] | None:
    """Return the periods in which each role was held, in order; None if the entries can't tell."""
    state = _replay(tuple(entries))
    if not state.knows_roles:
        return None
    times = [(one.started_at, one.ended_at) for one in state.ended]
    times += [(since, None) for since in state.held.values()]
    return sorted((instant_text(start), _until(end)) for start, end in times)


def _until(end: datetime | None) -> str:
    return str(None) if end is None else instant_text(end)


def with_contents(
    entries: Iterable[TimelineEntry],
) -> Iterator[tuple[TimelineEntry, Mapping[str, Any] | None]]:
    """Yield each entry with its content, or what a redaction kept of it."""
    given = tuple(entries)
    kept = _kept_by_redactions(given)
    for entry in given:
        yield entry, entry.content if entry.content is not None else kept.get(entry.id)


def _replay(entries: tuple[TimelineEntry, ...]) -> _State:
    state = _State()
    for entry, content in with_contents(entries):
        _apply(state, entry, content)
    return state


def _agree_on_original(said: str | None, stored: str | None) -> bool:
    """Compare what an incident is a duplicate of; "" is a private one, which only the row names."""
    if said == "":
        return stored is not None
    return said == stored


def _kept_by_redactions(
    entries: Iterable[TimelineEntry],
) -> Mapping[uuid.UUID, Mapping[str, Any]]:
    """Return what redactions kept of the entries they erased: all but people's text."""
    kept: dict[uuid.UUID, Mapping[str, Any]] = {}
    for entry in entries:
        redacted = Redacted.read(entry.content) if entry.kind == Redacted.kind else None
        if redacted is not None and entry.target_id is not None and redacted.kept:
            kept[entry.target_id] = redacted.kept
    return kept


def _agree_on_roles(state: _State, roles: Collection[RoleAssignment]) -> bool:
    said = [
        *state.ended,
        *(_Period(role_key, person, since) for (role_key, person), since in state.held.items()),
    ]
    stored = [
        _Period(role.role_key, role.person_id, role.started_at, role.ended_at) for role in roles
    ]
    return sorted(said, key=repr) == sorted(stored, key=repr)


# -- one entry ----------------------------------------------------------------------------------


def _apply(state: _State, entry: TimelineEntry, content: Mapping[str, Any] | None) -> None:
    if entry.kind == Acknowledged.kind:
        state.values["acknowledged_at"] = entry.recorded_at
        return
    step = _STEPS.get(entry.kind)
    if step is None:
        return
    payload = step.payload_type.read(content)
    if payload is not None:
        step.apply(state, entry, payload)
        return
    state.forget(step.says)
    if not step.says:
        state.knows_roles = False


def _declared(state: _State, entry: TimelineEntry, said: Declared) -> None:
    state.values.update(dict.fromkeys(_NEVER_SET), resolution="", duplicate_of=None)
    state.values.update(
        title=said.title,
        summary=said.summary,
        impact=said.impact,
        services=list(said.services),
        severity_key=said.severity_key,
        severity_name=said.severity,
        severity_rank=said.severity_rank or _UNKNOWN,
        status=said.status,
        is_private=said.is_private,
        is_drill=said.is_drill,
        detected_at=said.detected_at,
        declared_at=entry.recorded_at,
        declared_by_id=entry.actor_id,
    )


def _status_changed(state: _State, entry: TimelineEntry, said: StatusChanged) -> None:
    state.values["status"] = said.new
    if said.is_reopening:
        state.values["resolution"] = ""
    if said.resolution:
        state.values["resolution"] = said.resolution
    if said.is_duplicate:
        state.values["duplicate_of"] = said.duplicate_of
    moved = {name: one.new for name, one in said.milestones.items() if name in _MILESTONES}
    state.values.update(moved)


def _severity_changed(state: _State, entry: TimelineEntry, said: SeverityChanged) -> None:
    state.values.update(
        severity_key=said.new_key, severity_name=said.new, severity_rank=said.new_rank
    )


def _edited(state: _State, entry: TimelineEntry, said: Edited) -> None:
    for name, change in said.changes.items():
        if name in _TEXTS:
            state.values[name] = change.new if isinstance(change.new, str) else list(change.new)


def _milestone_set(state: _State, entry: TimelineEntry, said: MilestoneSet) -> None:
    if said.name in _MILESTONES:
        state.values[said.name] = said.new


def _update_posted(state: _State, entry: TimelineEntry, said: UpdatePosted) -> None:
    state.values["last_update_at"] = entry.recorded_at
    changed = said.changes.get("impact")
    if isinstance(changed, Mapping):
        state.values["impact"] = changed.get("new", _UNKNOWN)


def _moved_to_private(state: _State, entry: TimelineEntry, said: MovedToPrivate) -> None:
    state.values["is_private"] = True


def _role_assigned(
    state: _State, entry: TimelineEntry, said: RoleAssigned | CommanderChanged
) -> None:
    if said.previous is not None:
        _end(state, said.role, said.previous.id, entry.recorded_at)
    if said.person.id is None:
        state.knows_roles = False
    else:
        state.held[said.role, said.person.id] = entry.recorded_at


def _role_ended(state: _State, entry: TimelineEntry, said: RoleEnded) -> None:
    _end(state, said.role, said.person.id, entry.recorded_at)


def _end(state: _State, role: str, person_id: uuid.UUID | None, at: datetime) -> None:
    since = state.held.pop((role, person_id), None) if person_id is not None else None
    if since is None or person_id is None:
        state.knows_roles = False
    else:
        state.ended.append(_Period(role, person_id, since, at))


@dataclass(frozen=True, slots=True)
class _Step:
    """How an entry changes the state, and what isn't known any more if it can't be read."""

    payload_type: type[Payload]
    apply: Callable[[_State, TimelineEntry, Any], None]
    says: tuple[str, ...] = ()


_MILESTONES: Final = (
    *("detected_at", "impact_started_at", "impact_ended_at", "mitigated_at"),
    *("resolved_at", "closed_at", "cancelled_at"),
)
_DECLARED: Final = (*_TEXTS, *_SEVERITY, "status", "is_private", "is_drill", "detected_at")
_STEPS: Final[Mapping[str, _Step]] = MappingProxyType(
    {
        step.payload_type.kind: step
        for step in (
            _Step(Declared, _declared, _DECLARED),
            _Step(
                StatusChanged,
                _status_changed,
                ("status", "resolution", "duplicate_of", *_MILESTONES),
            ),
            _Step(SeverityChanged, _severity_changed, _SEVERITY),
            _Step(Edited, _edited, _TEXTS),
            _Step(MilestoneSet, _milestone_set, _MILESTONES),
            _Step(UpdatePosted, _update_posted, ("impact",)),
            _Step(MovedToPrivate, _moved_to_private, ("is_private",)),
            _Step(RoleAssigned, _role_assigned),
            _Step(RoleEnded, _role_ended),
            _Step(CommanderChanged, _role_assigned),
        )
    }
)
