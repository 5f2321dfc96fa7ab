"""In any order of events, a ladder ends with somebody on it, or says that nobody is.

Events: timeouts, answers, redirections, departures, absences, late group lookups, changes of
severity, jumps, the incident's end and restarts, on both databases.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from incidents.core.errors import DomainError
from incidents.core.people import Actor, PersonFacts, Workspace
from incidents.engine.effects import TellPerson
from incidents.engine.reminders import ReminderKind
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.answers import call_step, decline, redirect, take
from incidents.escalation.effects import LookUpCallees
from incidents.escalation.entries import (
    EscalationCalled,
    EscalationDeclined,
    EscalationExhausted,
    EscalationRedirected,
    EscalationTaken,
    EscalationWithdrawn,
)
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.ladder import note_unavailable, resume_step
from incidents.escalation.tables import EscalationStatus
from incidents.escalation.targets import PersonTarget
from incidents.escalation.views import EscalationView, get_escalation_view
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel
from incidents.people.directory import GroupFacts, save_group
from incidents.policy.escalation import Callee, LadderStep
from incidents.policy.references import GroupRef, PersonRef, RoleRef
from incidents.registry.rules import RULES
from incidents.roles.departures import save_people
from incidents.storage.database import open_database
from tests.chance import examples
from tests.policies import built_in
from tests.world import World

PEOPLE = ("bob", "carol", "dave")
GROUP = GroupRef(handle="oncall")
MEMBERS = ("UCAROL", "UDAVE")

_callees: st.SearchStrategy[Callee] = st.sampled_from(
    [PersonRef(user_id="UBOB"), PersonRef(user_id="UCAROL"), GROUP, RoleRef("commander")]
)
LADDERS = st.lists(
    st.lists(_callees, min_size=1, max_size=2, unique=True).map(
        lambda who: LadderStep(who=tuple(who))
    ),
    min_size=1,
    max_size=3,
)
_somebody = st.sampled_from(PEOPLE)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([1, 3, 5, 16])),
        st.tuples(st.just("take"), _somebody),
        st.tuples(st.just("decline"), _somebody),
        st.tuples(st.just("redirect"), _somebody, _somebody),
        st.tuples(st.just("away"), st.integers(0, 5)),
        st.tuples(st.just("severity"), st.sampled_from(["sev1", "sev2", "sev4"])),
        st.tuples(st.just("deactivate"), _somebody),
        st.tuples(st.just("call_step"), st.integers(1, 6)),
        st.tuples(st.just("group_known")),
        st.tuples(st.just("looked_up"), st.booleans()),
        st.tuples(st.just("restart")),
        st.tuples(st.just("cancel")),
    ),
    max_size=12,
)
Event = tuple[Any, ...]


@dataclass
class Play:
    """Plays one escalation through, and checks it after each event."""

    url: str
    world: World
    incident_id: uuid.UUID = field(default_factory=uuid.uuid4)
    escalation_id: uuid.UUID = field(default_factory=uuid.uuid4)
    people: dict[str, Actor] = field(default_factory=dict)
    gone: set[uuid.UUID] = field(default_factory=set)
    checked: int = 0

    async def begin(self, ladder: list[LadderStep], *, is_group_known: bool) -> None:
        section = replace(self.world.policy.escalation, steps=tuple(ladder))
        self.world.change_policy(escalation=section)

        async def save(uow: UnitOfWork) -> Outcome:
            name = f"T{self.world.workspace_id.hex}"
            uow.session.add(Workspace(id=self.world.workspace_id, external_id=name))
            return Outcome("saved")

        await self.world.run(save)
        for name in ("alice", *PEOPLE):
            self.people[name] = await self.world.person(name)
        if is_group_known:
            await self._group_known()
        alice = self.people["alice"]
        self.incident_id = await self.world.declare("Logins fail", by=alice, severity_key="sev3")
        outcome = await self.world.run(
            partial(escalate, ref=ById(self.incident_id), draft=EscalationDraft()), by=alice
        )
        self.escalation_id = uuid.UUID(outcome.data["escalation_id"])

    async def do(self, event: Event) -> None:
        """Play one event; the domain may refuse it."""
        name, *given_ = event
        with contextlib.suppress(DomainError):
            await self._events()[name](*given_)

    def _events(self) -> dict[str, Callable[..., Awaitable[None]]]:
        return {
            "wait": self._wait,
            "take": lambda who: self._answer(take, by=who),
            "decline": lambda who: self._answer(decline, by=who, reason="Not now"),
            "redirect": lambda who, target: self._answer(
                redirect, by=who, target=PersonTarget(external_id=f"U{target.upper()}")
            ),
            "away": self._away,
            "severity": self._severity,
            "deactivate": self._deactivate,
            "call_step": lambda step: self._answer(call_step, by="alice", step=step),
            "group_known": self._group_known,
            "looked_up": self._looked_up,
            "restart": self._restart,
            "cancel": self._cancel,
        }

    async def _wait(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))
        await self.world.tick()

    async def _answer(self, use_case: Any, *, by: str | None = None, **given_: Any) -> None:
        actor = self.people[by] if by else None
        if actor is not None and actor.person_id in self.gone:
            return
        await self.world.run(
            partial(use_case, escalation_id=self.escalation_id, **given_), by=actor
        )

    async def _away(self, index: int) -> None:
        calls = (await self.view()).calls
        if index < len(calls):
            await self._answer(note_unavailable, call_id=calls[index].id, how="do not disturb")

    async def _severity(self, key: str) -> None:
        change = partial(change_severity, ref=ById(self.incident_id), severity_key=key)
        await self.world.run(change)

    async def _deactivate(self, name: str) -> None:
        facts = PersonFacts(f"U{name.upper()}", is_active=False)
        await self.world.run(partial(save_people, people=[facts]))
        person_id = self.people[name].person_id
        assert person_id is not None
        self.gone.add(person_id)

    async def _group_known(self) -> None:
        await self.world.run(partial(save_group, facts=GroupFacts("S0ONCALL", "oncall", MEMBERS)))

    async def _looked_up(self, is_found: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        for effect in await self.world.effects(LookUpCallees):
            if effect.escalation_id == self.escalation_id:
                if is_found:
                    await self._group_known()
                missing = [] if is_found else [str(GROUP)]
                await self._answer(resume_step, step_id=effect.step_id, not_found=missing)

    async def _restart(self) -> None:
        """Continue as a new process would, with only the database."""
        await self.world.database.close()
        self.world.database = open_database(self.url)
        self.world.transactions = Transactions(
            self.world.database, clock=self.world.clock, policy=self.world.policy, rules=RULES
        )

    async def _cancel(self) -> None:
        await self.world.run(partial(cancel, ref=ById(self.incident_id), reason="False alarm"))

    async def view(self) -> EscalationView:
        async with self.world.database.reading() as session:
            return await get_escalation_view(
                session,
                self.escalation_id,
                policy=self.world.policy,
                now=self.world.clock.now(),
            )

    async def check(self) -> None:
        """Check what must always hold."""
        view = await self.view()
        timers = [
            reminder
            for reminder in await self.world.pending_reminders()
            if reminder.kind == ReminderKind.ESCALATION_UNANSWERED
            and reminder.subject_id == self.escalation_id
        ]
        if view.status is EscalationStatus.CALLING:
            # A timer is set, and the card says when it ends.
            assert [timer.due_at for timer in timers] == [view.due_at]
        else:
            assert timers == []
            assert view.due_at is None
        entries = await self.world.entries(self.incident_id)
        for entry in entries[self.checked :]:
            self._check_entry(entry, entries)
        self.checked = len(entries)
        self._check_calls(view)

    def _check_entry(self, entry: TimelineEntry, entries: list[TimelineEntry]) -> None:
        step = EscalationCalled.read(entry.content)
        if entry.kind != EscalationCalled.kind or step is None or not step.people:
            return
        called = {one.person.id for one in step.people}
        assert not called & self.gone
        assert self.people["alice"].person_id not in called
        before = [one for one in entries if one.sequence < entry.sequence]
        assert not _is_answered(before), "called after it was answered"

    def _check_calls(self, view: EscalationView) -> None:
        by_ladder = [
            call.person.id for step in view.steps if not step.is_redirect for call in step.calls
        ]
        assert len(by_ladder) == len(set(by_ladder)), "called twice without a redirection"

    async def finish(self) -> None:
        """Let time pass until nothing is pending, and check how it ended."""
        for _ in range(40):
            if (await self.view()).status is not EscalationStatus.CALLING:
                break
            await self._wait(20)
            await self.check()
        view = await self.view()
        entries = await self.world.entries(self.incident_id)
        await self._wait(60 * 24)
        kinds = {one.kind for one in (await self.world.entries(self.incident_id))[len(entries) :]}
        assert not any(kind.startswith("escal") for kind in kinds)
        last = [one for one in entries if one.kind in _ENDS][-1]
        assert last.kind == _END_OF[view.status]
        if view.status is EscalationStatus.EXHAUSTED:
            told = await self.world.effects(TellPerson)
            assert self.people["alice"].person_id in {
                effect.person_id for effect in told if effect.entry_id == last.id
            }


_END_OF = {
    EscalationStatus.TAKEN: EscalationTaken.kind,
    EscalationStatus.EXHAUSTED: EscalationExhausted.kind,
    EscalationStatus.OVER: EscalationWithdrawn.kind,
}
_ENDS = frozenset(_END_OF.values())


def _is_answered(entries: list[TimelineEntry]) -> bool:
    """Tell whether, after these entries, somebody is on it or it was withdrawn."""
    on_it: str | None = None
    for entry in entries:
        person = (entry.content or {}).get("person") or {}
        match entry.kind:
            case EscalationTaken.kind:
                on_it = person["id"]
            case EscalationDeclined.kind | EscalationRedirected.kind:
                # Only the person on it can pass it on.
                assert on_it in {None, person["id"]}
                on_it = None
            case EscalationWithdrawn.kind:
                return True
    return on_it is not None


async def _play(
    url: str, ladder: list[LadderStep], events: list[Event], *, is_group_known: bool
) -> None:
    database = open_database(url)
    play = Play(url, World(database, built_in().policy))
    try:
        await play.begin(ladder, is_group_known=is_group_known)
        await play.check()
        for event in events:
            await play.do(event)
            await play.check()
        await play.finish()
    finally:
        await play.world.database.close()


_BOB, _CAROL = (LadderStep(who=(PersonRef(user_id=name),)) for name in ("UBOB", "UCAROL"))
_GROUP = LadderStep(who=(GROUP,))


@settings(
    max_examples=examples(12),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ladder=LADDERS, events=EVENTS, is_group_known=st.booleans())
@example(
    ladder=[_BOB, _CAROL], events=[("deactivate", "carol"), ("wait", 16)], is_group_known=False
)
@example(ladder=[_GROUP], events=[("restart",)], is_group_known=False)
@example(ladder=[_CAROL, _GROUP], events=[("wait", 16)], is_group_known=True)
@example(ladder=[_BOB, _CAROL], events=[("restart",), ("wait", 16)], is_group_known=False)
@example(ladder=[_BOB], events=[("wait", 16), ("take", "bob"), ("restart",)], is_group_known=False)
def test_every_ladder_ends_with_somebody_on_it_or_a_loud_exhaustion(
    database_url: str,
    ladder: list[LadderStep],
    events: list[Event],
    is_group_known: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    asyncio.run(_play(database_url, ladder, events, is_group_known=is_group_known))
