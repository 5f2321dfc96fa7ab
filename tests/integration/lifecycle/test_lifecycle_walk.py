"""A random walk over the lifecycle: the record is correct after each step."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from incidents.core.errors import DomainError
from incidents.core.ids import parse_reference
from incidents.core.people import Actor, Workspace
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.cadence import cadence_for
from incidents.incident.incident import ById
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, OPEN_STATUSES, IncidentStatus
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import IncidentView
from incidents.lifecycle.edit import Edit, edit
from incidents.lifecycle.milestones import set_milestones
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel, change_status, close, mark_duplicate, reopen
from incidents.storage.database import open_database
from tests.chance import examples
from tests.policies import built_in
from tests.world import World

Result = TypeVar("Result")

FEW = 3  # incidents: few, so that steps meet

_HAS_IMPACT = {"unsaid": None, "some": True, "none": False}


class Walk(RuleBasedStateMachine):
    """People do random things; each step is its own transaction."""

    known = Bundle("known")

    database_url: str  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = self.await_(_open_world(self.database_url))
        self.alice: Actor = self.await_(self.world.person("alice"))
        self.incident_ids: list[uuid.UUID] = []

    def teardown(self) -> None:
        self.await_(self.world.database.close())
        self.runner.close()

    def await_(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def attempt(self, incident_id: uuid.UUID, use_case: UseCase) -> None:
        """Try a step: if done, it is recorded; if refused, nothing has changed."""
        before = self.look(incident_id)
        try:
            self.await_(self.world.run(use_case))
        except DomainError:
            assert self.look(incident_id) == before
            return
        view, entries = self.look(incident_id)[0], self.entries(incident_id)
        assert len(entries) > len(before[1])
        if view.status != before[0].status:
            assert view.status in ALLOWED_TRANSITIONS[before[0].status]
            step = [entry for entry in entries if entry.kind == "status_changed"][-1]
            content = step.content or {}
            assert (content["old"], content["new"]) == (before[0].status, view.status)

    def look(self, incident_id: uuid.UUID) -> tuple[IncidentView, list[tuple[int, str]]]:
        view = self.await_(self.world.view(incident_id))
        return view, [(entry.sequence, entry.kind) for entry in self.entries(incident_id)]

    def entries(self, incident_id: uuid.UUID) -> list[TimelineEntry]:
        return self.await_(self.world.entries(incident_id))  # verifies the chain too

    # -- what people do ---------------------------------------------------------------------

    @initialize(target=known)
    def first(self) -> uuid.UUID:
        return self.declared("sev2")

    @precondition(lambda self: len(self.incident_ids) < FEW)
    @rule(target=known, severity=st.sampled_from(["sev1", "sev3", "sev4"]))
    def declare(self, severity: str) -> uuid.UUID:
        return self.declared(severity)

    def declared(self, severity: str) -> uuid.UUID:
        number = len(self.incident_ids)
        incident_id = self.await_(
            self.world.declare(f"Outage {number}", by=self.alice, severity_key=severity)
        )
        self.incident_ids.append(incident_id)
        return incident_id

    @rule(incident=known, to=st.sampled_from(OPEN_STATUSES), text=st.sampled_from(["", "Hm"]))
    def status(self, incident: uuid.UUID, to: IncidentStatus, text: str) -> None:
        self.attempt(incident, partial(change_status, ref=ById(incident), target=to, text=text))

    @rule(incident=known, key=st.sampled_from(["sev1", "sev2", "sev4", "sev9"]))
    def severity(self, incident: uuid.UUID, key: str) -> None:
        self.attempt(incident, partial(change_severity, ref=ById(incident), severity_key=key))

    @rule(incident=known, title=st.sampled_from(["", "Outage", "=cmd|' /C'", "<!channel>"]))
    def edit(self, incident: uuid.UUID, title: str) -> None:
        wanted = Edit(changes={"title": title})
        self.attempt(incident, partial(edit, ref=ById(incident), wanted=wanted))

    @rule(
        incident=known,
        impact=st.sampled_from(list(_HAS_IMPACT)),
        ago=st.sampled_from([None, -5, 0, 20]),
        text=st.sampled_from(["", "Rolled back"]),
    )
    def resolve(self, incident: uuid.UUID, impact: str, ago: int | None, text: str) -> None:
        now = self.world.clock.now()
        resolution = Resolution(
            text=text,
            has_customer_impact=_HAS_IMPACT[impact],
            impact_started_at=None if ago is None else now - timedelta(minutes=ago),
            impact_ended_at=None if ago is None else now,
        )
        self.attempt(incident, partial(resolve, ref=ById(incident), resolution=resolution))

    @rule(incident=known)
    def resolve_well(self, incident: uuid.UUID) -> None:
        resolution = Resolution(text="Rolled back", has_customer_impact=False)
        self.attempt(incident, partial(resolve, ref=ById(incident), resolution=resolution))

    @rule(incident=known)
    def close(self, incident: uuid.UUID) -> None:
        self.attempt(incident, partial(close, ref=ById(incident)))

    @rule(incident=known, reason=st.sampled_from(["", "It is back"]))
    def reopen(self, incident: uuid.UUID, reason: str) -> None:
        self.attempt(incident, partial(reopen, ref=ById(incident), reason=reason))

    @rule(incident=known, reason=st.sampled_from(["", "False alarm"]))
    def cancel(self, incident: uuid.UUID, reason: str) -> None:
        self.attempt(incident, partial(cancel, ref=ById(incident), reason=reason))

    @rule(incident=known, other=known)
    def duplicate(self, incident: uuid.UUID, other: uuid.UUID) -> None:
        original = parse_reference(self.look(other)[0].reference)
        assert original is not None
        self.attempt(incident, partial(mark_duplicate, ref=ById(incident), original=original))

    @rule(
        incident=known,
        name=st.sampled_from(["detected_at", "mitigated_at", "resolved_at", "impact_ended_at"]),
        ago=st.sampled_from([None, -3, 1, 400]),
    )
    def milestone(self, incident: uuid.UUID, name: str, ago: int | None) -> None:
        value = None if ago is None else self.world.clock.now() - timedelta(minutes=ago)
        self.attempt(incident, partial(set_milestones, ref=ById(incident), moments={name: value}))

    @rule(minutes=st.sampled_from([1, 16, 70]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))
        self.await_(self.world.tick())

    # -- what holds after each step -----------------------------------------------------------

    @invariant()
    def the_record_is_correct(self) -> None:
        pending = self.await_(self.world.pending_reminders())
        subjects = Counter((one.kind, one.subject_type, one.subject_id) for one in pending)
        assert not [subject for subject, count in subjects.items() if count > 1]
        reminded = {one.incident_id for one in pending if one.kind == ReminderKind.UPDATE_DUE}
        for incident_id in self.incident_ids:
            view = self.await_(self.world.view(incident_id))
            self.check_steps(view, self.entries(incident_id))
            self.check_milestones(view)
            cadence = cadence_for(
                self.world.policy, severity_key=view.severity_key, status=view.status
            )
            assert (view.next_update_due_at is None) == (cadence is None)
            assert cadence is not None or incident_id not in reminded

    def check_steps(self, view: IncidentView, entries: list[TimelineEntry]) -> None:
        """The entries have no gap and lead to the status by allowed steps."""
        assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
        status = IncidentStatus.TRIAGE
        for entry in entries:
            if entry.kind != "status_changed":
                continue
            content = entry.content or {}
            assert content["old"] == status
            assert IncidentStatus(content["new"]) in ALLOWED_TRANSITIONS[status]
            status = IncidentStatus(content["new"])
        assert view.status is status

    def check_milestones(self, view: IncidentView) -> None:
        assert (view.resolved_at is not None) == (
            view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
        )
        assert (view.closed_at is not None) == (view.status is IncidentStatus.CLOSED)
        assert (view.cancelled_at is not None) == (view.status is IncidentStatus.CANCELLED)
        assert view.duplicate_of_id is None or view.status is IncidentStatus.CANCELLED
        if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}:
            assert view.resolution


async def _open_world(database_url: str) -> World:
    """Open a new workspace, since all walks of a test share the database."""
    world = World(open_database(database_url), built_in().policy)

    async def save(uow: UnitOfWork) -> Outcome:
        uow.session.add(Workspace(id=world.workspace_id, external_id=str(world.workspace_id)))
        return Outcome("saved")

    await world.run(save)
    return world


@pytest.mark.hypothesis
def test_the_record_stays_correct_whatever_people_do(database_url: str) -> None:
    class Here(Walk):
        pass

    Here.database_url = database_url
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples(8),
            stateful_step_count=30,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
