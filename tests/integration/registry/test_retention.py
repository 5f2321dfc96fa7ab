"""Finished work is deleted after a while; pending, dead and recorded rows stay."""

from datetime import timedelta
from functools import partial

from sqlalchemy import delete, func, select

from incidents.calling.trials import try_pagers
from incidents.core.ids import new_id
from incidents.engine import outbox, settling
from incidents.engine.effects import RefreshStatusCard
from incidents.engine.outbox import EffectRow, EffectStatus, Planned
from incidents.engine.transactions import RequestKey
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.paging.trials import TrialPage
from incidents.people.assignable import Named
from incidents.policy.references import Address, PersonRef
from incidents.policy.waking.paging import PagerConfig, PagerKind, ReachedPerson
from incidents.registry.retention import BATCH, sweep, sweep_all
from incidents.storage.processed_requests import ProcessedRequest
from tests.world import STAGEHAND, World


async def nothing(uow: UnitOfWork) -> Outcome:
    """Do nothing."""
    return Outcome("nothing")


async def count(world: World, table: type) -> int:
    """Return how many rows a table has."""
    async with world.database.reading() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_a_request_is_recognised_as_long_as_slack_may_repeat_it(world: World) -> None:
    await world.run(nothing, request=RequestKey("event:Ev1:capture"))
    world.clock.advance(timedelta(days=6))
    assert (await world.run(sweep)).data["deleted"] == 0
    world.clock.advance(timedelta(days=2))
    assert (await world.run(sweep)).data["deleted"] == 1
    assert await count(world, ProcessedRequest) == 0


async def test_dead_and_pending_effects_stay_and_the_timeline_is_never_touched(
    world: World,
) -> None:
    alice = await world.person("alice")
    for title in ("Search is empty", "Mail bounces", "Maps are blank"):
        await world.declare(title, by=alice)
    incident_id = await world.declare("Checkout errors", by=alice)
    statuses = [EffectStatus.DONE, EffectStatus.DROPPED, EffectStatus.DEAD]

    async def settle(uow: UnitOfWork) -> Outcome:
        rows = list((await uow.session.execute(select(EffectRow))).scalars())
        for row, status in zip(rows, statuses, strict=False):
            row.status, row.settled_at = status, uow.now
        return Outcome("settled")

    await world.run(settle)
    before, entries = await count(world, EffectRow), len(await world.entries(incident_id))
    world.clock.advance(timedelta(days=31))
    await world.run(sweep)
    assert await count(world, EffectRow) == before - 2
    assert len(await world.entries(incident_id)) == entries


async def test_a_sweep_deletes_one_batch_at_a_time(world: World) -> None:
    async def fill(uow: UnitOfWork) -> Outcome:
        for number in range(BATCH + 10):
            row = ProcessedRequest(workspace_id=uow.workspace_id, key=f"event:{number}")
            row.outcome, row.created_at = {}, uow.now - timedelta(days=30)
            uow.session.add(row)
        return Outcome("filled")

    await world.run(fill)
    assert (await world.run(sweep)).data == {"deleted": BATCH, "is_more": True}
    assert (await world.run(sweep)).data == {"deleted": 10, "is_more": False}

    # A backlog goes in one go, batch after batch.
    await world.run(fill)
    actor = STAGEHAND
    assert await sweep_all(world.transactions, workspace_id=world.workspace_id, actor=actor) == (
        BATCH + 10
    )
    assert await count(world, ProcessedRequest) == 0


async def test_a_test_page_is_kept_while_it_runs_and_deleted_like_its_effects(
    world: World,
) -> None:
    kim = await world.person("kim")
    ref = PersonRef(user_id=kim.external_id)
    world.change_policy(
        pagers=(PagerConfig(key="ntfy", kind=PagerKind.NTFY),),
        people=(ReachedPerson(who=ref, reach=(Address("ntfy", "kim"),)),),
    )
    await world.run(partial(try_pagers, person=Named("")), by=kim)
    world.clock.advance(timedelta(days=31))
    await world.run(sweep)
    assert await count(world, TrialPage) == 1

    async def end(uow: UnitOfWork) -> Outcome:
        page = (await uow.session.execute(select(TrialPage))).scalar_one()
        page.ended_at = uow.now
        return Outcome("ended")

    await world.run(end)
    world.clock.advance(timedelta(days=31))
    await world.run(sweep)
    assert await count(world, TrialPage) == 0


async def test_an_effect_whose_predecessor_was_deleted_still_runs(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    first, second = new_id(), new_id()
    effect = RefreshStatusCard(incident_id=incident_id)

    async def plan(uow: UnitOfWork) -> Outcome:
        await uow.session.execute(delete(EffectRow))
        await uow.add_effects(
            [
                Planned(first, effect, lane="first"),
                Planned(second, effect, lane="second", after_effect_id=first),
            ]
        )
        return Outcome("planned")

    async def settle(uow: UnitOfWork) -> Outcome:
        row = await outbox.get_effect(uow.session, first)
        settling.settle(row, status=EffectStatus.DONE, now=uow.now)
        return Outcome("settled")

    await world.run(plan)
    await world.run(settle)
    world.clock.advance(timedelta(days=31))
    assert (await world.run(sweep)).data["deleted"] == 1
    async with world.database.reading() as session:
        assert await outbox.has_due(
            session,
            workspace_id=world.workspace_id,
            now=world.clock.now(),
            kinds=(effect.kind,),
        )
