"""One attempt at one effect: calls its handler; Slack's answer decides how the attempt ended."""

import random
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.framework.effect_context import EffectContext, Failed, Settlement
from bot.framework.feature import EffectHandler
from bot.framework.requests import Services
from bot.slack.errors import SlackFailure, SlackTemporary, SlackUnauthorized
from incidents.core.people import system_actor
from incidents.engine import outbox
from incidents.engine.effects import Effect, decode
from incidents.engine.outbox import EffectRow
from incidents.engine.unit_of_work import Outcome, UnitOfWork

GIVE_UP_AFTER = timedelta(hours=24)
# An effect delayed for a day (paused workspace, requeued dead letter) still gets this many.
FEWEST_ATTEMPTS = 10
FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(minutes=5)
CALL_TIMEOUT = timedelta(seconds=12)

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Postponed:
    """The attempt failed for now; due again at `due_at`."""

    due_at: datetime
    error: str
    is_uncertain: bool


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

    async def make(self, row: EffectRow) -> Ended:
        """Make one attempt and return how it ended; errors aren't raised."""
        posted: list[tuple[str, str]] = []
        end = await self._attempt(row, posted)
        return Ended(row.id, end, tuple(posted))

    def leave(self, row: EffectRow, error: str) -> Ended:
        """Skip the attempt, with `error` as the reason; the effect is due again soon."""
        return Ended(row.id, self._postponed(row, error, is_uncertain=False))

    async def _attempt(self, row: EffectRow, posted: list[tuple[str, str]]) -> End:
        try:
            effect = decode(row.kind, row.payload)
            handler = self.handlers[type(effect)]
            return await handler(self._context(row, effect, posted))
        except SlackUnauthorized as error:
            return Unauthorized(error.error)
        except SlackTemporary as error:
            return self._postponed(
                row, error.error, is_uncertain=error.uncertain, retry_after=error.retry_after
            )
        except SlackFailure as error:
            return Failed(error.error)
        except Exception as error:
            log.exception("effect_handler_failed", kind=row.kind, effect_id=str(row.id))
            return self._postponed(row, f"error: {type(error).__name__}", is_uncertain=True)

    def _postponed(
        self,
        row: EffectRow,
        error: str,
        *,
        is_uncertain: bool,
        retry_after: timedelta | None = None,
    ) -> Postponed | Failed:
        now = self.services.clock.now()
        if now - row.created_at >= GIVE_UP_AFTER and row.attempts >= FEWEST_ATTEMPTS:
            return Failed(f"{error} (tried for a day)")
        backoff = min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 16), LONGEST_BACKOFF)
        wait = backoff * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        if is_uncertain:
            # By the time we look for its result, the earlier call can't be in flight any more.
            wait = max(wait, CALL_TIMEOUT)
        if retry_after is not None:
            wait = max(wait, retry_after)
        log.info("effect_postponed", kind=row.kind, error=error, seconds=wait.total_seconds())
        return Postponed(now + wait, error, is_uncertain)

    def _context(
        self, row: EffectRow, effect: Effect, posted: list[tuple[str, str]]
    ) -> EffectContext:
        return EffectContext(
            services=self.services,
            effect=effect,
            effect_id=row.id,
            entry_id=row.entry_id,
            attempt=row.attempts,
            is_uncertain=row.is_uncertain,
            created_at=row.created_at,
            progress=dict(row.progress),
            posted=posted,
            save_progress=partial(self._save_progress, row.id),
        )

    async def _save_progress(self, effect_id: uuid.UUID, progress: dict[str, Any]) -> None:
        async def save(uow: UnitOfWork) -> Outcome:
            row = await outbox.get_effect(uow.session, effect_id)
            row.progress = progress
            return Outcome("progress_saved")

        await self.services.transactions.run(
            save, actor=system_actor(), workspace_id=self.services.workspace.id
        )


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
