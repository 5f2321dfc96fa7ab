"""On PostgreSQL: learns from other processes that effects are due (LISTEN/NOTIFY)."""

import asyncio
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from incidents.engine.transactions import WAKE_CHANNEL
from incidents.storage.database import Database

if TYPE_CHECKING:
    import asyncpg

AGAIN_SECONDS = 5.0

log = structlog.get_logger(__name__)


class WakeListener:
    """Listens on one connection, and reopens it if it is lost."""

    def __init__(
        self, database: Database, *, workspace_id: uuid.UUID, wake: Callable[[], None]
    ) -> None:
        """Store `wake`, to be called when another process has written effects for the workspace."""
        self._database = database
        self._workspace_id = str(workspace_id)
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def start(self) -> None:
        """Start listening; does nothing on SQLite, where no other process can notify us."""
        if not self._database.is_sqlite:
            self._task = asyncio.create_task(self._listen_for_ever(), name="wake")

    async def wait_listening(self) -> None:
        """Wait until the listener is connected."""
        await self._listening.wait()

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _listen_for_ever(self) -> None:
        # Imported here, because SQLite doesn't need PostgreSQL's driver.
        import asyncpg  # noqa: PLC0415

        while True:
            try:
                await self._listen()
            except (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if self._listening.is_set():  # once, not with each attempt
                    log.warning("wake_listener_lost")
            self._listening.clear()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        async with self._database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: asyncpg.Connection = raw.driver_connection
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(WAKE_CHANNEL, self._on_message)
            self._listening.set()
            # Effects may have been written while nobody listened.
            self._wake()
            try:
                await lost.wait()
            finally:
                # The pool must not hand out a connection that still listens.
                await connection.invalidate()

    def _on_message(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        if payload == self._workspace_id:
            self._wake()
