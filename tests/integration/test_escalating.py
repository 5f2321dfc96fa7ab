"""Escalating: whom it calls, what is recorded, and how it is answered."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from incidents.effects import (
    CallForEscalation,
    InvitePerson,
    LookUpCallees,
    RefreshEscalationCard,
    TellPerson,
)
from incidents.errors import (
    AlreadySo,
    IncidentNotFound,
    InvalidInput,
    NotPermitted,
    Superseded,
)
from incidents.escalating import EscalationDraft, escalate
from incidents.escalation_answers import (
    ask_for_more,
    call_step,
    complete,
    decline,
    rate_packet,
    redirect,
    take,
    withdraw,
)
from incidents.escalation_ladder import note_unavailable, resume_step
from incidents.escalation_policy import AbsentPerson, LadderStep, Relation, Service
from incidents.escalation_targets import GroupTarget, PersonTarget, RoleTarget, ServiceTarget
from incidents.escalation_views import EscalationView, find_scores, get_escalation_view
from incidents.escalations import CallStatus, EscalationStatus, PacketRating, StepStatus
from incidents.incident import ById
from incidents.packet import Packet, PacketField
from incidents.people import Actor
from incidents.policy_refs import GroupRef, PersonRef, RoleRef
from incidents.timeline import EntryKind
from incidents.unit_of_work import Outcome
from tests.world import World

PACKET = Packet(ask="Is it safe to fail over?", symptoms="Logins fail", scope="12 %")


class Escalations:
    """Escalations in a world, with an incident that Alice declared."""

    def __init__(self, world: World, incident_id: uuid.UUID, alice: Actor) -> None:
        self.world = world
        self.incident_id = incident_id
        self.alice = alice
        self.id = uuid.UUID(int=0)

    async def escalate(self, *, by: Actor | None = None, **draft: Any) -> Outcome:
        """Escalate and remember which escalation it is."""
        wanted = EscalationDraft(**{"packet": PACKET, **draft})
        outcome = await self.world.run(
            partial(escalate, ref=ById(self.incident_id), draft=wanted), by=by or self.alice
        )
        self.id = uuid.UUID(outcome.data["escalation_id"])
        return outcome

    async def answer(self, use_case: Any, *, by: Actor | None = None, **given: Any) -> Outcome:
        """Answer the last escalation."""
        return await self.world.run(partial(use_case, escalation_id=self.id, **given), by=by)

    async def view(self) -> EscalationView:
        async with self.world.database.reading() as session:
            return await get_escalation_view(session, self.id)

    async def wait(self, **duration: float) -> None:
        self.world.clock.advance(timedelta(**duration))
        await self.world.tick()

    async def called(self) -> list[str]:
        """Return who was called, in order."""
        calls = sorted((await self.view()).calls, key=lambda call: call.called_at)
        return [call.person.name for call in calls]

    async def said(self, kind: EntryKind) -> list[Mapping[str, Any]]:
        entries = await self.world.entries(self.incident_id)
        return [entry.content or {} for entry in entries if entry.kind == kind]

    def steps(self, *names: str, wait: timedelta | None = None) -> None:
        """Let every ladder end with these people, one a step."""
        ladder = tuple(LadderStep(who=(PersonRef(user_id=name),), wait=wait) for name in names)
        self.change(steps=ladder)

    def change(self, **changes: Any) -> None:
        """Change the policy's section on escalation."""
        section = replace(self.world.policy.escalation, **changes)
        self.world.change_policy(escalation=section)


@pytest.fixture
async def made(world: World) -> Escalations:
    """An open SEV2 that Alice declared, and a policy in which nobody is named."""
    alice = await world.person("alice")
    incident_id = await world.declare("Logins fail", by=alice, severity_key="sev2")
    return Escalations(world, incident_id, alice)


async def test_the_person_chosen_is_called_with_the_packet_and_the_wait_of_the_severity(
    made: Escalations,
) -> None:
    bob = await made.world.person("bob")
    outcome = await made.escalate(target=PersonTarget(external_id="UBOB"))

    assert (outcome.data["called"], outcome.data["reference"]) == (["bob"], "INC-1")
    (call,) = await made.world.effects(CallForEscalation)
    assert call.person_id == bob.person_id
    view = await made.view()
    assert view.packet == PACKET
    assert view.due_at == made.world.clock.now() + timedelta(minutes=5)
    assert [effect.escalation_id for effect in await made.world.effects(RefreshEscalationCard)] == [
        view.id
    ]
    assert bob.person_id in {e.person_id for e in await made.world.effects(InvitePerson)}
