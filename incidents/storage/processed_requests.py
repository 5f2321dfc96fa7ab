"""Requests already carried out, with their outcomes: a repeat gets the same answer."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import JSON, ForeignKey, Index, Row, Table, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.storage.database import Base, insert_rows

# A command typed again so soon counts as the same.
TYPED_AGAIN_WITHIN = timedelta(minutes=1)


class ProcessedRequest(Base):
    """A request already carried out; a repeat is answered with its stored `outcome`."""

    __tablename__ = "processed_requests"
    __table_args__ = (
        Index("ix_processed_requests_workspace_id_created_at", "workspace_id", "created_at"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


_REQUESTS = cast("Table", ProcessedRequest.__table__)
_FIND_REQUEST = select(_REQUESTS.c.outcome, _REQUESTS.c.created_at).where(
    _REQUESTS.c.workspace_id == bindparam("workspace"), _REQUESTS.c.key == bindparam("request")
)


async def find_request(
    session: AsyncSession, key: str, *, workspace_id: uuid.UUID
) -> Row[Any, Any] | None:
    """Return the outcome and time of the request with this key, or None if it is new."""
    given = {"workspace": workspace_id, "request": key}
    return (await session.execute(_FIND_REQUEST, given)).one_or_none()


async def keep_request(
    session: AsyncSession,
    identity: tuple[uuid.UUID, str],
    stored: Mapping[str, Any],
    *,
    is_known: bool,
) -> None:
    """Store the outcome of the request (workspace, key); `is_known`: replace an earlier one."""
    workspace_id, key = identity
    if not is_known:
        row = {"workspace_id": workspace_id, "key": key, **stored}
        await insert_rows(session, ProcessedRequest, [row])
        return
    await session.execute(
        update(_REQUESTS)
        .where(_REQUESTS.c.workspace_id == workspace_id, _REQUESTS.c.key == key)
        .values(**stored)
    )


async def forget_requests(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    kind: str,
    entry_id: uuid.UUID,
    since: datetime,
) -> None:
    """Forget the requests since then whose outcome of this kind is about the entry."""
    query = select(_REQUESTS.c.key, _REQUESTS.c.outcome).where(
        _REQUESTS.c.workspace_id == workspace_id, _REQUESTS.c.created_at > since
    )
    found = (await session.execute(query)).all()
    keys = [
        key
        for key, outcome in found
        if outcome["kind"] == kind and outcome["data"].get("entry_id") == str(entry_id)
    ]
    if keys:
        is_found = (_REQUESTS.c.workspace_id == workspace_id) & _REQUESTS.c.key.in_(keys)
        await session.execute(delete(_REQUESTS).where(is_found))
