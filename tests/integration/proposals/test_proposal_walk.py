"""A random walk of proposals: nobody approves their own, nothing runs without agreement."""

import asyncio
import uuid
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
    rule,
    run_state_machine_as_test,
)

from incidents.core.errors import DomainError, NeedsApproval
from incidents.core.people import Actor, Workspace
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.lifecycle.severity import change_severity
from incidents.policy.proposals import Need
from incidents.policy.supervision import Stage
from incidents.proposals.answers import approve, break_glass, decline
from incidents.proposals.ask import ask_for_draft, keep_draft, revise
from incidents.proposals.carry_out import abandon, carry_out
from incidents.proposals.tables import ProposalWords
from incidents.storage.database import open_database
from tests.chance import examples
from tests.integration.proposals.test_proposals import Scene
from tests.policies import built_in
from tests.world import World

Result = TypeVar("Result")

NAMES = st.sampled_from(["carol", "jo", "bob", "max"])
CLASSES = st.sampled_from(["safe", "change", "destructive"])
# Below solo and back: rights change between approving and carrying out.
STAGES = st.sampled_from([Stage.ASSIST, Stage.SOLO])
OLD = st.sampled_from([None, 1, 2])


class Walk(RuleBasedStateMachine):
    """People propose, approve, decline and carry out in any order; time passes, rights change."""

    known = Bundle("known")

    database_url: str  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.scene: Scene = self.await_(_open_scene(self.database_url))

    def teardown(self) -> None:
        self.await_(self.scene.world.database.close())
        self.runner.close()

    def await_(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def who(self, name: str) -> Actor:
        found: Actor = getattr(self.scene, name)
        return found

    def attempt(self, verb: Any, proposal_id: uuid.UUID, name: str, **details: Any) -> None:
        try:
            self.await_(self.scene.do(verb, proposal_id, self.who(name), **details))
        except DomainError:
            return

    # -- what people do ---------------------------------------------------------------------

    @initialize(target=known)
    def first(self) -> uuid.UUID:
        return self.await_(self.scene.propose("change"))

    @rule(target=known, name=NAMES, class_key=CLASSES)
    def propose(self, name: str, class_key: str) -> uuid.UUID:
        return self.await_(self.scene.propose(class_key, by=self.who(name)))

    @rule(target=known, key=st.sampled_from(["sev3", "sev4", "sev5"]))
    def command(self, key: str) -> uuid.UUID:
        """Jo lowers the severity; where that needs agreement, they ask for it."""
        scene = self.scene
        lower = partial(change_severity, ref=scene.ref, severity_key=key)
        try:
            self.await_(scene.world.run(lower, by=scene.jo))
        except NeedsApproval as needed:
            kept = partial(keep_draft, needed=needed)
            outcome = self.await_(scene.world.run(kept, by=scene.jo))
            proposal_id = uuid.UUID(outcome.data["proposal_id"])
            self.attempt(ask_for_draft, proposal_id, "jo")
            return proposal_id
        except DomainError:
            pass
        return self.await_(scene.propose("change"))

    @rule(proposal_id=known, name=NAMES, version=OLD)
    def approve(self, proposal_id: uuid.UUID, name: str, version: int | None) -> None:
        self.attempt(approve, proposal_id, name, version=version)

    @rule(proposal_id=known, name=NAMES)
    def decline(self, proposal_id: uuid.UUID, name: str) -> None:
        self.attempt(decline, proposal_id, name, reason="No")

    @rule(proposal_id=known, name=NAMES, class_key=CLASSES)
    def revise(self, proposal_id: uuid.UUID, name: str, class_key: str) -> None:
        words = ProposalWords(text="Something else")
        self.attempt(revise, proposal_id, name, words=words, class_key=class_key)

    @rule(proposal_id=known, name=NAMES, reason=st.sampled_from(["", "Now"]))
    def break_glass(self, proposal_id: uuid.UUID, name: str, reason: str) -> None:
        self.attempt(break_glass, proposal_id, name, reason=reason)

    @rule(proposal_id=known, name=NAMES, version=OLD)
    def carry_out(self, proposal_id: uuid.UUID, name: str, version: int | None) -> None:
        self.attempt(carry_out, proposal_id, name, version=version)

    @rule(proposal_id=known, name=NAMES)
    def abandon(self, proposal_id: uuid.UUID, name: str) -> None:
        self.attempt(abandon, proposal_id, name, reason="Not needed")

    @rule(name=NAMES, stage=STAGES)
    def learn(self, name: str, stage: Stage) -> None:
        self.scene.supervise(stage, who=self.who(name))

    @rule(minutes=st.sampled_from([1, 5, 16, 31]), is_away=st.booleans())
    def wait(self, *, minutes: int, is_away: bool) -> None:
        if is_away:  # the reminders fire later
            self.scene.world.clock.advance(timedelta(minutes=minutes))
        else:
            self.await_(self.scene.pass_(minutes=minutes))

    # -- what has to hold -------------------------------------------------------------------

    @invariant()
    def nothing_runs_without_agreement(self) -> None:
        allowed: dict[str, str] = {}
        entries = self.await_(self.scene.world.entries(self.scene.incident_id))
        for entry in entries:
            content = entry.content or {}
            key = str(content.get("proposal_id"))
            match entry.kind:
                case "action_proposed" | "proposal_revised":
                    is_free = content["needs"] == Need.NOBODY
                    allowed[key] = "nobody" if is_free else ""
                case "proposal_approved":
                    assert str(entry.actor_id) != content["requester"]["id"]
                    assert allowed[key] == ""
                    allowed[key] = "approved"
                case "break_glass":
                    assert content["reason"]
                    allowed[key] = "glass"
                case "proposal_carried_out":
                    assert allowed[key] in {"nobody", "approved", "glass"}
                    allowed[key] = "over"
                case "proposal_declined" | "proposal_expired" | "proposal_abandoned":
                    allowed[key] = "over"
                case "approval_lapsed":
                    allowed[key] = ""


async def _open_scene(database_url: str) -> Scene:
    """Open a new workspace, since all walks of a test share the database."""
    world = World(open_database(database_url), built_in().policy)

    async def save(uow: UnitOfWork) -> Outcome:
        uow.session.add(Workspace(id=world.workspace_id, external_id=str(world.workspace_id)))
        return Outcome("saved")

    await world.run(save)
    return await Scene(world).open()


@pytest.mark.hypothesis
def test_somebody_else_always_agrees_before_anything_runs(database_url: str) -> None:
    class Here(Walk):
        pass

    Here.database_url = database_url
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples(10),
            stateful_step_count=25,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
