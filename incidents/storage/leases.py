"""Leases: one process at a time may send for a workspace, until its lease expires."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.storage.database import Base

LEASE = timedelta(seconds=9)


class Lease(Base):
    """The right to send for a workspace until `expires_at`, unless renewed."""

    __tablename__ = "leases"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]


async def acquire(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    holder: str,
    now: datetime,
    is_gone: Callable[[Lease], bool] = lambda _: False,
) -> bool:
    """Take or renew the lease; tell whether it is held now.

    A lease is also taken from a holder that `is_gone` knows to be dead.
    """
    lease = await session.get(Lease, workspace_id, with_for_update=True)
    if lease is None:
        session.add(Lease(workspace_id=workspace_id, holder=holder, expires_at=now + LEASE))
        await session.flush()
        return True
    if lease.holder == holder:
        # Even if expired: nobody else took it, so this process still owns its work under way.
        lease.expires_at = now + LEASE
        return True
    if lease.expires_at > now and not is_gone(lease):
        return False
    lease.holder, lease.expires_at = holder, now + LEASE
    return True


async def current_holders(session: AsyncSession, *, now: datetime) -> tuple[str, ...]:
    """Return the processes that hold a lease now, of whichever workspace.

    A lease that expires later than any that is renewed now is left from before a clock was set back.
    """
    query = select(Lease.holder).where(Lease.expires_at > now, Lease.expires_at < now + 2 * LEASE)
    return tuple((await session.execute(query)).scalars())


async def forget(session: AsyncSession, *, workspace_id: uuid.UUID) -> None:
    """Delete the workspace's lease, whose holder is known to be gone."""
    await session.execute(delete(Lease).where(Lease.workspace_id == workspace_id))


async def release(session: AsyncSession, *, workspace_id: uuid.UUID, holder: str) -> None:
    """Give up the lease, so that another process can continue at once."""
    lease = await session.get(Lease, workspace_id, with_for_update=True)
    if lease is not None and lease.holder == holder:
        await session.delete(lease)
        await session.flush()
