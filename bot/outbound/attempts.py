"""One attempt at one effect: calls its handler; Slack's answer decides how the attempt ended."""

import random
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.framework.effect_context import EffectContext, Failed, Record, Settlement
from bot.framework.feature import EffectHandler
from bot.framework.requests import Services
from bot.framework.slack_refusals import TRIED_FOR_A_DAY
from bot.slack.errors import Paced, SlackFailure, SlackTemporary, SlackUnauthorized
from incidents.core.people import system_actor
from incidents.engine import outbox
from incidents.engine.effects import Effect, decode
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.paging.port import PagerTemporary
from incidents.storage.availability import DatabaseMoved

GIVE_UP_AFTER = timedelta(hours=24)
# An effect delayed for a day (paused workspace, requeued dead letter) still gets this many.
FEWEST_ATTEMPTS = 10
FIRST_BACKOFF = timedelta(seconds=0.5)
# Nobody waits longer than a tenth of what it took already, but for the shortest of these.
SHORTEST_LIMIT, LONGEST_BACKOFF = timedelta(seconds=15), timedelta(minutes=5)
# A call that nobody answered may be under way this long; then it can be seen whether it happened.
LOOK_AFTER = timedelta(seconds=5)

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Postponed:
    """The attempt failed for now; due again when `wait` has passed since it was settled.

    A duration, not a moment: the clock may be set in between.
    """

    wait: timedelta
    error: str
    is_uncertain: bool
    is_paced: bool = False  # by our own rate limit: nothing was sent, so it is no attempt


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """Slack refuses our token: the workspace is paused and nothing becomes a dead letter."""

    error: str


End = Settlement | Postponed | Unauthorized


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended, and the messages it posted as (channel id, ts)."""

    effect_id: uuid.UUID
    end: End
    posted: tuple[tuple[str, str], ...] = ()


class Attempts:
    """Makes attempts at the effects of one workspace."""

    def __init__(self, services: Services, handlers: Mapping[type[Effect], EffectHandler]) -> None:
        """Store the services, and the handler of each effect type."""
        self.services = services
        self.handlers = handlers

    async def make(self, row: EffectRow, *, is_private: bool) -> Ended:
        """Make one attempt and return how it ended; errors aren't raised."""
        posted: list[tuple[str, str]] = []
        end = await self._attempt(row, posted, is_private=is_private)
        return Ended(row.id, end, tuple(posted))

    def leave(self, row: EffectRow, error: str) -> Ended:
        """Skip the attempt, with `error` as the reason; the effect is due again soon."""
        return Ended(row.id, self._postponed(row, SlackTemporary(error)))

    async def _attempt(
        self, row: EffectRow, posted: list[tuple[str, str]], *, is_private: bool
    ) -> End:
        try:
            effect = decode(row.kind, row.payload)
            handler = self.handlers[type(effect)]
            context = self._context(row, effect, posted)
            return await handler(replace(context, is_private=is_private))
        except SlackUnauthorized as error:
            return Unauthorized(error.error)
        except (SlackTemporary, PagerTemporary) as error:
            return self._postponed(row, error)
        except SlackFailure as error:
            return Failed(error.cause)
        except Exception as error:
            # Other errors of the system may be about Slack or a file.
            is_database = isinstance(error, (SQLAlchemyError, DatabaseMoved))
            if not (is_database and self.services.watch.failed(error)):
                log.exception("effect_handler_failed", kind=row.kind, effect_id=str(row.id))
            unknown = SlackTemporary(f"error: {type(error).__name__}", uncertain=True)
            return self._postponed(row, unknown)

    def _postponed(
        self, row: EffectRow, failure: SlackTemporary | PagerTemporary
    ) -> Postponed | Failed:
        age = self.services.clock.now() - row.created_at
        if age >= GIVE_UP_AFTER and row.attempts >= FEWEST_ATTEMPTS:
            return Failed(f"{failure.error} {TRIED_FOR_A_DAY}")
        wait = wait_after(failure, attempts=row.attempts, age=age)
        seconds = round(wait.total_seconds(), 1)
        log.info("effect_postponed", kind=row.kind, error=failure.error, seconds=seconds)
        return Postponed(
            wait, failure.error, failure.uncertain, is_paced=isinstance(failure, Paced)
        )

    def _context(
        self, row: EffectRow, effect: Effect, posted: list[tuple[str, str]]
    ) -> EffectContext:
        return EffectContext(
            services=self.services.pinned(),
            effect=effect,
            effect_id=row.id,
            entry_id=row.entry_id,
            attempt=row.attempts,
            is_uncertain=row.is_uncertain,
            created_at=row.created_at,
            progress=dict(row.progress),
            posted=posted,
            save_progress=partial(self._save_progress, row.id, row.claimed_by),
        )

    async def _save_progress(
        self,
        effect_id: uuid.UUID,
        claimed_by: str | None,
        progress: dict[str, Any],
        record: Record | None = None,
    ) -> None:
        async def save(uow: UnitOfWork) -> Outcome:
            row = await outbox.get_effect(uow.session, effect_id)
            if row.status != EffectStatus.CLAIMED or row.claimed_by != claimed_by:
                # What that process has done meanwhile must stay on record, or it is done again.
                raise SlackTemporary("taken over by another process", uncertain=True)
            row.progress = progress
            if record is not None:
                await record(uow)
            return Outcome("progress_saved")

        await self.services.transactions.run(
            save, actor=system_actor(), workspace_id=self.services.workspace.id
        )


def wait_after(
    failure: SlackTemporary | PagerTemporary, *, attempts: int, age: timedelta
) -> timedelta:
    """Return how long to wait before the next attempt at an effect of this age.

    What Slack answered is settled, so we look or try again within a second; what nobody answered
    is looked at once it can't be under way any more. Slack's `Retry-After` and our own limits say
    themselves how long.
    """
    if failure.retry_after is not None:
        return failure.retry_after
    limit = min(max(age / 10, SHORTEST_LIMIT), LONGEST_BACKOFF)
    backoff = min(FIRST_BACKOFF * 2 ** min(attempts - 1, 16), limit)
    wait: timedelta = backoff * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
    return max(wait, LOOK_AFTER) if failure.uncertain and not failure.settled else wait


async def attempt_each(
    things: Iterable[T], act: Callable[[T], Awaitable[R]]
) -> tuple[list[R], list[tuple[T, Exception]]]:
    """Act on each thing, even if others fail; return the results, and what failed with its error.

    Raises: SlackUnauthorized at once, since no other call can succeed.
    """
    results: list[R] = []
    failures: list[tuple[T, Exception]] = []
    for thing in things:
        try:
            results.append(await act(thing))
        except SlackUnauthorized:
            raise
        except Exception as error:  # noqa: BLE001 - the caller raises or logs it
            failures.append((thing, error))
    return results, failures
