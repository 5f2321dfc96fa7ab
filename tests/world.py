"""A workspace on a real database for tests of use cases, without Slack.

async def test_…(world: World) -> None:          # once on SQLite, once on PostgreSQL
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.run(partial(add_note, ref=ById(incident_id), …), by=alice)
    assert (await world.entries(incident_id))[-1].kind == "note"
    world.clock.advance(timedelta(minutes=30)); await world.tick()      # due reminders fire
    assert await world.effects(RefreshStatusCard)
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import select

from incidents.channel.channel import record_opened
from incidents.channel.membership import join_channel
from incidents.core.ids import new_id
from incidents.core.people import (
    Actor,
    Person,
    PersonFacts,
    PersonKind,
    Workspace,
    actor_of,
    save_person,
    system_actor,
)
from incidents.core.systems import Sight, System
from incidents.engine import reminders
from incidents.engine.effects import Effect, decode
from incidents.engine.outbox import EffectRow
from incidents.engine.reminders import Reminder, ReminderStatus
from incidents.engine.transactions import RequestKey, Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.incident import ById, Incident
from incidents.incident.timeline import TimelineEntry, verify
from incidents.incident.views import IncidentView, get_incident_view
from incidents.lifecycle.declare import Declaration, declare
from incidents.policy.policy import Action, Policy
from incidents.registry.reminder_rules import fire
from incidents.registry.rules import RULES
from incidents.registry.verification import prove_everything
from incidents.storage.database import Database, open_database
from tests.clock import ManualClock
from tests.policies import built_in

EffectType = TypeVar("EffectType", bound=Effect)

# Does what a test needs done without saying who did it.
STAGEHAND = replace(
    system_actor(), system=System("stagehand", Sight.ALSO_PRIVATE, frozenset(Action))
)


class World:
    """A workspace with people, a clock to move, and a way to run use cases."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self.database = database
        self.clock = ManualClock()
        self.transactions = Transactions(database, clock=self.clock, policy=policy, rules=RULES)
        self.workspace_id = new_id()
        # The people to whom everybody agreed to open private incidents; None: nobody was asked.
        self.may_open_to: frozenset[str] | None = None
        # True for a test that changes rows behind the program's back.
        self.is_tampered = False

    @property
    def policy(self) -> Policy:
        return self.transactions.policy

    def change_policy(self, **changes: object) -> None:
        """Change the policy."""
        self.transactions.policy = replace(self.policy, **changes)  # type: ignore[arg-type]

    async def open(self) -> None:
        async def save(uow: UnitOfWork) -> Outcome:
            uow.session.add(Workspace(id=self.workspace_id, external_id="T0SITREP"))
            return Outcome("saved")

        await self.run(save)

    async def person(
        self, name: str, *, kind: PersonKind = PersonKind.MEMBER, zone: str = "UTC"
    ) -> Actor:
        """Save a person of the workspace and return them as an actor."""
        found: list[Person] = []

        async def save(uow: UnitOfWork) -> Outcome:
            facts = PersonFacts(f"U{name.upper()}", name=name, zone=zone, kind=kind)
            found.append(await save_person(uow.session, facts, workspace_id=uow.workspace_id))
            return Outcome("saved")

        await self.run(save)
        return actor_of(found[-1])

    async def run(
        self, use_case: UseCase, *, by: Actor | None = None, request: RequestKey | None = None
    ) -> Outcome:
        """Run a use case in its own transaction, as a system with all rights unless `by` is given."""
        return await self.transactions.run(
            use_case,
            actor=by or STAGEHAND,
            workspace_id=self.workspace_id,
            request=request,
            may_open_to=self.may_open_to,
        )

    async def declare(self, title: str, *, by: Actor, **details: object) -> uuid.UUID:
        """Declare an incident and return its id."""
        declaration = Declaration(title=title, even_if_similar=True, **details)  # type: ignore[arg-type]
        outcome = await self.run(partial(declare, declaration=declaration), by=by)
        assert outcome.incident_id is not None
        return outcome.incident_id

    async def gather(self, incident_id: uuid.UUID, *people: Actor) -> None:
        """Open the incident's channel, and let these people join it."""

        async def open_channel(uow: UnitOfWork) -> Outcome:
            channel = {"channel_id": "C1", "channel_name": "inc-1"}
            await record_opened(uow, incident_id, **channel, is_private=False)
            return Outcome("opened")

        await self.run(open_channel)
        for person in people:
            await self.run(partial(join_channel, channel_id="C1"), by=person)

    async def tick(self) -> None:
        """Fire every reminder that is due now."""
        async with self.database.reading() as session:
            due = await reminders.due_reminder_ids(
                session, workspace_id=self.workspace_id, now=self.clock.now()
            )
        for reminder_id in due:
            await self.run(partial(fire, reminder_id=reminder_id))

    async def view(self, incident_id: uuid.UUID, *, viewer: Actor | None = None) -> IncidentView:
        async with self.database.reading() as session:
            return await get_incident_view(
                session,
                ById(incident_id),
                workspace_id=self.workspace_id,
                viewer=viewer or system_actor(),
            )

    async def entries(self, incident_id: uuid.UUID) -> list[TimelineEntry]:
        """Return the incident's timeline in order, with its chain verified."""
        async with self.database.reading() as session:
            query = (
                select(TimelineEntry)
                .where(TimelineEntry.incident_id == incident_id)
                .order_by(TimelineEntry.sequence)
            )
            entries = list((await session.execute(query)).scalars())
            incident = await session.get(Incident, incident_id)
        assert incident is not None
        assert verify(entries, head=incident.chain_head) == ()
        return entries

    async def flaws(self) -> set[tuple[str, int, str]]:
        """Verify the whole record and return what is wrong: where, which entry, what."""
        async with self.database.reading() as session:
            proofs = [
                proof async for proof in prove_everything(session, workspace_id=self.workspace_id)
            ]
        return {
            (proof.name, flaw.sequence, flaw.problem) for proof in proofs for flaw in proof.flaws
        }

    async def effects(self, effect_type: type[EffectType]) -> list[EffectType]:
        """Return all stored effects of a type, in order."""
        async with self.database.reading() as session:
            query = (
                select(EffectRow)
                .where(EffectRow.kind == effect_type.kind)
                .order_by(EffectRow.position)
            )
            rows = (await session.execute(query)).scalars()
            found = [decode(row.kind, row.payload) for row in rows]
        return [effect for effect in found if isinstance(effect, effect_type)]

    async def pending_reminders(self) -> list[Reminder]:
        """Return the pending reminders, the earliest first."""
        async with self.database.reading() as session:
            query = (
                select(Reminder)
                .where(Reminder.status == ReminderStatus.PENDING)
                .order_by(Reminder.due_at)
            )
            return list((await session.execute(query)).scalars())


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A workspace on a fresh database; runs once on SQLite and once on PostgreSQL."""
    database = open_database(database_url)
    world = World(database, built_in().policy)
    await world.open()
    yield world
    # Whatever a test did by use cases, the rows are what the entries say.
    flaws = set() if world.is_tampered else await world.flaws()
    await database.close()
    assert flaws == set()
