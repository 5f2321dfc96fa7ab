"""PostgreSQL backups, by the server's own programs: `pg_dump` and `pg_restore`."""

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL

from incidents.storage.database import Database

_FIRST_BYTES = b"PGDMP"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_REVISION = re.compile(r"^COPY \S*alembic_version .*\n(\S+)$", re.MULTILINE)
# Rights and owners belong to the server, not to the record.
_PORTABLE = ("--no-owner", "--no-privileges", "--no-password")


class ToolFailed(Exception):
    """`pg_dump` or `pg_restore` is missing or failed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A database server: its major version, and how libpq's programs reach the database."""

    major: int
    database: str
    environ: Mapping[str, str]
    # The folder that holds the programs; None: where they usually are.
    programs: Path | None = None

    async def dump(self, file: Path) -> None:
        """Dump the database at one moment, while others write. Raises: ToolFailed."""
        program = await self._find("pg_dump")
        await self._run(program, "--format=custom", f"--file={file}", *_PORTABLE)
        # Reading the list of contents fails for a file that was cut off.
        await self._run(await self._find("pg_restore"), "--list", str(file))

    async def load(self, file: Path, *, replaces: bool) -> None:
        """Restore a dump in one transaction; `replaces` what is there. Raises: ToolFailed."""
        program = await self._find("pg_restore")
        how = ("--clean", "--if-exists") if replaces else ()
        target = (f"--dbname={self.database}", "--single-transaction", "--exit-on-error")
        await self._run(program, *target, *how, *_PORTABLE, str(file))

    async def revision_in(self, file: Path) -> str | None:
        """Return the schema revision of a dump; None if it isn't ours. Raises: ToolFailed."""
        program = await self._find("pg_restore")
        wanted = ("--data-only", "--table=alembic_version", "--file=-")
        found = _REVISION.search(await self._run(program, *wanted, str(file)))
        return found[1] if found is not None else None

    async def _find(self, name: str) -> str:
        """Return the program of the server's major version: others may not understand its dumps."""
        found: list[str] = []
        for path in self._candidates(name):
            version = _VERSION.search(await self._run(path, "--version"))
            if version is not None and int(version[1]) == self.major:
                return path
            found.append(f"{path} ({version[1] if version else 'unknown version'})")
        there = f"here is only {', '.join(found)}" if found else "here is none"
        raise ToolFailed(
            f"the server is PostgreSQL {self.major} and needs its own {name}; {there}. Install that "
            f"client (Debian: postgresql-client-{self.major}), or name the folder of its programs: "
            f"--programs /usr/lib/postgresql/{self.major}/bin"
        )

    def _candidates(self, name: str) -> Iterator[str]:
        folders = (
            (None, Path(f"/usr/lib/postgresql/{self.major}/bin"))
            if self.programs is None
            else (self.programs,)
        )
        for folder in folders:
            path = shutil.which(name, path=folder)
            if path is not None:
                yield path

    async def _run(self, program: str, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            env={**os.environ, **self.environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            lines = errors.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise ToolFailed(lines[0])
        return output.decode(errors="replace")


async def reach_server(database: Database, *, programs: Path | None) -> Server:
    """Ask the server for its version. Raises: DBAPIError, OSError if it can't be reached."""
    async with database.engine.connect() as connection:
        number = (await connection.execute(text("SHOW server_version_num"))).scalar_one()
    url = database.engine.url
    return Server(int(number) // 10_000, url.database or "", _libpq_environ(url), programs)


def is_dump(file: Path) -> bool:
    """Tell whether a file is a dump of ours, by its first bytes. Raises: OSError."""
    with file.open("rb") as stream:
        return stream.read(len(_FIRST_BYTES)) == _FIRST_BYTES


def _libpq_environ(url: URL) -> dict[str, str]:
    """Return the address as libpq's variables: arguments can be read by other users."""
    given = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": url.port or url.query.get("port"),
        "PGUSER": url.username or url.query.get("user"),
        "PGPASSWORD": url.password or url.query.get("password"),
        "PGDATABASE": url.database,
        "PGPASSFILE": url.query.get("passfile"),
        "PGSSLMODE": url.query.get("ssl"),
    }
    return {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
        if value
    }
