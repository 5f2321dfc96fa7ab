"""A world with an incident that Alice declared, for tests of escalation use cases."""

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.views import EscalationView, get_escalation_view
from incidents.incident.incident import ById, save_participant
from incidents.incident.payload import Payload
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel
from incidents.people.directory import GroupFacts, save_group
from incidents.policy.escalation import LadderStep
from incidents.policy.references import PersonRef
from incidents.roles.command import take_command
from incidents.roles.departures import save_people
from tests.world import World

PayloadT = TypeVar("PayloadT", bound=Payload)

# Members whom nobody has heard of yet, except Slack: their name is their id.
MEMBERS = frozenset(
    f"U{name}"
    for name in (
        *("BOB", "CAROL", "DAVE", "ERIN", "EVE"),
        *("LAST", "LAWYER", "MANAGER", "ONCALL", "OWNER", "SEARCH", "SENIOR"),
    )
)

PACKET = Packet(ask="Is it safe to fail over?", symptoms="Logins fail", scope="12 %")


class Escalations:
    """Starts, answers and reads escalations in an incident that Alice declared."""

    def __init__(self, world: World, incident_id: uuid.UUID, alice: Actor) -> None:
        self.world = world
        self.incident_id = incident_id
        self.alice = alice
        self.id = uuid.UUID(int=0)

    async def escalate(self, *, by: Actor | None = None, **draft: Any) -> Outcome:
        """Escalate, and keep the id for the other methods."""
        await self.know(*sorted(MEMBERS))
        wanted = EscalationDraft(**{"packet": PACKET, **draft})
        outcome = await self.world.run(
            partial(escalate, ref=ById(self.incident_id), draft=wanted), by=by or self.alice
        )
        self.id = uuid.UUID(outcome.data["escalation_id"])
        return outcome

    async def answer(self, use_case: Any, *, by: Actor | None = None, **given: Any) -> Outcome:
        """Answer the last escalation."""
        return await self.world.run(partial(use_case, escalation_id=self.id, **given), by=by)

    async def know(self, *external_ids: str) -> None:
        """Let the directory know these people as members."""
        people = [PersonFacts(one, kind=PersonKind.MEMBER) for one in external_ids]
        await self.world.run(partial(save_people, people=people))

    async def view(self) -> EscalationView:
        async with self.world.database.reading() as session:
            return await get_escalation_view(
                session, self.id, policy=self.world.policy, now=self.world.clock.now()
            )

    async def wait(self, **duration: float) -> None:
        self.world.clock.advance(timedelta(**duration))
        await self.world.tick()

    async def called(self) -> list[str]:
        """Return who was called, in order."""
        calls = sorted((await self.view()).calls, key=lambda call: call.called_at)
        return [call.person.name for call in calls]

    async def said(self, payload_type: type[PayloadT]) -> list[PayloadT]:
        """Return the payloads of the entries of this kind, in order."""
        entries = await self.world.entries(self.incident_id)
        read = (payload_type.read(one.content) for one in entries if one.kind == payload_type.kind)
        return [payload for payload in read if payload is not None]

    def steps(self, *names: str, wait: timedelta | None = None) -> None:
        """End every ladder with these people, one per step."""
        ladder = tuple(LadderStep(who=(PersonRef(user_id=name),), wait=wait) for name in names)
        self.change(steps=ladder)

    async def severity(self, key: str) -> None:
        change = partial(
            change_severity, ref=ById(self.incident_id), severity_key=key, reason="Few affected"
        )
        await self.world.run(change)

    async def cancel(self) -> None:
        await self.world.run(partial(cancel, ref=ById(self.incident_id), reason="False alarm"))

    async def commander(self, person: Actor) -> None:
        await self.world.run(partial(take_command, ref=ById(self.incident_id)), by=person)

    async def responder(self, name: str) -> Actor:
        """Return somebody who is in the incident's channel."""
        person = await self.world.person(name)

        async def join(uow: UnitOfWork) -> Outcome:
            assert person.person_id is not None
            part = await save_participant(
                uow.session, incident_id=self.incident_id, person_id=person.person_id
            )
            part.is_in_channel = True
            return Outcome("joined")

        await self.world.run(join)
        return person

    async def group(self, external_id: str, handle: str, *members: str) -> None:
        facts = GroupFacts(external_id, handle, members)
        await self.world.run(partial(save_group, facts=facts))

    async def deactivate(self, external_id: str) -> None:
        facts = PersonFacts(external_id, is_active=False)
        await self.world.run(partial(save_people, people=[facts]))

    def change(self, **changes: Any) -> None:
        """Change the policy's section on escalation."""
        section = replace(self.world.policy.escalation, **changes)
        self.world.change_policy(escalation=section)
