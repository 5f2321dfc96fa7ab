"""The scheduler only ticks; the database knows what is due and what was missed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.framework.requests import Services
from bot.operations.telemetry import REMINDERS_FIRED, Telemetry
from incidents.core.people import system_actor
from incidents.engine import reminders
from incidents.engine.presence import AWAY_AFTER, BEAT_EVERY, beat, come_back
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.registry.reminder_rules import fire

TICK = timedelta(seconds=1)
STALLED_AFTER = timedelta(seconds=30)
TICK_WITHIN = timedelta(seconds=25)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """A periodic job other than reminders; it also runs at startup if `at_start`."""

    name: str
    every: timedelta
    do: Callable[[], Awaitable[object]]
    at_start: bool = True


class Scheduler:
    """Fires due reminders every second, runs the chores, and records a heartbeat.

    APScheduler plans on the wall clock and stalls when that is set back; a watchdog on the
    monotonic clock then restarts it.
    """

    def __init__(
        self,
        services: Services,
        *,
        telemetry: Telemetry,
        chores: Iterable[Chore] = (),
        hears: Callable[[], bool] = lambda: True,
        stalled_after: timedelta = STALLED_AFTER,
    ) -> None:
        """Store the services and the chores; `hears` tells whether Slack's requests reach us."""
        self.services = services
        self._hears = hears
        # A tick that fails shows that the scheduler still ticks, but not that it works.
        self.ticked_at = self.worked_at = self._looked_at = time.monotonic()
        self.restarts = 0
        self._telemetry = telemetry
        self._chores = tuple(chores)
        self._stalled_after = stalled_after.total_seconds()
        self._present_at: datetime | None = None
        self._scheduler: AsyncIOScheduler | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._first_chores: set[asyncio.Task[None]] = set()

    # -- life ---------------------------------------------------------------------------------

    async def arrive(self) -> None:
        """Record that the bot is back, ending any absence; call this before the first tick."""
        await self._run(come_back)
        self._present_at = self.services.clock.now()

    def start(self) -> None:
        """Start ticking, and run the first round of chores in the background."""
        self._plan()
        self._spawn(self._watch())
        for chore in self._chores:
            if chore.at_start:
                task = self._spawn(self._do(chore))
                self._first_chores.add(task)
                task.add_done_callback(self._first_chores.discard)

    @property
    def is_starting(self) -> bool:
        """Tell whether the first round of chores is still running."""
        return bool(self._first_chores)

    async def stop(self) -> None:
        """Stop ticking, and cancel running jobs."""
        self._is_stopping = True
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run_chore(self, name: str) -> None:
        """Run one chore now. Raises: KeyError if there is none with this name."""
        await {chore.name: chore for chore in self._chores}[name].do()

    def _plan(self) -> None:
        scheduler = AsyncIOScheduler(timezone="UTC")
        settings = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        jobs = [("reminders", TICK, self.tick)]
        jobs += [(chore.name, chore.every, partial(self._do, chore)) for chore in self._chores]
        for name, every, work in jobs:
            trigger = IntervalTrigger(seconds=int(every.total_seconds()), timezone="UTC")
            scheduler.add_job(partial(self._run_job, work), trigger, id=name, **settings)
        scheduler.start()
        self._scheduler = scheduler

    async def _run_job(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            # When stopping, APScheduler cancels running jobs and would report them as errors.
            if not self._is_stopping:
                raise

    def _spawn(self, work: Awaitable[None]) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._stalled_after / 3)
            silent = time.monotonic() - self.ticked_at
            if silent < self._stalled_after:
                continue
            self.restarts += 1
            log.error("scheduler_stalled", seconds=round(silent, 1))
            if self._scheduler is not None and self._scheduler.running:
                self._scheduler.shutdown(wait=False)
            self.ticked_at = time.monotonic()
            self._plan()

    # -- ticks --------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Fire every due reminder, each in its own transaction."""
        try:
            # A silent database must not keep it for ever. What is left comes with the next tick.
            async with asyncio.timeout(TICK_WITHIN.total_seconds()):
                # Presence first: reminders check whether the bot was away when they came due.
                await self._keep_present()
                await self._fire_due()
        except Exception as error:
            if self.services.watch.failed(error) is None:
                log.exception("tick_failed")
        else:
            self.services.watch.works()
            self.worked_at = time.monotonic()
        self.ticked_at = time.monotonic()

    async def _do(self, chore: Chore) -> None:
        try:
            await chore.do()
        except Exception as error:
            if self.services.watch.failed(error) is None:
                log.exception("chore_failed", chore=chore.name)

    async def _keep_present(self) -> None:
        """Beat while people can reach us; after that failed, we come back."""
        if not self._hears():
            self._present_at = None
            return
        now = self.services.clock.now()
        was_frozen = time.monotonic() - self._looked_at > AWAY_AFTER.total_seconds()
        self._looked_at = time.monotonic()
        if self._present_at is None or was_frozen:
            await self.arrive()
        elif now - self._present_at >= BEAT_EVERY:
            self._present_at = None
            await self._run(beat)
            self._present_at = now

    async def _run(self, use_case: UseCase) -> Outcome:
        return await self.services.transactions.run(
            use_case, actor=system_actor(), workspace_id=self.services.workspace.id
        )

    async def _fire_due(self) -> None:
        workspace_id = self.services.workspace.id
        async with self.services.database.reading() as session:
            due = await reminders.due_reminder_ids(
                session, workspace_id=workspace_id, now=self.services.clock.now()
            )
        unusable: Exception | None = None
        for reminder_id in due:
            try:
                with structlog.contextvars.bound_contextvars(correlation_id=reminder_id.hex):
                    fired = await self._run(partial(fire, reminder_id=reminder_id))
                # Another process or tick may have been first; and metrics say nothing about private
                # incidents.
                if fired.kind == "fired" and not fired.data.get("is_private"):
                    self._telemetry.count(REMINDERS_FIRED)
            except Exception as error:
                # One failing reminder must not block the others.
                if self.services.watch.failed(error) is not None:
                    unusable = error
                    continue
                log.exception("reminder_failed", reminder_id=str(reminder_id))
        if unusable is not None:
            raise unusable
