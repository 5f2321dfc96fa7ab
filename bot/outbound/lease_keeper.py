"""Keeps the lease, the right to send for a workspace: renews it, and releases it at shutdown."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.framework.requests import Services
from bot.operations.process import is_gone
from incidents.core.people import Workspace, system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.engine import settling
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.storage import leases

log = structlog.get_logger(__name__)

RENEW_EVERY = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A moment by both clocks: one may be set back, the other stands still in a suspended machine."""

    at: datetime
    monotonic: timedelta

    def is_after(self, other: "_Moment", duration: timedelta) -> bool:
        """Tell whether at least this long has passed since the other moment, by either clock."""
        return max(self.at - other.at, self.monotonic - other.monotonic) >= duration


class LeaseKeeper:
    """Holds the lease of one workspace for one process, or waits until it is free."""

    def __init__(
        self,
        services: Services,
        *,
        holder: str,
        look_after: timedelta,
        under_way: Collection[uuid.UUID],
    ) -> None:
        """Store this process's name, and when it can be seen what a dead process's call did.

        `under_way` always holds the ids of the effects that this process is carrying out.
        """
        self.holder = holder
        self.is_paused = False
        self._services = services
        self._look_after = look_after
        self._under_way = under_way
        self._renewed: _Moment | None = None
        self._waiting_for: tuple[str, datetime, _Moment] | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this process may send for the workspace."""
        return self._renewed is not None and not self._now().is_after(self._renewed, leases.LEASE)

    async def keep(self) -> bool:
        """Take the lease, or renew it when due; tell whether it is held."""
        began = self._now()
        if self._renewed is not None and not began.is_after(self._renewed, RENEW_EVERY):
            return True
        held: list[bool] = []
        adopted: list[int] = []

        async def acquire(uow: UnitOfWork) -> Outcome:
            held.clear()
            adopted.clear()
            is_held = await leases.acquire(
                uow.session,
                workspace_id=uow.workspace_id,
                holder=self.holder,
                now=uow.now,
                is_gone=self._is_gone,
            )
            if is_held:
                # Those of the holder before, and our own if we never heard of the commit.
                count = await settling.release_abandoned(
                    uow.session,
                    workspace_id=uow.workspace_id,
                    now=uow.now,
                    look_after=self._look_after,
                    under_way=self._under_way,
                )
                adopted.append(count)
            workspace = await uow.session.get(Workspace, uow.workspace_id)
            self.is_paused = workspace is not None and workspace.paused_at is not None
            held.append(is_held)
            return Outcome("lease")

        await self._services.transactions.run(
            acquire,
            actor=system_actor(HOUSEKEEPING),
            workspace_id=self._services.workspace.id,
        )
        self._tell(is_held=held[-1], adopted=sum(adopted))
        self._renewed = began if held[-1] else None
        return held[-1]

    def _tell(self, *, is_held: bool, adopted: int) -> None:
        """Log what changed: who may send, and how many effects of an earlier process we look at."""
        if is_held != (self._renewed is not None):
            log.info("lease_taken" if is_held else "lease_lost", holder=self.holder)
        if adopted:
            log.info("effects_adopted", holder=self.holder, effects=adopted)

    def _now(self) -> "_Moment":
        clock = self._services.clock
        return _Moment(clock.now(), timedelta(seconds=clock.monotonic()))

    def _is_gone(self, lease: leases.Lease) -> bool:
        """Tell whether the holder is dead, or hasn't renewed a lease that a wrong clock lengthened."""
        known, now = self._waiting_for, self._now()
        if known is None or known[:2] != (lease.holder, lease.expires_at):
            self._waiting_for = known = (lease.holder, lease.expires_at, now)
        return is_gone(lease.holder) or now.is_after(known[2], leases.LEASE)

    async def release(self) -> None:
        """Release the lease, and wake the other processes to take it."""

        async def release(uow: UnitOfWork) -> Outcome:
            await leases.release(uow.session, workspace_id=uow.workspace_id, holder=self.holder)
            uow.wake_others()
            return Outcome("released")

        was_held, self._renewed = self._renewed is not None, None
        await self._services.transactions.run(
            release,
            actor=system_actor(HOUSEKEEPING),
            workspace_id=self._services.workspace.id,
        )
        if was_held:
            log.info("lease_released", holder=self.holder)
