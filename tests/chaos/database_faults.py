"""What goes wrong with a database: PostgreSQL restarted, frozen, full, read-only; SQLite locked."""

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from tests.chaos.scene import Scene, at_work
from tests.chaos.verdict import Verdict

# Longer than people wait for an answer, shorter than a lease.
_SHORTEST, _LONGEST = 0.5, 6.0
_Fault = Callable[["_Server", Scene], Awaitable[None]]


async def break_postgres(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Break the server in one way after the other while two bots work on it."""
    async with at_work(database_url, folder, seed=seed) as scene:
        server = await _Server.find(database_url)
        await scene.begin()
        await scene.start()
        for case in range(cases):
            await scene.work(most=10, longest=3)
            await POSTGRES_FAULTS[case % len(POSTGRES_FAULTS)](server, scene)
    return scene.verdict


async def lock_sqlite(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Let another program hold the file's lock for some seconds, again and again."""
    file = make_url(database_url).database or ""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        for _ in range(cases):
            await scene.work(most=10, longest=3)
            holder = sqlite3.connect(
                file, isolation_level=None, timeout=30, check_same_thread=False
            )
            try:
                await asyncio.to_thread(holder.execute, "BEGIN IMMEDIATE")
                await scene.wait(_SHORTEST, _LONGEST)
                holder.execute("ROLLBACK")
            finally:
                holder.close()
    return scene.verdict


class _Server:
    """The server of one database; `url` leads to its maintenance database."""

    def __init__(self, url: str, name: str, folder: Path) -> None:
        self.url = url
        self.name = name
        self.folder = folder

    @classmethod
    async def find(cls, database_url: str) -> "_Server":
        """Ask the server where its data is."""
        given = make_url(database_url)
        url = given.set(drivername="postgresql", database="postgres")
        address = url.render_as_string(hide_password=False)
        connection: Any = await asyncpg.connect(address)
        try:
            folder = Path(await connection.fetchval("SHOW data_directory"))
        finally:
            await connection.close()
        return cls(address, given.database or "", folder)

    async def run(self, statement: str, *values: str) -> list[Any]:
        """Run a statement as the administrator, and return its rows."""
        connection: Any = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def end_connections(self) -> None:
        """End everybody's connections to the database, as a failover does."""
        await self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self.name
        )

    async def workers(self) -> list[int]:
        """Return the process ids of those that serve a connection to the database."""
        rows = await self.run("SELECT pid FROM pg_stat_activity WHERE datname = $1", self.name)
        return [row[0] for row in rows]

    def signal_all(self, number: signal.Signals, workers: list[int]) -> None:
        """Send a signal to the server's main process and to these workers."""
        main = int((self.folder / "postmaster.pid").read_text().split()[0])
        for process_id in (main, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, number)


async def _end_connections(server: _Server, scene: Scene) -> None:
    await server.end_connections()


async def _crash(server: _Server, scene: Scene) -> None:
    """Kill one worker: the server resets all others and recovers from its log."""
    os.kill(scene.chance.choice(await server.workers()), signal.SIGKILL)
    async with asyncio.timeout(30):
        while not await _answers(server):  # noqa: ASYNC110 - another process: only its answer tells
            await asyncio.sleep(0.2)


async def _answers(server: _Server) -> bool:
    try:
        return bool(await server.run("SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        return False


async def _freeze(server: _Server, scene: Scene) -> None:
    frozen = await server.workers()
    server.signal_all(signal.SIGSTOP, frozen)
    try:
        await scene.wait(_SHORTEST, _LONGEST)
    finally:
        server.signal_all(signal.SIGCONT, frozen)


async def _lock(server: _Server, scene: Scene) -> None:
    url = make_url(server.url).set(database=server.name).render_as_string(hide_password=False)
    connection: Any = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
            await scene.wait(_SHORTEST, _LONGEST)
    finally:
        await connection.close()


async def _refuse_connections(server: _Server, scene: Scene) -> None:
    await server.run(f'ALTER DATABASE "{server.name}" ALLOW_CONNECTIONS false')
    await server.end_connections()
    try:
        await scene.wait(_SHORTEST, _LONGEST)
    finally:
        await server.run(f'ALTER DATABASE "{server.name}" ALLOW_CONNECTIONS true')


async def _refuse_writes(server: _Server, scene: Scene) -> None:
    name = "default_transaction_read_only"
    await server.run(f'ALTER DATABASE "{server.name}" SET {name} = on')
    await server.end_connections()
    try:
        await scene.wait(_SHORTEST, _LONGEST)
    finally:
        await server.run(f'ALTER DATABASE "{server.name}" RESET {name}')
        await server.end_connections()


POSTGRES_FAULTS: tuple[_Fault, ...] = (
    _end_connections,
    _crash,
    _freeze,
    _lock,
    _refuse_connections,
    _refuse_writes,
)
