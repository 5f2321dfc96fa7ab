"""The outbox: lanes, predecessors, dead letters, abandoned work, and the lease."""

import uuid
from datetime import datetime, timedelta

from incidents.core.ids import new_id
from incidents.engine import outbox, settling
from incidents.engine.effects import Effect, RefreshStatusCard, SetChannelTopic
from incidents.engine.outbox import EffectRow, EffectStatus, Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.registry.backlog import read_backlog
from incidents.storage import leases
from tests.world import World

KINDS = (RefreshStatusCard.kind, SetChannelTopic.kind)


def _plan(
    lane: str,
    *,
    after: uuid.UUID | None = None,
    key: str | None = None,
    effect: Effect | None = None,
) -> Planned:
    return Planned(
        id=new_id(),
        effect=effect or RefreshStatusCard(),
        lane=lane,
        after_effect_id=after,
        coalesce_key=key,
    )


async def _add(world: World, *plans: Planned) -> None:
    async def add(uow: UnitOfWork) -> Outcome:
        await uow.add_effects(list(plans))
        return Outcome("added")

    await world.run(add)


async def _claim(
    world: World, *, holder: str = "a", limit: int = 10, refreshes: int = 10
) -> list[uuid.UUID]:
    claimed: list[EffectRow] = []

    async def claim(uow: UnitOfWork) -> Outcome:
        claimed.extend(
            await outbox.claim(
                uow.session,
                workspace_id=uow.workspace_id,
                holder=holder,
                now=uow.now,
                limit=limit,
                refreshes=refreshes,
                kinds=KINDS,
            )
        )
        return Outcome("claimed")

    await world.run(claim)
    return [row.id for row in claimed]


async def _end(world: World, effect_id: uuid.UUID, how: EffectStatus) -> None:
    async def end(uow: UnitOfWork) -> Outcome:
        row = await outbox.get_effect(uow.session, effect_id)
        match how:
            case EffectStatus.DEAD:
                await settling.dead_letter(uow.session, row, now=uow.now, error="refused")
            case EffectStatus.PENDING:
                await settling.requeue(uow.session, row, now=uow.now)
            case EffectStatus.DROPPED:
                await settling.give_up(uow.session, row, now=uow.now, reason="let go")
            case _:
                settling.settle(row, status=how, now=uow.now)
        return Outcome("ended")

    await world.run(end)


async def test_within_a_lane_the_second_waits_for_the_first(world: World) -> None:
    first, second, other = _plan("a"), _plan("a"), _plan("b")
    await _add(world, first, second, other)
    assert await _claim(world) == [first.id, other.id]
    assert await _claim(world) == []
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == [second.id]


async def test_an_effect_waits_until_its_predecessor_is_done(world: World) -> None:
    first = _plan("a")
    second = _plan("b", after=first.id)
    await _add(world, first, second)
    assert await _claim(world) == [first.id]
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == [second.id]


async def test_a_dead_letter_blocks_its_dependents_until_retried(world: World) -> None:
    first = _plan("a")
    second = _plan("b", after=first.id)
    await _add(world, first, second)
    await _claim(world)
    await _end(world, first.id, EffectStatus.DEAD)
    assert await _claim(world) == []
    await _end(world, first.id, EffectStatus.PENDING)
    assert await _claim(world) == [first.id]
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == [second.id]


async def test_dropping_a_dead_letter_unblocks_the_rest(world: World) -> None:
    first = _plan("a")
    second = _plan("b", after=first.id)
    await _add(world, first, second)
    await _claim(world)
    await _end(world, first.id, EffectStatus.DEAD)
    await _end(world, first.id, EffectStatus.DROPPED)
    assert await _claim(world) == [second.id]


async def test_a_dead_letter_does_not_block_its_own_lane(world: World) -> None:
    first, second = _plan("a"), _plan("a")
    await _add(world, first, second)
    await _claim(world)
    await _end(world, first.id, EffectStatus.DEAD)
    assert await _claim(world) == [second.id]


async def test_a_refresh_coalesces_into_a_waiting_one_but_not_into_a_claimed_one(
    world: World,
) -> None:
    first = _plan("a", key="card")
    await _add(world, first, _plan("a", key="card"))
    await _add(world, _plan("a", key="card"))
    assert await _claim(world) == [first.id]
    later = _plan("a", key="card")
    await _add(world, later)
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == [later.id]


async def test_what_people_wait_for_is_claimed_before_refreshes_and_finds_a_place(
    world: World,
) -> None:
    refreshes = [_plan(f"r{n}", key=f"r{n}") for n in range(4)]
    calls = [_plan(f"c{n}") for n in range(2)]
    await _add(world, *refreshes, *calls)
    first_of_them = [refresh.id for refresh in refreshes]
    wanted = [*(call.id for call in calls), *first_of_them[:2]]
    assert await _claim(world, limit=5, refreshes=2) == wanted
    assert await _claim(world, refreshes=0) == []


async def test_the_worst_severity_is_claimed_first_and_knows_its_place(world: World) -> None:
    ana = await world.person("ana")
    secret = await world.declare("Payroll leak", by=ana, severity_key="sev1", is_private=True)
    minor = await world.declare("Logos are blurred", by=ana, severity_key="sev3")
    major = await world.declare("Checkout is down", by=ana, severity_key="sev1")
    plans = [
        _plan(f"lane {number}", effect=SetChannelTopic(incident_id=incident_id))
        for number, incident_id in enumerate((minor, major, minor, major))
    ]
    hidden = _plan("lane of a private one", effect=SetChannelTopic(incident_id=secret))
    await _add(world, hidden, *plans)
    async with world.database.reading() as session:
        rows = [await outbox.get_effect(session, plan.id) for plan in plans]
        places = [
            await outbox.place_in_queue(session, row, severity_rank=rank)
            for row, rank in zip(rows, (3, 1, 3, 1), strict=True)
        ]
    assert places == [3, 1, 4, 2]
    in_order = [hidden.id, plans[1].id, plans[3].id, plans[0].id]
    assert await _claim(world, limit=4) == in_order


async def _postponed(world: World, effect_id: uuid.UUID, *, is_uncertain: bool) -> EffectRow:
    found: list[EffectRow] = []

    async def postpone(uow: UnitOfWork) -> Outcome:
        row = await outbox.get_effect(uow.session, effect_id)
        later = uow.now + timedelta(seconds=5)
        await settling.postpone(
            uow.session, row, now=uow.now, due_at=later, error="busy", is_uncertain=is_uncertain
        )
        found.append(row)
        return Outcome("postponed")

    await world.run(postpone)
    return found[-1]


async def test_a_refresh_that_waits_again_gives_way_to_a_newer_one(world: World) -> None:
    older, newer = _plan("a", key="card"), _plan("a", key="card")
    follower = _plan("b", after=older.id)
    await _add(world, older, follower)
    await _claim(world)
    await _add(world, newer)
    assert (await _postponed(world, older.id, is_uncertain=False)).status == EffectStatus.DROPPED
    assert await _claim(world) == [newer.id]
    await _end(world, newer.id, EffectStatus.DONE)
    assert await _claim(world) == [follower.id]


async def test_a_refresh_that_may_have_posted_is_tried_again_itself(world: World) -> None:
    older, newer = _plan("a", key="card"), _plan("a", key="card")
    await _add(world, older)
    await _claim(world)
    await _add(world, newer)
    row = await _postponed(world, older.id, is_uncertain=True)
    assert row.status == EffectStatus.PENDING
    assert str(row.coalesce_key).startswith("card~")  # still a refresh
    world.clock.advance(timedelta(seconds=6))
    assert await _claim(world) == [older.id]


async def test_a_refresh_that_waits_again_takes_newer_ones_in(world: World) -> None:
    older, newer = _plan("a", key="card"), _plan("a", key="card")
    await _add(world, older)
    await _claim(world)
    await _postponed(world, older.id, is_uncertain=False)
    await _add(world, newer)
    world.clock.advance(timedelta(seconds=6))
    assert await _claim(world) == [older.id]
    await _end(world, older.id, EffectStatus.DONE)
    assert await _claim(world) == []


async def test_dependents_of_a_coalesced_refresh_follow_the_one_it_joined(
    world: World,
) -> None:
    gate = _plan("gate")
    first = _plan("card", after=gate.id, key="card")
    await _add(world, gate, first)
    again = _plan("card", after=gate.id, key="card")
    pin = _plan("pin", after=again.id)
    await _add(world, again, pin)
    assert await _claim(world) == [gate.id]
    await _end(world, gate.id, EffectStatus.DONE)
    assert await _claim(world) == [first.id]
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == [pin.id]


async def test_a_refresh_coalesces_into_a_blocked_one(
    world: World,
) -> None:
    gate = _plan("gate")
    first = _plan("card", after=gate.id, key="card")
    await _add(world, gate, first)
    await _claim(world)
    await _end(world, gate.id, EffectStatus.DEAD)
    await _add(world, _plan("card", after=gate.id, key="card"))
    await _end(world, gate.id, EffectStatus.PENDING)
    assert await _claim(world) == [gate.id]
    await _end(world, gate.id, EffectStatus.DONE)
    assert await _claim(world) == [first.id]
    await _end(world, first.id, EffectStatus.DONE)
    assert await _claim(world) == []


async def test_kinds_unknown_to_this_version_are_left_alone(world: World) -> None:
    known = _plan("a", effect=SetChannelTopic())
    unknown = _plan("b")
    await _add(world, known, unknown)

    async def rename(uow: UnitOfWork) -> Outcome:
        row = await outbox.get_effect(uow.session, unknown.id)
        row.kind = "from_the_future"
        return Outcome("renamed")

    await world.run(rename)
    assert await _claim(world) == [known.id]


async def test_a_clock_that_is_set_back_holds_nothing_up(world: World) -> None:
    plans = [_plan("a"), _plan("b")]
    await _add(world, plans[0])
    assert await _claim(world) == [plans[0].id]
    world.clock.advance(timedelta(hours=2))
    await _postponed(world, plans[0].id, is_uncertain=False)
    await _add(world, plans[1])
    world.clock.advance(-timedelta(hours=2))
    assert await _claim(world) == [plan.id for plan in plans]


async def _acquire(world: World, holder: str) -> bool:
    result: list[bool] = []

    async def acquire(uow: UnitOfWork) -> Outcome:
        result.append(
            await leases.acquire(
                uow.session, workspace_id=uow.workspace_id, holder=holder, now=uow.now
            )
        )
        return Outcome("lease")

    await world.run(acquire)
    return result[-1]


async def test_the_lease_has_one_holder_until_it_expires(world: World) -> None:
    assert await _acquire(world, "a")
    assert not await _acquire(world, "b")
    assert await _acquire(world, "a")
    world.clock.advance(leases.LEASE + timedelta(seconds=1))
    assert await _acquire(world, "b")
    assert not await _acquire(world, "a")


async def test_effects_of_a_dead_process_are_retried_after_its_calls_have_ended(
    world: World,
) -> None:
    plan = _plan("a")
    await _add(world, plan)
    await _claim(world)
    due: list[datetime] = []

    async def release(uow: UnitOfWork) -> Outcome:
        await settling.release_abandoned(
            uow.session,
            workspace_id=uow.workspace_id,
            now=uow.now,
            look_after=timedelta(seconds=12),
        )
        row = await outbox.get_effect(uow.session, plan.id)
        assert row.is_uncertain
        due.append(row.due_at)
        return Outcome("released")

    await world.run(release)
    assert due == [world.clock.now() + timedelta(seconds=12)]
    assert await _claim(world) == []
    world.clock.advance(timedelta(seconds=12))
    assert await _claim(world) == [plan.id]


async def test_the_backlog_says_what_waits_how_long_and_what_slack_refused(world: World) -> None:
    first, second = _plan("a"), _plan("b")
    await _add(world, first, second)
    await _claim(world)
    await _end(world, first.id, EffectStatus.DEAD)
    world.clock.advance(timedelta(minutes=7))
    alice = await world.person("alice")
    await world.declare("Checkout errors", by=alice, is_private=True)

    async with world.database.reading() as session:
        backlog = await read_backlog(session, workspace_id=world.workspace_id)
    assert backlog.dead == {"refused": 1}
    assert (backlog.depth[EffectStatus.CLAIMED], backlog.depth[EffectStatus.PENDING]) == (1, 0)
    assert backlog.oldest_effect_at == world.clock.now() - timedelta(minutes=7)
    assert backlog.oldest_reminder_due_at is None

    await world.declare("Mail bounces", by=alice)
    async with world.database.reading() as session:
        backlog = await read_backlog(session, workspace_id=world.workspace_id)
    assert backlog.depth[EffectStatus.PENDING] > 0
    assert backlog.oldest_reminder_due_at is not None
