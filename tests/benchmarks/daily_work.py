"""What people and the bot do all day, as use cases and queries: measured and explained as it grows."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from incidents.browse.find import Found, find_incidents
from incidents.browse.home import home_view
from incidents.browse.lists import Scope, Stretch, list_all, list_incidents
from incidents.core.clock import SystemClock
from incidents.core.ids import new_id
from incidents.core.people import Actor, Workspace, system_actor
from incidents.engine import outbox, reminders
from incidents.engine.outbox import EffectStatus
from incidents.engine.settling import settle
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.exports.export import ExportFormat, export_incident
from incidents.incident.incident import ByChannel, ById
from incidents.incident.views import get_incident_view
from incidents.lifecycle.declare import Declaration, declare
from incidents.policy.policy import Policy
from incidents.record.notes import add_note, undo
from incidents.record.timeline_view import get_timeline
from incidents.registry.backlog import read_backlog
from incidents.registry.entries import ENTRY_TYPES
from incidents.registry.rules import RULES
from incidents.registry.waiting import waiting_for
from incidents.storage.database import Database, open_database
from incidents.updates.post import UpdateDraft, post_update
from tests.benchmarks.grown import Grown, Past, grow


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace with a past, and what is needed to work there."""

    database: Database
    transactions: Transactions
    workspace_id: uuid.UUID
    grown: Grown
    open_channel: str

    @property
    def now(self) -> datetime:
        return self.transactions.clock.now()

    async def run(self, use_case: UseCase, *, by: Actor | None = None) -> Outcome:
        """Run a use case in its own transaction."""
        return await self.transactions.run(
            use_case, actor=by or self.grown.people[0], workspace_id=self.workspace_id
        )

    async def read(
        self,
        query: Callable[..., Awaitable[Any]],
        *given: object,
        by: Actor | None = None,
        **more: object,
    ) -> Any:
        """Run a query for a viewer."""
        viewer = by or self.grown.people[0]
        async with self.database.reading() as session:
            return await query(
                session, *given, workspace_id=self.workspace_id, viewer=viewer, **more
            )

    async def gather_statistics(self) -> None:
        """Do now what PostgreSQL does within a minute by itself; SQLite plans without any."""
        if not self.database.is_sqlite:
            async with self.database.engine.connect() as connection:
                await connection.exec_driver_sql("ANALYZE")
                await connection.commit()


@contextlib.asynccontextmanager
async def place_with_past(
    url: str, policy: Policy, *, incidents: int, entries_each: int
) -> AsyncIterator[Place]:
    """Grow the migrated, empty database at this address, and open it."""
    database, clock = open_database(url), SystemClock()
    transactions = Transactions(database, clock=clock, policy=policy, rules=RULES)
    workspace_id = new_id()
    async with database.writing() as session:
        session.add(Workspace(id=workspace_id, external_id="T0SITREP"))
        await session.commit()
    past = Past(workspace_id, incidents, entries_each, datetime.now(UTC))
    grown = await grow(database, past)
    try:
        yield Place(database, transactions, workspace_id, grown, f"C{incidents:08X}")
    finally:
        await database.close()


Operation = Callable[[Place], Awaitable[object]]


async def _declare(place: Place) -> None:
    title = f"{uuid.uuid4().hex} doesn't answer"
    await place.run(partial(declare, declaration=Declaration(title=title)))


async def _note(place: Place) -> None:
    ref = ByChannel(place.open_channel)
    await place.run(partial(add_note, ref=ref, text="Errors fell to 3 %"))


async def _undo(place: Place) -> None:
    await place.run(partial(undo, ref=ByChannel(place.open_channel)))


async def _update(place: Place) -> None:
    draft = UpdateDraft(text="We are rolling back")
    await place.run(partial(post_update, ref=ByChannel(place.open_channel), draft=draft))


async def _list(place: Place, *, scope: Scope) -> None:
    await place.read(list_incidents, scope=scope, now=place.now)


async def _all(place: Place, *, is_guest: bool = False) -> None:
    """Look at the newest, and then at the next ones."""
    viewer = place.grown.guest if is_guest else None
    newest: Stretch = await place.read(list_all, by=viewer)
    await place.read(list_all, older_than=newest.items[-1].id, by=viewer)


async def _far_back(place: Place) -> None:
    await place.read(list_all, newer_than=place.grown.old_incident)


async def _find(place: Place) -> None:
    """Look for what isn't there; a page looks at so many incidents and no more."""
    more: dict[str, Any] = {"policy": place.transactions.policy, "looks_at": 200}
    page: Found = await place.read(find_incidents, "no such words", **more)
    await place.read(find_incidents, "no such words", older_than=page.goes_on, **more)


async def _home(place: Place) -> None:
    await place.read(home_view, page=1, now=place.now)
    await place.read(waiting_for)


async def _card(place: Place) -> None:
    await place.read(get_incident_view, ByChannel(place.open_channel))


async def _timeline(place: Place) -> None:
    await place.read(get_timeline, ById(place.grown.old_incident), entry_types=ENTRY_TYPES)


async def _export(place: Place) -> None:
    old = ById(place.grown.old_incident)
    await place.read(export_incident, old, fmt=ExportFormat.JSON, entry_types=ENTRY_TYPES)


async def _dispatch(place: Place) -> None:
    """Claim the effects that are due, and settle them."""

    async def claim_and_settle(uow: UnitOfWork) -> Outcome:
        rows = await outbox.claim(
            uow.session,
            workspace_id=uow.workspace_id,
            holder="benchmark",
            now=uow.now,
            limit=40,
            refreshes=20,
            kinds=("open_incident_channel", "post_entry"),
        )
        found = await outbox.get_effects(uow.session, [row.id for row in rows])
        for row in found.values():
            settle(row, status=EffectStatus.DONE, now=uow.now)
        return Outcome("dispatched")

    async with place.database.reading() as session:
        await outbox.has_due(
            session, workspace_id=place.workspace_id, now=place.now, kinds=("post_entry",)
        )
    await place.run(claim_and_settle, by=system_actor())


async def _tick(place: Place) -> None:
    async with place.database.reading() as session:
        await reminders.due_reminder_ids(session, workspace_id=place.workspace_id, now=place.now)


async def _count(place: Place) -> None:
    async with place.database.reading() as session:
        await read_backlog(session, workspace_id=place.workspace_id)


WORK: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "declare": _declare,
        "note": _note,
        "undo": _undo,
        "update": _update,
        "status card": _card,
        "timeline of one": _timeline,
        "export of one": _export,
        "list open": partial(_list, scope=Scope.OPEN),
        "list all": _all,
        "list all, as a guest": partial(_all, is_guest=True),
        "list all, from the oldest on": _far_back,
        "list mine": partial(_list, scope=Scope.MINE),
        "list recent": partial(_list, scope=Scope.RECENT),
        "find": _find,
        "Home": _home,
        "claim and settle effects": _dispatch,
        "look for due reminders": _tick,
        "count what waits, for metrics": _count,
    }
)
