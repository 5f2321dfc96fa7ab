"""Health: whether each part of the bot works, plus details for operators."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.requests import Services
from bot.inbound.intake import Intake
from bot.inbound.socket_mode import SocketMode
from bot.operations.database_health import ANSWER_WITHIN_SECONDS, database_faults
from bot.operations.gauges import show_backlog, show_disk, show_parts
from bot.operations.identity import WorkspaceKeeper
from bot.operations.policy_reload import PolicyReload
from bot.operations.scheduler import Scheduler
from bot.operations.telemetry import PAUSED, SOCKETS, SOCKETS_WANTED, Telemetry
from bot.outbound.dispatcher import Dispatcher
from incidents.core.hash_chain import instant_text
from incidents.engine import outbox
from incidents.registry.backlog import SHOWN, Backlog, read_backlog
from incidents.registry.dead_letters import count_causes
from incidents.storage.leases import Lease

# A cycle of the dispatcher comes at least every 5 s, a tick every second.
SILENT_SECONDS = 30.0
CHECKS = ("serving", "database", "schema", "slack", "dispatcher", "scheduler")

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Health:
    """Checks the running parts on request."""

    services: Services
    telemetry: Telemetry
    intake: Intake
    dispatcher: Dispatcher
    scheduler: Scheduler
    keeper: WorkspaceKeeper
    sockets: SocketMode | None
    reload: PolicyReload
    has_http: bool

    async def faults(self) -> dict[str, str]:
        """Return what doesn't work, and why: by the names in CHECKS."""
        faults = await database_faults(self.services)
        if not self.intake.is_open or self.intake.is_leaving:
            faults["serving"] = "it is starting or stopping"
        if not self._slack():
            faults["slack"] = "Slack isn't connected, or doesn't accept the token"
        for name, seconds in self._seconds_since().items():
            if seconds >= SILENT_SECONDS:
                faults[name] = f"its work hasn't succeeded for {seconds:.0f} s"
        return faults

    async def details(self) -> dict[str, Any]:
        """Return details for operators, without secrets or people's text."""
        faults = await self.faults()
        depth = None if "database" in faults else await self._depth()
        return {
            "ready": not faults,
            "checks": checks(faults),
            "reasons": faults,
            "policy_digest": self.reload.loaded.digest,
            "workspace": self.services.workspace.external_id,
            "paused": self.dispatcher.is_paused,
            "lease": None if "database" in faults else await self._lease(),
            "outbox": depth,
            "dead_letters": None if "database" in faults else await self._dead_letters(),
            "in_flight": self.intake.in_flight,
            "sockets": self.sockets.connected if self.sockets is not None else None,
            "seconds_since": {
                name: round(seconds, 1) for name, seconds in self._seconds_since().items()
            },
        }

    async def measure(self) -> None:
        """Update the gauges that are measured only when scraped."""
        show_parts(
            self.telemetry, works=checks(await self.faults()), beat_ages=self._seconds_since()
        )
        show_disk(self.telemetry, self.services.database.file)
        self.telemetry.set(PAUSED, self.dispatcher.is_paused)
        if self.sockets is not None:
            self.telemetry.set(SOCKETS, self.sockets.connected)
            self.telemetry.set(SOCKETS_WANTED, self.sockets.tuning.connections)
        backlog = await self._backlog()
        if backlog is not None:  # otherwise what was last seen stands: 0 would say that all is done
            show_backlog(self.telemetry, backlog, now=self.services.clock.now())

    def _slack(self) -> bool:
        if self.sockets is not None and self.sockets.connected:
            return True
        return self.has_http and self.keeper.is_authorized

    def _seconds_since(self) -> dict[str, float]:
        """Return how long ago each part's work last succeeded."""
        return {
            "dispatcher": self.services.clock.monotonic() - self.dispatcher.last_beat,
            "scheduler": time.monotonic() - self.scheduler.worked_at,
        }

    async def _backlog(self) -> Backlog | None:
        return await self._ask(partial(read_backlog, workspace_id=self._workspace_id))

    async def _depth(self) -> dict[str, int] | None:
        counted = await self._ask(
            partial(outbox.count_by_status, workspace_id=self._workspace_id, statuses=SHOWN)
        )
        return counted and {str(status): count for status, count in counted.items()}

    async def _dead_letters(self) -> dict[str, int] | None:
        """Count what Slack refused for good, by cause; that is work for people, not unreadiness."""
        return await self._ask(partial(count_causes, workspace_id=self._workspace_id))

    async def _lease(self) -> dict[str, Any] | None:
        lease = await self._ask(lambda session: session.get(Lease, self._workspace_id))
        if lease is None:
            return None
        return {
            "holder": lease.holder,
            "is_mine": lease.holder == self.dispatcher.holder,
            "expires_at": instant_text(lease.expires_at),
        }

    @property
    def _workspace_id(self) -> uuid.UUID:
        return self.services.workspace.id

    async def _ask(self, question: Callable[[AsyncSession], Awaitable[T]]) -> T | None:
        """Return the answer, or None if the database gives none in time."""
        try:
            async with (
                asyncio.timeout(ANSWER_WITHIN_SECONDS),
                self.services.database.reading() as session,
            ):
                return await question(session)
        except (SQLAlchemyError, OSError):
            return None


def checks(faults: Collection[str]) -> dict[str, bool]:
    """Return whether each part works."""
    return {name: name not in faults for name in CHECKS}
