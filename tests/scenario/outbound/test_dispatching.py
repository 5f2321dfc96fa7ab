"""The dispatcher in two processes: one sends, the other takes over, nothing is sent twice."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, text

from bot.app import running
from bot.framework.effect_context import Done, Dropped, EffectContext
from bot.outbound.attempts import Ended, Postponed
from bot.outbound.dispatcher import Dispatcher
from bot.outbound.outage import OUTAGE_AFTER, Outage
from bot.slack.errors import SlackTemporary
from incidents.channel.entries import BotRemoved
from incidents.channel.life import ChannelLoss, record_loss
from incidents.core.ids import new_id
from incidents.engine import outbox
from incidents.engine.effects import SetChannelTopic
from incidents.engine.outbox import EffectRow, EffectStatus, Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from tests.scenario.conftest import ROOM, Bot, taken_over


async def test_a_restart_in_the_middle_loses_nothing_and_doubles_nothing(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.delay("conversations.create", 0.3)
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.restart()
    await bot.settle()
    await bot.advance(seconds=30)
    room = bot.slack.channel(ROOM)
    assert alice in room
    assert len(room.pins) == 1
    assert len(bot.slack.channel("incidents").messages) == 1


async def test_a_process_that_comes_second_waits_until_the_first_hands_over(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await bot.slack.wait_for(lambda: bot.app.dispatcher.holds_lease)
    async with running(bot.settings, bot.loaded, clock=bot.clock) as second:
        await asyncio.sleep(0.05)
        assert bot.app.dispatcher.holds_lease
        assert not second.dispatcher.holds_lease
        await alice.command("/incident declare sev2 Checkout errors")
        await bot.settle()
        assert len(bot.slack.channel("incidents").messages) == 1


async def test_a_process_that_stalled_past_its_lease_takes_its_double_back(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.delay("chat.postMessage", 1.5)
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.slack.wait_for(lambda: bot.slack.calls_of("conversations.invite"))
    bot.slack.delay("chat.postMessage", 0.0)
    async with taken_over(bot):
        assert len(bot.slack.channel("incidents").messages) == 1
        assert len(bot.slack.channel(ROOM).messages) == 1


async def test_stopped_while_it_launches_it_lets_all_that_it_took_end(bot: Bot) -> None:
    services, incident_id = bot.app.services, await _declared(bot)
    await bot.app.dispatcher.stop()
    ended: list[uuid.UUID] = []
    stopping: list[asyncio.Task[None]] = []

    async def carry_out(context: EffectContext) -> Done:
        if not stopping:
            stopping.append(asyncio.create_task(dispatcher.stop()))
        else:
            await asyncio.sleep(0.3)
        ended.append(context.effect_id)
        return Done()

    effect = SetChannelTopic(incident_id=incident_id)
    await _plan(bot, *(Planned(new_id(), effect, f"lane {n}") for n in range(10)))
    dispatcher = Dispatcher(services, {SetChannelTopic: carry_out}, holder="the one that stops")
    dispatcher.start()
    await bot.slack.wait_for(lambda: bool(stopping))
    await stopping[0]
    assert len(ended) == 10
    assert dispatcher.is_idle
    assert not await dispatcher.has_due()


async def test_an_end_that_couldnt_be_recorded_is_kept_and_recorded_in_the_next_cycle(
    bot: Bot,
) -> None:
    incident_id = await _declared(bot)
    bot.slack.delay("conversations.info", 0.4)
    effect = SetChannelTopic(incident_id=incident_id)
    await _plan(bot, Planned(new_id(), effect, "lane"))
    await bot.slack.wait_for(lambda: bot.slack.journal.under_way)
    await _rename(bot, "effects", "away")
    await bot.slack.wait_for(lambda: not bot.slack.journal.under_way)
    watch = bot.app.services.watch
    failures = watch.failures
    await bot.slack.wait_for(lambda: watch.failures > failures + 1)
    asked = len(bot.slack.calls)
    await _rename(bot, "away", "effects")
    await bot.settle()  # time doesn't move: nothing has to be looked at again
    assert await _statuses(bot) == {EffectStatus.DONE}
    assert len(bot.slack.calls) == asked


async def test_what_was_taken_by_a_commit_that_nobody_heard_of_is_carried_out(bot: Bot) -> None:
    incident_id = await _declared(bot)
    plan = Planned(new_id(), SetChannelTopic(incident_id=incident_id), "lane")

    await bot.run(partial(_take, bot.app.dispatcher.holder, [plan]))
    for _ in range(2):  # the next renewal finds it, and then it can be seen whether it happened
        await bot.advance(seconds=5)
    assert await _statuses(bot) == {EffectStatus.DONE}


async def test_what_is_due_again_at_once_isnt_carried_out_twice_at_a_time(bot: Bot) -> None:
    services, incident_id = bot.app.services, await _declared(bot)
    await bot.app.dispatcher.stop()
    attempts: list[int] = []
    may_end = asyncio.Event()

    async def carry_out(context: EffectContext) -> Done:
        attempts.append(context.attempt)
        if context.attempt == 1:
            raise SlackTemporary("ratelimited", retry_after=timedelta(0))
        await may_end.wait()
        return Done()

    await _plan(bot, Planned(new_id(), SetChannelTopic(incident_id=incident_id), "lane"))
    dispatcher = Dispatcher(services, {SetChannelTopic: carry_out}, holder="the only one")
    dispatcher.start()
    await bot.slack.wait_for(lambda: len(attempts) == 2)
    for _ in range(4):  # the lease is renewed meanwhile, which looks for what nobody carries out
        bot.clock.advance(timedelta(seconds=4))
        dispatcher.wake()
        await asyncio.sleep(0.05)
    may_end.set()
    await bot.slack.wait_for(lambda: dispatcher.is_idle)
    await dispatcher.stop()
    assert attempts == [1, 2]
    assert await _statuses(bot) == {EffectStatus.DONE}


async def test_an_end_outlives_a_cycle_that_is_given_up(bot: Bot) -> None:
    incident_id, dispatcher = await _declared(bot), bot.app.dispatcher
    await dispatcher.stop()
    plan = Planned(new_id(), SetChannelTopic(incident_id=incident_id), "lane")
    await bot.run(partial(_take, dispatcher.holder, [plan]))
    dispatcher._ended.append(Ended(plan.id, Done()))
    async with bot.app.services.database.writing():  # silent
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await dispatcher._settle_and_claim(limit=0)
    # An end that can't be recorded at all holds up no other.
    dispatcher._ended.append(Ended(new_id(), Done()))
    await dispatcher._settle_and_claim(limit=0)
    assert await _statuses(bot) == {EffectStatus.DONE}
    assert dispatcher._ended == []


def test_an_outage_is_over_once_its_first_success_is_recorded() -> None:
    outage, now = Outage(), datetime(2026, 3, 2, 9, tzinfo=UTC)
    failed = [Ended(new_id(), Postponed(timedelta(seconds=1), "busy", is_uncertain=False))]
    worked = [Ended(new_id(), Done())]
    outage.note(failed, now=now)
    assert not outage.is_over(worked, now=now)
    later = now + OUTAGE_AFTER
    for _ in range(2):  # the database refuses the first time
        assert outage.is_over(worked, now=later)
    outage.note(worked, now=later)
    assert not outage.is_over(worked, now=later)


async def test_ends_in_one_transaction_find_what_the_ones_before_them_recorded(bot: Bot) -> None:
    incident_id, dispatcher = await _declared(bot), bot.app.dispatcher
    await dispatcher.stop()
    lost = partial(
        record_loss,
        incident_id=incident_id,
        channel_id=bot.slack.channel(ROOM).id,
        loss=ChannelLoss.BOT_REMOVED,
    )
    effect = SetChannelTopic(incident_id=incident_id)
    plans = [Planned(new_id(), effect, f"lane {number}") for number in range(3)]

    await bot.run(partial(_take, dispatcher.holder, plans))
    await dispatcher._transact([Ended(one.id, Dropped("", lost)) for one in plans], limit=0)
    query = select(TimelineEntry.id).where(TimelineEntry.kind == BotRemoved.kind)
    async with bot.app.services.database.reading() as session:
        assert len((await session.execute(query)).all()) == 1


async def _take(holder: str, plans: list[Planned], uow: UnitOfWork) -> Outcome:
    await uow.add_effects(plans)
    await outbox.claim(
        uow.session,
        workspace_id=uow.workspace_id,
        holder=holder,
        now=uow.now,
        limit=len(plans),
        refreshes=len(plans),
        kinds=(SetChannelTopic.kind,),
    )
    return Outcome("claimed")


async def _statuses(bot: Bot) -> set[str]:
    async with bot.app.services.database.reading() as session:
        return set((await session.execute(select(EffectRow.status))).scalars())


async def test_while_the_database_refuses_it_is_asked_again_once_a_second_and_that_is_said_once(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = await _declared(bot)
    bot.slack.delay("conversations.info", 0.2)
    await _plan(bot, Planned(new_id(), SetChannelTopic(incident_id=incident_id), "lane"))
    await bot.slack.wait_for(lambda: bot.slack.journal.under_way)
    await _rename(bot, "leases", "away")
    bot.clock.advance(timedelta(seconds=40))  # the lease is due for renewal
    capsys.readouterr()
    await bot.settle_for(seconds=0.8)
    faults = await bot.app.health.faults()
    assert faults["dispatcher"] == "its work hasn't succeeded for 40 s"
    assert faults["schema"].startswith("the database lacks leases.")
    assert 1 <= bot.app.services.watch.failures <= 3
    log = capsys.readouterr().out
    assert log.count("database_unusable") == 1
    assert "Traceback" not in log
    await _rename(bot, "away", "leases")


async def _rename(bot: Bot, table: str, name: str) -> None:
    async with bot.app.services.database.writing() as session:
        await session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
        await session.commit()


async def _plan(bot: Bot, *planned: Planned) -> None:
    async def plan(uow: UnitOfWork) -> Outcome:
        await uow.add_effects(list(planned))
        return Outcome("planned")

    await bot.run(plan)


async def _declared(bot: Bot) -> uuid.UUID:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    async with bot.app.services.database.reading() as session:
        return (await session.execute(select(Incident.id))).scalar_one()
