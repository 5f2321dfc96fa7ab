"""Dead letters as the operator sees them: by cause, retried in order, dropped with a reason."""

import uuid
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from incidents.core.errors import InvalidInput
from incidents.core.ids import new_id
from incidents.engine import outbox, settling
from incidents.engine.effects import Effect, InvitePerson, RefreshStatusCard
from incidents.engine.outbox import EffectRow, EffectStatus, Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import audit_entries
from incidents.registry.dead_letters import (
    Cause,
    Chosen,
    count_causes,
    drop_dead_letters,
    find_causes,
    retry_dead_letters,
)
from tests.program import environment, run
from tests.world import World


class Letters:
    """Effects in lanes of their own, some of which Slack refused for good."""

    def __init__(self, world: World, incident_id: uuid.UUID, person_id: uuid.UUID) -> None:
        self.world = world
        self._incident_id = incident_id
        self._person_id = person_id

    def invite(self) -> Effect:
        return InvitePerson(incident_id=self._incident_id, person_id=self._person_id)

    async def refused(self, *effects: tuple[Effect, str, str]) -> list[uuid.UUID]:
        """Store these effects (with lane and error) as dead letters; return their ids."""
        plans = [Planned(id=new_id(), effect=effect, lane=lane) for effect, lane, _ in effects]

        async def refuse(uow: UnitOfWork) -> Outcome:
            await uow.add_effects(plans)
            for plan, (_, _, error) in zip(plans, effects, strict=True):
                row = await outbox.get_effect(uow.session, plan.id)
                await settling.dead_letter(uow.session, row, now=uow.now, error=error)
                await settling.record_failure(uow, row=row, error=error)
            return Outcome("refused")

        await self.world.run(refuse)
        return [plan.id for plan in plans]

    async def after(self, effect_id: uuid.UUID) -> uuid.UUID:
        """Store an effect that waits for this one; return its id."""
        plan = Planned(
            id=new_id(), effect=RefreshStatusCard(), lane="own", after_effect_id=effect_id
        )
        await self.world.run(partial(_store, plan=plan))
        return plan.id

    async def causes(self) -> tuple[Cause, ...]:
        async with self.world.database.reading() as session:
            return await find_causes(session, workspace_id=self.world.workspace_id)

    async def claimed(self, effect_ids: list[uuid.UUID]) -> list[uuid.UUID]:
        """Claim what is due, and return which of these effects that were, in order."""
        found: list[uuid.UUID] = []

        async def claim(uow: UnitOfWork) -> Outcome:
            rows = await outbox.claim(
                uow.session,
                workspace_id=uow.workspace_id,
                holder="a",
                now=uow.now,
                limit=100,
                refreshes=10,
                kinds=(InvitePerson.kind, RefreshStatusCard.kind),
            )
            found.extend(row.id for row in rows if row.id in effect_ids)
            assert all(row.is_uncertain for row in rows if row.id in effect_ids)
            for row in rows:
                settling.settle(row, status=EffectStatus.DONE, now=uow.now)
            return Outcome("claimed")

        await self.world.run(claim)
        return found

    async def status(self, effect_id: uuid.UUID) -> str:
        async with self.world.database.reading() as session:
            query = select(EffectRow.status).where(EffectRow.id == effect_id)
            return str((await session.execute(query)).scalar_one())

    async def entries(self, kind: str) -> list[TimelineEntry]:
        return [one for one in await self.world.entries(self._incident_id) if one.kind == kind]


async def _store(uow: UnitOfWork, plan: Planned) -> Outcome:
    await uow.add_effects([plan])
    return Outcome("stored")


@pytest.fixture
async def letters(world: World) -> Letters:
    """An incident of Alice's."""
    alice = await world.person("alice")
    assert alice.person_id is not None
    return Letters(world, await world.declare("Checkout errors", by=alice), alice.person_id)


async def test_one_retry_suffices_for_one_cause_and_keeps_the_order_of_lanes(
    letters: Letters,
) -> None:
    one, two = "lane-1", "lane-2"
    invites = [(letters.invite(), lane, "missing_scope") for lane in (one, two, one, two)]
    other = (RefreshStatusCard(), "lane-3", "is_archived")
    *ids, kept = await letters.refused(*invites, other)
    follower = await letters.after(ids[0])
    named = [
        (cause.effect_kind, cause.error, len(cause.letters)) for cause in await letters.causes()
    ]
    assert named == [
        ("invite_person", "missing_scope", 4),
        ("refresh_status_card", "is_archived", 1),
    ]
    assert [str(one) for one in (await letters.causes())[0].references] == ["INC-1"]

    chosen = Chosen(error="missing_scope")
    outcome = await letters.world.run(partial(retry_dead_letters, chosen=chosen))
    assert outcome.data["count"] == 4
    assert await letters.status(kept) == EffectStatus.DEAD
    assert len(await letters.entries("effect_retried")) == 4
    assert await letters.claimed([*ids, follower]) == ids[:2]
    assert await letters.claimed(ids) == ids[2:]
    again = await letters.world.run(partial(retry_dead_letters, chosen=chosen))
    assert again.data["count"] == 0


async def test_dropping_takes_a_reason_and_lets_what_waits_go_on(letters: Letters) -> None:
    first, second, third = await letters.refused(
        *((letters.invite(), "lane", "cant_invite") for _ in range(3))
    )
    follower = await letters.after(first)
    with pytest.raises(InvalidInput):
        await _drop(letters, Chosen(), reason=" ")
    await _drop(letters, Chosen(ids=(str(first)[:13], str(second))), reason="They left")
    assert [await letters.status(one) for one in (first, second, third)] == [
        EffectStatus.DROPPED,
        EffectStatus.DROPPED,
        EffectStatus.DEAD,
    ]
    assert await letters.status(follower) == EffectStatus.PENDING
    async with letters.world.database.reading() as session:
        log, _ = await audit_entries(session, workspace_id=letters.world.workspace_id)
        counted = await count_causes(session, workspace_id=letters.world.workspace_id)
    content = log[-1].content or {}
    assert content["causes"] == [
        {"effect_kind": "invite_person", "error": "cant_invite", "count": 2}
    ]
    assert content["reason"] == "They left"
    assert counted == {"invite_person: cant_invite": 1}


async def _drop(letters: Letters, chosen: Chosen, *, reason: str) -> None:
    await letters.world.run(partial(drop_dead_letters, chosen=chosen, reason=reason))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_operator_says_which_and_why(
    letters: Letters, database_url: str, tmp_path: Path
) -> None:
    first, _ = await letters.refused(*((letters.invite(), "lane", "cant_invite") for _ in "ab"))
    cli = partial(run, environ=environment(DATABASE_URL=database_url), folder=tmp_path)
    for arguments, code, words in (
        (("retry",), 1, "Say which: ids, --cause or --all."),
        (("retry", "--cause", "missing_scope"), 1, "There is no such dead letter."),
        (("retry", str(first)), 0, "1 dead letter will be tried again within seconds"),
        (("drop", "", "--reason", "An empty id isn't all"), 1, "Say which: ids, --cause or --all."),
        (("drop", "--all"), 1, "Say why, for the audit log"),
        (("drop", "--all", "--reason", "They left"), 0, "1 dead letter dropped. Audit log, entry"),
        (("list",), 0, "There are no dead letters."),
    ):
        found, output = await cli("outbox", *arguments)
        assert (found, words in output) == (code, True), output
    (retried,) = await letters.entries("effect_retried")
    assert retried.actor_kind == "cli"
    _, output = await cli("audit")
    assert r"Dropped dead letters: invite somebody (cant\_invite), once. They left" in output
