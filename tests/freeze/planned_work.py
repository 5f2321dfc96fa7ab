"""Notes effects and reminders as the program decides them, before refreshes coalesce.

Only this module knows where that happens: a unit of work plans what follows from an entry or event;
`outbox.add` and `reminders.apply_changes` take everything else.
"""

import contextlib
import dataclasses
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from incidents.engine import outbox, reminders
from incidents.engine.plan import IncidentPlan
from incidents.engine.unit_of_work import UnitOfWork
from tests.freeze.items import Item

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HALF_A_MINUTE = timedelta(seconds=30)
_PROGRAM = ("bot", "incidents")


class PlannedWork:
    """All plans of one scenario, by kind of entry, or by their own kind if there is no entry."""

    def __init__(self) -> None:
        self.items: set[Item] = set()
        self._decided: dict[int, Any] = {}

    def note_plan(self, plan: Any) -> None:
        """Note what follows from an entry or event, in the order of storing."""
        for one in (*plan.effects, *plan.reminders):
            self._decided[id(one)] = one
        gate = plan.facts.channel_effect_id if isinstance(plan, IncidentPlan) else None
        lines = [
            *_effect_lines(plan.effects, gate=gate),
            *(_reminder_line(change, now=plan.now) for change in plan.reminders),
        ]
        kind = getattr(plan.event, "kind", "")
        heading = f"entry {kind}" if kind else f"event {type(plan.event).__name__}"
        self.items.add(Item(heading, "\n".join(lines) or "nothing"))

    def note_effects(self, planned: Iterable[Any]) -> None:
        """Note effects that don't come from an entry's reaction."""
        for one in planned:
            if id(one) not in self._decided:
                owner = "entry known" if one.entry_id else "no entry"
                text = "\n".join(_effect_lines([one], gate=None))
                self.items.add(Item(f"{owner}: effect {one.effect.kind}", text))

    def note_reminders(self, changes: Iterable[Any], *, now: datetime) -> None:
        """Note reminders that don't come from an entry's reaction."""
        for one in changes:
            if id(one) not in self._decided:
                text = _reminder_line(one, now=now)
                self.items.add(Item(f"no entry: reminder {one.kind}", text))


@contextlib.contextmanager
def planned_work() -> Iterator[PlannedWork]:
    """Note all plans while the context is open."""
    work = PlannedWork()
    plans_of = UnitOfWork._plans
    add, change = outbox.add, reminders.apply_changes
    made: list[Any] = []

    async def noted_plans(uow: UnitOfWork, **rest: Any) -> Any:
        made[:] = await plans_of(uow, **rest)
        return list(made)

    async def noted_changes(session: Any, changes: Any, **rest: Any) -> Any:
        # The program calls this first after the reactions have run.
        while made:
            work.note_plan(made.pop(0))
        changes = list(changes)
        work.note_reminders(changes, now=rest["now"])
        return await change(session, changes, **rest)

    async def noted_add(session: Any, planned: Any, **rest: Any) -> Any:
        work.note_effects(planned)
        return await add(session, planned, **rest)

    wraps: tuple[tuple[Any, Any], ...] = (
        (add, noted_add),
        (change, noted_changes),
    )
    _replace_everywhere(wraps)
    UnitOfWork._plans = noted_plans  # type: ignore[method-assign, assignment]
    try:
        yield work
    finally:
        UnitOfWork._plans = plans_of  # type: ignore[method-assign]
        _replace_everywhere(tuple((wrapped, original) for original, wrapped in wraps))


def _replace_everywhere(wraps: tuple[tuple[Any, Any], ...]) -> None:
    """Replace these functions in every module that holds them, however it imported them."""
    news = {id(old): new for old, new in wraps}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _PROGRAM:
            continue
        names = vars(module)
        for key in [key for key, value in names.items() if id(value) in news]:
            setattr(module, key, news[id(names[key])])


def _effect_lines(planned: Iterable[Any], *, gate: uuid.UUID | None) -> Iterator[str]:
    kinds: dict[uuid.UUID, str] = {}
    for one in planned:
        yield " | ".join(
            part
            for part in (
                f"effect {one.effect.kind}",
                f"lane {_lane(one.lane)}",
                _waits_for(one.after_effect_id, gate=gate, kinds=kinds),
                "coalesces" if one.coalesce_key else "",
                f"with {', '.join(_set_fields(one.effect))}",
            )
            if part
        )
        kinds[one.id] = one.effect.kind


def _waits_for(
    after: uuid.UUID | None, *, gate: uuid.UUID | None, kinds: dict[uuid.UUID, str]
) -> str:
    if after is None:
        return ""
    if after in kinds:
        return f"after {kinds[after]}"
    return "after the channel" if after == gate else "after another"


def _lane(lane: str) -> str:
    return _UUID.sub("*", _UUID.sub("", lane, count=1) if _UUID.match(lane) else lane).strip(":")


def _set_fields(effect: Any) -> list[str]:
    return [
        field.name
        for field in dataclasses.fields(effect)
        if field.default is dataclasses.MISSING or getattr(effect, field.name) != field.default
    ]


def _reminder_line(change: Any, *, now: datetime) -> str:
    about = f"{change.kind} | about {change.subject_type}"
    if not isinstance(change, reminders.Remind):
        return f"reminder cancelled {about}"
    data = f" | with {', '.join(sorted(change.data))}" if change.data else ""
    delay = _rounded(change.due_at - now)
    return f"reminder set {about} | in {delay} | step {change.step}{data}"


def _rounded(delay: timedelta) -> timedelta:
    """Round to half minutes: waiting out a rate limit moves the clock by seconds."""
    return _HALF_A_MINUTE * round(delay / _HALF_A_MINUTE)
