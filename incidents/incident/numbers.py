"""The numbers of incidents: one sequence without gaps for a workspace, and one for its drills."""

import functools
import uuid
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ForeignKey, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.storage.database import Base

if TYPE_CHECKING:
    from sqlalchemy import Table


class Counter(Base):
    """The last number given out in a workspace; incidents and drills count separately."""

    __tablename__ = "counters"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


async def lock_numbers(session: AsyncSession, *, workspace_id: uuid.UUID, is_drill: bool) -> None:
    """Wait until nobody else is declaring; what is read afterwards holds until the commit."""
    if session.get_bind().dialect.name == "sqlite":
        return  # SQLite has a single writer, and that is us
    query = select(Counter.value).where(
        Counter.workspace_id == workspace_id, Counter.name == _counter_name(is_drill=is_drill)
    )
    await session.execute(query.with_for_update())


async def take_number(session: AsyncSession, *, workspace_id: uuid.UUID, is_drill: bool) -> int:
    """Return the next gapless number; the counter's row stays locked until the commit."""
    name = _counter_name(is_drill=is_drill)
    given = {"workspace": workspace_id, "counter": name}
    value = (await session.execute(_counting(), given)).scalar_one_or_none()
    if value is not None:
        return int(value)
    session.add(Counter(workspace_id=workspace_id, name=name, value=1))
    await session.flush()  # two first declarations at once: the second runs again
    return 1


@functools.cache
def _counting() -> Any:
    """Return the statement, built once: it runs while others wait to declare."""
    table = cast("Table", Counter.__table__)
    return (
        update(table)
        .where(table.c.workspace_id == bindparam("workspace"), table.c.name == bindparam("counter"))
        .values(value=table.c.value + 1)
        .returning(table.c.value)
    )


def _counter_name(*, is_drill: bool) -> str:
    return "drill" if is_drill else "incident"
