"""The Home tab: the incidents that each person sees there."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.browse.events import HomeOpened
from incidents.browse.lists import ListPage, Scope, list_incidents
from incidents.core.people import Actor, Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.storage.database import Base

PAGE_SIZE = 10
MOST_OF_MINE = 10
MOST_RECENT = 5
# Who hasn't opened Home for as long gets no refreshes; it is shown anew when they open it.
LATELY = timedelta(days=3)


class HomeTab(Base):
    """When somebody opened their Home tab last, on which page, and a hash of what it shows."""

    __tablename__ = "home_tabs"
    __table_args__ = (Index("ix_home_tabs_workspace_id_opened_at", "workspace_id", "opened_at"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    opened_at: Mapped[datetime]
    page: Mapped[int] = mapped_column(default=1)
    shown: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True, slots=True)
class HomeView:
    """The Home tab's lists: the viewer's incidents, a page of the other open ones, recently resolved."""

    mine: ListPage
    open: ListPage
    recent: ListPage


async def open_home(uow: UnitOfWork, page: int) -> Outcome:
    """Refresh the actor's Home tab."""
    if uow.actor.person_id is None:
        return Outcome("nobody")
    person_id = uow.actor.person_id
    # Locked, so that two visits of one person follow each other.
    await uow.session.get_one(Person, person_id, with_for_update={"key_share": True})
    tab = await uow.session.get(HomeTab, person_id)
    if tab is None:
        tab = HomeTab(person_id=person_id, workspace_id=uow.workspace_id)
        uow.session.add(tab)
    tab.opened_at, tab.page = uow.now, page
    uow.emit(HomeOpened(person_id=person_id, page=page))
    return Outcome("home_opened")


async def remember_home(uow: UnitOfWork, person_id: uuid.UUID, *, shown: str) -> None:
    """Remember a hash of what somebody's Home tab shows now, if they ever opened it."""
    tab = update(HomeTab).where(HomeTab.person_id == person_id)
    await uow.session.execute(tab.values(shown=shown))


async def home_view(
    session: AsyncSession, *, workspace_id: uuid.UUID, viewer: Actor, page: int, now: datetime
) -> HomeView:
    """Return the viewer's Home tab: only incidents that they may see."""

    async def listed(scope: Scope, *, size: int, number: int = 1, others: bool = False) -> ListPage:
        return await list_incidents(
            session,
            workspace_id=workspace_id,
            viewer=viewer,
            scope=scope,
            now=now,
            page=number,
            page_size=size,
            but_mine=others,
        )

    return HomeView(
        mine=await listed(Scope.MINE, size=MOST_OF_MINE),
        open=await listed(Scope.OPEN, size=PAGE_SIZE, number=page, others=True),
        recent=await listed(Scope.RECENT, size=MOST_RECENT),
    )
