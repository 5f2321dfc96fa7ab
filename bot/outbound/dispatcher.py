"""The dispatcher: claims due effects, carries them out, and settles the results.

One process at a time sends for a workspace (the lease). A cycle is one transaction that settles
the effects that ended since the last one, and claims those due now. Calls to Slack run between
transactions, in one task per effect.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.framework.effect_context import Done, Dropped, Failed, Record
from bot.framework.feature import EffectHandler
from bot.framework.requests import Services
from bot.outbound.attempts import LOOK_AFTER, Attempts, End, Ended, Postponed, Unauthorized
from bot.outbound.lease_keeper import LeaseKeeper
from bot.outbound.outage import Outage
from bot.slack.errors import SlackFailure
from incidents.core.people import Workspace, system_actor
from incidents.engine import outbox, settling
from incidents.engine.effects import Effect
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.posted_messages import delivered_places, posted_places
from incidents.engine.settling import record_failure
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import private_among

AT_ONCE = 40
# Refreshes leave places for what people wait for.
REFRESHES_AT_ONCE = 20
SWEEP_EVERY_SECONDS = 5.0
PAUSE_AFTER_FAILURE_SECONDS = 1.0
STOP_WITHIN = timedelta(seconds=4)
# What a silent database doesn't take by then is looked for at the next start.
LAST_WORDS_WITHIN = timedelta(seconds=2)
# A cycle only uses the database, and a silent one must not keep it for ever.
CYCLE_WITHIN = timedelta(seconds=30)
# Turns of the event loop that it takes to write an HTTP request to an open connection.
TURNS_TO_LEAVE = 2

log = structlog.get_logger(__name__)


class Dispatcher:
    """Carries the effects of one workspace to Slack while it holds the workspace's lease."""

    def __init__(
        self,
        services: Services,
        handlers: Mapping[type[Effect], EffectHandler],
        *,
        holder: str,
        on_end: Callable[[str, End], None] | None = None,
    ) -> None:
        """Store the services, the handler of each effect type, and this process's name.

        `on_end` is called after each attempt, with the effect's kind and how it ended, unless it is
        about a private incident: metrics say nothing about those.
        """
        self.services = services
        self.handlers = handlers
        self.holder = holder
        self._kinds = tuple(effect_type.kind for effect_type in handlers)
        self.last_beat: float = 0.0
        self._under_way: set[uuid.UUID] = set()
        self._refreshing: set[uuid.UUID] = set()
        self._lease = LeaseKeeper(
            services, holder=holder, look_after=LOOK_AFTER, under_way=self._under_way
        )
        self._attempts = Attempts(services, handlers)
        self._outage = Outage()
        self._on_end = on_end
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[Ended] = []
        self._is_stopping = False
        self._is_settling = False
        self._loop_task: asyncio.Task[None] | None = None

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start dispatching."""
        self.services.transactions.on_commit.append(self._on_commit)
        self._loop_task = asyncio.create_task(self._loop(), name="dispatcher")

    def wake(self) -> None:
        """Look for due effects now."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop claiming, let running effects end, settle them, and release the lease.

        Effects that don't end in time stay claimed; the next sender checks whether they happened.
        """
        self._is_stopping = True
        self.wake()
        # Stop the loop first: it still starts the effects it has claimed, and we wait for those
        # too.
        if self._loop_task is not None:
            await self._stop_loop(self._loop_task)
        if self._tasks:
            _, slow = await asyncio.wait(set(self._tasks), timeout=STOP_WITHIN.total_seconds())
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
        try:
            async with asyncio.timeout(LAST_WORDS_WITHIN.total_seconds()):
                await self._settle_and_claim(limit=0)
                await self._lease.release()
        except Exception as error:
            if self.services.watch.failed(error) is None:
                raise

    async def _stop_loop(self, loop_task: "asyncio.Task[None]") -> None:
        """Wait for the loop's end, but not for a database that is silent."""
        _, still = await asyncio.wait({loop_task}, timeout=LAST_WORDS_WITHIN.total_seconds())
        for task in still:
            task.cancel()

    def _on_commit(self, workspace_id: uuid.UUID) -> None:
        if workspace_id == self.services.workspace.id:
            self.wake()

    @property
    def is_idle(self) -> bool:
        """Tell whether no effect is running or waiting to be settled."""
        return not self._tasks and not self._ended and not self._is_settling

    @property
    def holds_lease(self) -> bool:
        """Tell whether this process may send for the workspace."""
        return self._lease.is_held

    @property
    def is_paused(self) -> bool:
        """Tell whether the workspace is paused until Slack accepts its token."""
        return self._lease.is_paused

    def resume(self) -> None:
        """Resume after a pause, because Slack accepts our token again."""
        self._lease.is_paused = False
        self.wake()

    # -- the loop -----------------------------------------------------------------------------

    async def _loop(self) -> None:
        while not self._is_stopping:
            is_woken = self._wake.is_set()
            self._wake.clear()
            try:
                async with asyncio.timeout(CYCLE_WITHIN.total_seconds()):
                    await self._cycle(is_woken=is_woken)
            except Exception as error:
                if self.services.watch.failed(error) is None:
                    log.exception("dispatcher_cycle_failed")
                pause = PAUSE_AFTER_FAILURE_SECONDS
            else:
                self.services.watch.works()
                self.last_beat = self.services.clock.monotonic()
                pause = self._pause_seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout=pause)

    def _pause_seconds(self) -> float:
        if self._ended:
            return 0.0
        # A process that waits for the lease looks often, so that a dead one is replaced soon.
        is_quiet = not self._tasks and self.holds_lease
        return SWEEP_EVERY_SECONDS if is_quiet else SWEEP_EVERY_SECONDS / 5

    async def _cycle(self, *, is_woken: bool) -> None:
        """Settle and claim once; unless woken, check first whether anything is due."""
        # Ended effects are always settled, but only the lease holder claims more.
        may_claim = await self._lease.keep() and not (self.is_paused or self._is_stopping)
        free = AT_ONCE - len(self._tasks) if may_claim else 0
        if self._ended or (free > 0 and (is_woken or await self.has_due())):
            await self._settle_and_claim(limit=max(free, 0))

    async def has_due(self) -> bool:
        """Tell whether an effect could be claimed now."""
        async with self.services.database.reading() as session:
            return await outbox.has_due(
                session,
                workspace_id=self.services.workspace.id,
                now=self.services.clock.now(),
                kinds=self._kinds,
            )

    async def _settle_and_claim(self, *, limit: int) -> None:
        """Settle ended effects and claim due ones in one transaction; if it fails, settle each.

        What the database doesn't take now is kept for the next cycle.
        """
        ended, self._ended = self._ended, []
        kept = list(ended)  # also if this is given up because the database is silent
        claimed: list[tuple[EffectRow, bool]] = []
        self._is_settling = True
        try:
            claimed = await self._transact(ended, limit=limit)
            kept = []
        except Exception as error:
            if not ended:
                raise
            if self.services.watch.failed(error) is None:
                log.exception("settling_together_failed", effects=len(ended))
            kept = [one for one in ended if not await self._settle_alone(one)]
            if kept:
                raise
            self.wake()  # effects behind these may be due now, and weren't claimed
        finally:
            self._is_settling = False
            self._ended[:0] = kept
            settled = {one.effect_id for one in ended} - {one.effect_id for one in kept}
            self._under_way -= settled
            self._refreshing -= settled
        # Only now: an effect that just ended may have been claimed again.
        await self._start(claimed)

    async def _settle_alone(self, one: Ended) -> bool:
        """Settle one effect; return False if the database can't be written now."""
        # It may have happened in Slack but can't be recorded now: look again later.
        again = Ended(one.effect_id, Postponed(LOOK_AFTER, "not recorded", is_uncertain=True))
        for end in (one, again):
            try:
                await self._transact([end], limit=0)
            except Exception as error:
                if self.services.watch.failed(error) is not None:
                    return False
                log.exception("settling_failed", effect_id=str(one.effect_id))
            else:
                return True
        return True  # it stays claimed: the next renewal of the lease finds it

    async def _transact(self, ended: list[Ended], *, limit: int) -> list[tuple[EffectRow, bool]]:
        """Settle and claim; return what is claimed, and of each whether its incident is private."""
        claimed: list[EffectRow] = []
        began = self.services.clock.now()
        is_back = self._outage.is_over(ended, now=began)
        private: set[uuid.UUID] = set()

        async def settle_and_claim(uow: UnitOfWork) -> Outcome:
            claimed.clear()
            rows = await outbox.get_effects(uow.session, [one.effect_id for one in ended])
            # All rows first, so that they are written together; then their records.
            records = [
                (rows[one.effect_id], await self._settle(uow, one, rows[one.effect_id]))
                for one in ended
            ]
            for row, record in records:
                if record is not None:
                    await uow.flush()  # each finds what the ones before it wrote
                    uow.correlation_id = row.correlation_id
                    await record(uow)
            await uow.follow_up()
            if is_back:
                await settling.hasten(
                    uow.session,
                    workspace_id=uow.workspace_id,
                    now=uow.now,
                    look_after=LOOK_AFTER,
                )
            if limit and not self._is_stopping:
                claimed.extend(
                    await outbox.claim(
                        uow.session,
                        workspace_id=uow.workspace_id,
                        holder=self.holder,
                        now=uow.now,
                        limit=limit,
                        refreshes=REFRESHES_AT_ONCE - len(self._refreshing),
                        kinds=self._kinds,
                    )
                )
                about = {row.incident_id for row in claimed if row.incident_id is not None}
                private.update(await private_among(uow.session, about))
            return Outcome("dispatched")

        await self.services.transactions.run(
            settle_and_claim, actor=system_actor(), workspace_id=self.services.workspace.id
        )
        self._outage.note(ended, now=began)
        return [(row, row.incident_id in private) for row in claimed]

    async def _start(self, claimed: Iterable[tuple[EffectRow, bool]]) -> None:
        """Carry out what was claimed."""
        for row, is_private in claimed:
            self._under_way.add(row.id)
            if row.coalesce_key is not None:
                self._refreshing.add(row.id)
            self._spawn(self._carry_out(row, is_private=is_private))
            # Let its call go out before we prepare the next effect, which takes some milliseconds.
            for _ in range(TURNS_TO_LEAVE):
                await asyncio.sleep(0)

    async def _settle(self, uow: UnitOfWork, one: Ended, row: EffectRow) -> Record | None:
        """Settle the effect's row, and return its record, if any."""
        if row.status != EffectStatus.CLAIMED or row.claimed_by != self.holder:
            await self._remove_double(uow, row, one)
            return None
        match one.end:
            case Done(record=record):
                settling.settle(row, status=EffectStatus.DONE, now=uow.now)
                row.progress = {**row.progress, "posted": [list(place) for place in one.posted]}
                return record
            case Dropped(reason=reason, record=record):
                settling.settle(row, status=EffectStatus.DROPPED, now=uow.now, error=reason)
                return record
            case Failed(error=error, record=record):
                log.error("effect_became_dead_letter", kind=row.kind, error=error)
                await settling.dead_letter(uow.session, row, now=uow.now, error=error)
                return record or partial(record_failure, row=row, error=error)
            case Postponed(wait=wait, error=error, is_uncertain=is_uncertain) as later:
                row.attempts -= later.is_paced
                await settling.postpone(
                    uow.session,
                    row,
                    now=uow.now,
                    due_at=uow.now + wait,
                    error=error,
                    is_uncertain=is_uncertain,
                )
            case Unauthorized(error=error):
                await settling.postpone(
                    uow.session, row, now=uow.now, due_at=uow.now, error=error, is_uncertain=False
                )
                await _pause_workspace(uow, error)
                self._lease.is_paused = True
        return None

    async def _remove_double(self, uow: UnitOfWork, row: EffectRow, one: Ended) -> None:
        """Another process took over and settled first: delete the duplicates that we posted."""
        log.warning("settled_by_another_process", effect_id=str(row.id), status=row.status)
        if row.status != EffectStatus.DONE:
            return
        told = await delivered_places(uow.session, EffectRow.id == row.id)
        kept = {*posted_places(row.progress), *(place for _, place in told)}
        for channel_id, ts in one.posted:
            if (channel_id, ts) not in kept:
                self._spawn(self._delete(channel_id, ts))

    async def _delete(self, channel_id: str, ts: str) -> None:
        try:
            await self.services.gateway.delete(channel_id, ts)
        except SlackFailure as error:
            log.warning("duplicate_not_deleted", error=error.error)

    # -- one effect ---------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self.wake()

    async def _carry_out(self, row: EffectRow, *, is_private: bool) -> None:
        with structlog.contextvars.bound_contextvars(
            correlation_id=row.correlation_id, effect_id=str(row.id)
        ):
            if self.holds_lease:
                ended = await self._attempts.make(row, is_private=is_private)
            else:
                ended = self._attempts.leave(row, "lease lost")
        if self._on_end is not None and not is_private:
            self._on_end(row.kind, ended.end)
        self._ended.append(ended)


async def _pause_workspace(uow: UnitOfWork, error: str) -> None:
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is None or workspace.paused_at is not None:
        return
    workspace.paused_reason, workspace.paused_at = error, uow.now
    log.error("workspace_paused", error=error)
