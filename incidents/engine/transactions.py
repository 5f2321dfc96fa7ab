"""Transactions: each use case runs in one, is retried on conflicts, and happens once per request.

`Transactions.run()` is the only way to write. It opens the transaction, answers a repeated request
with the stored outcome, runs one use case, derives effects and reminders from it, and commits.
There is no other `commit()`.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from incidents.core.clock import Clock
from incidents.core.errors import Busy
from incidents.core.people import Actor
from incidents.engine.rules import Rules
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.policy.policy import Policy
from incidents.storage.availability import is_conflict
from incidents.storage.database import Database
from incidents.storage.processed_requests import find_request, keep_request

MAX_ATTEMPTS = 3
# How long a commit may take after its caller was cancelled.
COMMIT_SECONDS = 5.0
WAKE_CHANNEL = "sitrep_outbox"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Requests with the same key are the same request; with `window`, only within that time."""

    key: str
    window: timedelta | None = None


@dataclass(slots=True)
class Progress:
    """How far a running transaction is, for callers that must answer before it ends."""

    is_committing: bool = False
    # The commit has succeeded, and nothing else was begun since.
    is_recorded: bool = False


class Transactions:
    """Runs each use case in one transaction and retries it on conflicts."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        policy: Policy,
        rules: Rules,
        correlation_id: Callable[[], str] = str,
    ) -> None:
        """Store what every transaction needs; `correlation_id` returns that of the request.

        The `on_commit` callbacks get the workspace's id when effects were stored or made due.
        """
        self.database = database
        self.clock = clock
        self.policy = policy
        self.rules = rules
        self._correlation_id = correlation_id
        self.commit_seconds = COMMIT_SECONDS
        self.on_commit: list[Callable[[uuid.UUID], None]] = []

    async def run(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        request: RequestKey | None = None,
        progress: Progress | None = None,
        may_open_to: Collection[str] | None = None,
    ) -> Outcome:
        """Run the use case and return its outcome, or the stored outcome of a repeated request.

        `may_open_to`: see `UnitOfWork`.

        Raises:
            DomainError: the use case refused; nothing was changed.
            Busy: other transactions changed the same rows in all three attempts.
        """
        conflict: DBAPIError | StaleDataError | None = None
        progress = progress or Progress()
        began_committing = progress.is_committing
        for _attempt in range(MAX_ATTEMPTS):
            # A conflict has undone the attempt before, even at its commit.
            progress.is_committing = began_committing
            try:
                return await self._attempt(
                    use_case,
                    actor=actor,
                    workspace_id=workspace_id,
                    request=request,
                    progress=progress,
                    may_open_to=may_open_to,
                )
            except (IntegrityError, StaleDataError) as error:
                conflict = error
            except DBAPIError as error:
                if not is_conflict(error):
                    raise
                conflict = error
        # Keep the cause: it may be a fault of ours rather than contention.
        raise Busy from conflict

    async def _attempt(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        request: RequestKey | None,
        progress: Progress,
        may_open_to: Collection[str] | None,
    ) -> Outcome:
        progress.is_recorded = False
        async with self.database.writing() as session:
            now = self.clock.now()
            earlier = (
                None
                if request is None
                else await find_request(session, request.key, workspace_id=workspace_id)
            )
            if earlier is not None and not _is_over(earlier.created_at, request, now=now):
                # Already committed by the earlier request; only its answer is pending.
                progress.is_committing = progress.is_recorded = True
                return _repeat(earlier.outcome)
            uow = UnitOfWork(
                session,
                actor=actor,
                workspace_id=workspace_id,
                now=now,
                policy=self.policy,
                rules=self.rules,
                may_open_to=may_open_to,
                correlation_id=self._correlation_id(),
            )
            outcome = await use_case(uow)
            if uow.needs_approval is not None:
                raise uow.needs_approval
            if uow.opens_private is not None:
                raise uow.opens_private
            await uow.follow_up()
            if request is not None:
                stored = {"outcome": outcome.to_json(), "created_at": now}
                await keep_request(
                    session, (workspace_id, request.key), stored, is_known=earlier is not None
                )
            if uow.wakes_others and not self.database.is_sqlite:
                await _notify(session, workspace_id)
            progress.is_committing = True
            await self._commit(session)
            progress.is_recorded = True
        if uow.wakes_others:
            for notify in self.on_commit:
                notify(workspace_id)
        return outcome

    async def _commit(self, session: AsyncSession) -> None:
        """Commit; if cancelled meanwhile, see it through first, so that its outcome is known.

        A silent server mustn't keep the caller for ever: then nobody knows.
        """
        commit = asyncio.ensure_future(session.commit())
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.commit_seconds):
                    await commit
            raise


async def _notify(session: AsyncSession, workspace_id: uuid.UUID) -> None:
    """Wake the other processes on PostgreSQL, which delivers this at the commit."""
    await session.execute(select(func.pg_notify(WAKE_CHANNEL, str(workspace_id))))


def _is_over(created_at: datetime, request: RequestKey | None, *, now: datetime) -> bool:
    if request is None or request.window is None:
        return False
    return created_at + request.window <= now


def _repeat(stored: Mapping[str, Any]) -> Outcome:
    incident_id = stored["incident_id"]
    return Outcome(
        kind=stored["kind"],
        incident_id=uuid.UUID(incident_id) if incident_id else None,
        data=stored["data"],
        is_repeat=True,
    )
