"""The database: types, naming, engine and sessions, for SQLite (WAL) and PostgreSQL alike."""

import asyncio
import contextlib
import functools
import os
import re
import sqlite3
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Insert,
    MetaData,
    Table,
    event,
    func,
    insert,
    select,
    true,
    types,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from incidents.storage.deadline import in_database, seconds_left
from incidents.storage.file_identity import FileIdentity
from incidents.storage.sqlite_session import (
    WRITES,
    SessionInPlace,
    begin_statement,
    make_engine,
    primary_code,
)

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
# The locks of a process that stands still in a transaction mustn't stop the others for ever.
_SERVER_SETTINGS = {"idle_in_transaction_session_timeout": "30000"}

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(types.TypeDecorator[datetime]):
    """An aware instant: stored as UTC, refused when naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into what the database stores. Raises: ValueError if naive."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what the database stores into an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base class of all entities."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: UtcDateTime()}


class Database:
    """Engines and sessions; on SQLite, writers of one process queue instead of polling the lock."""

    def __init__(self, engine: AsyncEngine, *, in_place: Engine | None = None) -> None:
        """Wrap the engine; `in_place` is the one that sessions use instead on SQLite."""
        self.engine = engine
        self.is_sqlite = in_place is not None
        self.session_engine = in_place or engine.sync_engine
        self._writing_engine = self.session_engine.execution_options(**{WRITES: True})
        self._writers = asyncio.Lock()
        self._identity: FileIdentity | None = None

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Open the session of one writing transaction (BEGIN IMMEDIATE on SQLite)."""
        with in_database():
            async with self._writing() as session:
                yield session

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session for reading; it never commits."""
        with in_database():
            async with self._reading() as session:
                yield session

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncSession]:
        if not self.is_sqlite:
            async with self._on_server() as session:
                yield session
            return
        seconds_left()
        self.check_file()
        async with self._writers:
            in_place = SessionInPlace(self._writing_engine)
            try:
                await in_place.begin_writing()
                yield in_place
            finally:
                await in_place.close()

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        if not self.is_sqlite:
            async with self._on_server() as session:
                yield session
            return
        seconds_left()
        self.check_file()
        in_place = SessionInPlace(self.session_engine)
        try:
            yield in_place
        finally:
            await in_place.close()

    @contextlib.asynccontextmanager
    async def _on_server(self) -> AsyncIterator[AsyncSession]:
        """Open a session whose statements the server gives up in time, if somebody waits."""
        left = seconds_left()
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            if left is not None:
                # Our own cancelling may not reach the server; it must not go on with locks held.
                await _give_up_within(session, milliseconds=max(2, int(left * 1000)))
            yield session

    async def close(self) -> None:
        """Close all connections; on SQLite, closing the last one merges the log into the file."""
        if self.is_sqlite:
            await asyncio.to_thread(self.session_engine.dispose)
        # Closing waits for the server, which may be silent.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.engine.dispose(), CLOSE_SECONDS)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database server."""
        return Path(self.engine.url.database or "") if self.is_sqlite else None

    @property
    def is_missing(self) -> bool:
        """Tell whether the SQLite file isn't there. Raises: OSError if that can't be seen."""
        if self.file is None:
            return False
        try:
            self.file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        return False

    def lost_file(self) -> str | None:
        """Return what shows that there was a SQLite file with content; None if nothing does.

        Raises: OSError if that can't be seen.
        """
        if self.file is None:
            return None
        if not self.is_missing:
            return f"{self.file} is empty (0 bytes)" if self.file.stat().st_size == 0 else None
        log = self.file.with_name(f"{self.file.name}-wal")
        has_log = log.exists() and log.stat().st_size > 0
        return f"{self.file} isn't there, but its log {log.name} is" if has_log else None

    def remember_file(self) -> None:
        """Refuse from now on to use another SQLite file than the one that is there now."""
        if self.file is not None:
            self._identity = FileIdentity(self.file)

    def check_file(self) -> None:
        """Return quietly if the SQLite file is the remembered one. Raises: DatabaseMoved."""
        if self._identity is not None:
            self._identity.check()

    def make_folder(self) -> None:
        """Create the folder for the SQLite file. Raises: OSError."""
        if self.file is not None:
            # The file holds private incidents: only its owner may read it.
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _give_up_within(session: AsyncSession, *, milliseconds: int) -> None:
    """Have PostgreSQL end each statement of this transaction; a lock sooner, so that it is named."""
    limits = {"lock_timeout": milliseconds * 9 // 10, "statement_timeout": milliseconds}
    await session.execute(
        select(*(func.set_config(name, str(limit), true()) for name, limit in limits.items()))
    )


async def insert_rows(
    session: AsyncSession, entity: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rows in one statement, in this order, without creating or loading objects."""
    await session.execute(_inserting(entity), list(rows))


@functools.cache
def _inserting(entity: type[Base]) -> Insert:
    return insert(cast("Table", entity.__table__))


def open_database(url: str, *, for_reading: bool = False) -> Database:
    """Make the engines for an async URL (sqlite+aiosqlite or postgresql+asyncpg); connects nothing.

    `for_reading`: sessions read a SQLite file without changing it, so that it may be write-protected.
    Errors of these engines hide parameters, which can be people's texts.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_async_engine(
            parsed,
            pool_size=10,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": dict(_SERVER_SETTINGS)},
        )
        return Database(engine)
    return Database(
        _schema_engine(parsed), in_place=make_engine(str(parsed.database), for_reading=for_reading)
    )


def _schema_engine(url: URL) -> AsyncEngine:
    """Return the engine for migrations on SQLite: SQLAlchemy's own, with no pooled connections."""
    engine = create_async_engine(
        url, poolclass=NullPool, connect_args={"isolation_level": None}, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        # Off in migrations, which check them at the end: SQLite changes most things by rebuilding a
        # table, and can't drop the old one while other rows refer to it.
        for pragma in ("journal_mode=WAL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin_statement(connection))

    return engine


def reason_of(error: OSError | DBAPIError) -> str:
    """Return in a few words why the database can't be used, without SQL, addresses or secrets."""
    if isinstance(error, DBAPIError):
        lines = str(error.orig).splitlines()
        return _CLASS_BEFORE.sub("", lines[0]) if lines else type(error.orig).__name__
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def may_pass(error: OSError | DBAPIError) -> bool:
    """Tell whether waiting may help: for a starting server or a lock, but not for a broken file."""
    if isinstance(error, OSError):
        return True
    if isinstance(error.orig, sqlite3.Error):
        return primary_code(error.orig) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    state = getattr(error.orig, "sqlstate", None) or ""
    return not state.startswith(_WRONG_ADDRESS)


_CLASS_BEFORE = re.compile(r"^<class '[^']*'>: ")
# PostgreSQL's classes for invalid authorization and for a database that doesn't exist.
_WRONG_ADDRESS = ("28", "3D")
# Letters and a symbol by their category, and blank.
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def storable(text: str) -> str:
    """Remove what databases refuse: NUL, control characters, lone surrogates."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def trimmed(text: str) -> str:
    """Return people's text ready to store, without space around it; "" if it shows nothing."""
    clean = storable(text).strip()
    return clean if any(_is_seen(character) for character in clean) else ""


def _is_seen(character: str) -> bool:
    is_filler = character in _FILLERS or unicodedata.category(character)[0] in "CZM"
    return not is_filler


def storable_json(value: Any, *, default: Callable[[Any], Any]) -> Any:
    """Return the value with all its texts storable; `default` converts what isn't JSON."""
    match value:
        case str():
            return storable(value)
        case None | bool() | int():
            return value
        case Mapping():
            return {str(key): storable_json(item, default=default) for key, item in value.items()}
        case list() | tuple():
            return [storable_json(item, default=default) for item in value]
    return default(value)


def kept_text(text: str, *, most: int) -> str:
    """Return people's text ready to store: trimmed, and cut with `…` to `most` characters."""
    clean = trimmed(text)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"
