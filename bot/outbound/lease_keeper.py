"""Keeps the lease, the right to send for a workspace: renews it, and releases it at shutdown."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from bot.framework.requests import Services
from bot.operations.process import is_gone
from incidents.core.people import Workspace, system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.engine import settling
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.storage import leases

RENEW_EVERY = timedelta(seconds=3)
# Our own claims that are older than this and not under way: we never learnt of them.
UNHEARD_AFTER = timedelta(seconds=30)


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
        self._until: datetime | None = None
        self._renewed_at: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this process may send for the workspace."""
        return self._until is not None and self._services.clock.now() < self._until

    async def keep(self) -> bool:
        """Take the lease, or renew it when due; tell whether it is held."""
        now = self._services.clock.now()
        if self.is_held and self._renewed_at and now - self._renewed_at < RENEW_EVERY:
            return True
        held: list[bool] = []

        async def acquire(uow: UnitOfWork) -> Outcome:
            held.clear()
            is_held, is_new = await leases.acquire(
                uow.session,
                workspace_id=uow.workspace_id,
                holder=self.holder,
                now=uow.now,
                is_gone=is_gone,
            )
            if is_held:
                await self._release_abandoned(uow, is_new=is_new)
            workspace = await uow.session.get(Workspace, uow.workspace_id)
            self.is_paused = workspace is not None and workspace.paused_at is not None
            held.append(is_held)
            return Outcome("lease")

        await self._services.transactions.run(
            acquire,
            actor=system_actor(HOUSEKEEPING),
            workspace_id=self._services.workspace.id,
        )
        self._until = now + leases.LEASE if held[-1] else None
        self._renewed_at = now if held[-1] else None
        return held[-1]

    async def _release_abandoned(self, uow: UnitOfWork, *, is_new: bool) -> None:
        """Release the previous holder's claims, and our own that we never learnt of.

        A commit's result can get lost, and so can an effect's when it can't be settled for a while.
        Our recent claims are kept, because they may be about to start.
        """
        await settling.release_abandoned(
            uow.session,
            workspace_id=uow.workspace_id,
            now=uow.now,
            look_after=self._look_after,
            claimed_before=None if is_new else uow.now - UNHEARD_AFTER,
            under_way=self._under_way,
        )

    async def release(self) -> None:
        """Release the lease, and wake the other processes to take it."""

        async def release(uow: UnitOfWork) -> Outcome:
            await leases.release(uow.session, workspace_id=uow.workspace_id, holder=self.holder)
            uow.wake_others()
            return Outcome("released")

        self._until = None
        await self._services.transactions.run(
            release,
            actor=system_actor(HOUSEKEEPING),
            workspace_id=self._services.workspace.id,
        )
