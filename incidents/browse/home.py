"""The Home tab: the incidents that each person sees there."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.browse.events import HomeOpened
from incidents.browse.lists import ListPage, Scope, list_incidents
from incidents.core.people import Actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork

PAGE_SIZE = 10
MOST_OF_MINE = 10
MOST_RECENT = 5


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
    uow.emit(HomeOpened(person_id=uow.actor.person_id, page=page))
    return Outcome("home_opened")


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
