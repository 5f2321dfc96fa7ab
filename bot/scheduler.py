"""The scheduler: ticks only. What is due, and what was missed, is in the database."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.requests import Services
from incidents import reminders
from incidents.people import system_actor
from incidents.presence import BEAT_EVERY, beat, come_back
from incidents.reminder_rules import fire
from incidents.unit_of_work import UseCase

TICK = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class Scheduler:
    """Fires due reminders every second, and leaves a heartbeat by which absences are known."""

    def __init__(self, services: Services) -> None:
        """Take the services."""
        self.services = services
        self.last_beat: float = 0.0
        self._present_at: datetime | None = None
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    async def arrive(self) -> None:
        """Say that the bot is here, which ends an absence; before the first reminder is fired."""
        await self._run(come_back)
        self._present_at = self.services.clock.now()

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.add_job(
            self.tick,
            IntervalTrigger(seconds=int(TICK.total_seconds()), timezone="UTC"),
            id="reminders",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Fire every reminder that is due now, each in its own transaction."""
        try:
            # First, so that reminders know whether the bot was away when they came due.
            await self._keep_present()
            await self._fire_due()
        except Exception:
            log.exception("tick_failed")
        self.last_beat = self.services.clock.monotonic()

    async def _keep_present(self) -> None:
        now = self.services.clock.now()
        if self._present_at is None:
            await self.arrive()
        elif now - self._present_at >= BEAT_EVERY:
            await self._run(beat)
            self._present_at = now

    async def _run(self, use_case: UseCase) -> None:
        await self.services.transactions.run(
            use_case, actor=system_actor(), workspace_id=self.services.workspace.id
        )

    async def _fire_due(self) -> None:
        workspace_id = self.services.workspace.id
        async with self.services.database.reading() as session:
            due = await reminders.due_reminder_ids(
                session, workspace_id=workspace_id, now=self.services.clock.now()
            )
        for reminder_id in due:
            try:
                await self._run(partial(fire, reminder_id=reminder_id))
            except Exception:
                # One reminder that can't be fired must not hold up the others.
                log.exception("reminder_failed", reminder_id=str(reminder_id))
