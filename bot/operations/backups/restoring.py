"""Restores a backup: checks it, puts it in place, and makes it safe to serve."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from bot.operations.backups import files, postgres, sqlite
from bot.operations.backups.numbers import SlackNumbers, numbers_in_slack
from bot.operations.process import is_gone
from bot.operations.storage import measured_clock
from bot.slack.errors import SlackFailure
from config.policy_loader import LoadedPolicy
from config.settings import Settings
from incidents.core.clock import Clock, SystemClock
from incidents.core.people import Actor, Workspace
from incidents.engine.transactions import Transactions
from incidents.record.restoring import Restored, note_restore
from incidents.registry.rules import RULES
from incidents.storage import leases
from incidents.storage.database import Database, open_database, reason_of
from migrations import runner


class RestoreRefused(Exception):
    """Nothing was changed; the message says why and what to do."""


class NotFinished(Exception):
    """The backup is in the database, which isn't safe to serve; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator wants restored; without a file, the database itself was restored already.

    `last` are the newest numbers that people saw in Slack, `workspace` is the one they belong to.
    """

    file: Path | None
    last: Restored
    workspace: str | None
    force: bool
    programs: Path | None


@dataclass(slots=True)
class Restoration:
    """What a restore did: the notes of each workspace by Slack's id, and what it couldn't do."""

    notes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: Path | None = None
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Target:
    has_tables: bool = False
    has_record: bool = False


class Restore:
    """One restore, by the operator at the command line."""

    def __init__(
        self, settings: Settings, loaded: LoadedPolicy, wanted: Wanted, *, operator: Actor
    ) -> None:
        """Store what is to be restored, and who does it."""
        self._settings = settings
        self._policy = loaded.policy
        self._wanted = wanted
        self._operator = operator
        self._done = Restoration()
        self._seen: SlackNumbers | None = None

    async def run(self) -> Restoration:
        """Restore, and return what was done.

        Raises:
            RestoreRefused: nothing was changed.
            NotFinished: PostgreSQL has the backup, and could repeat what happened since it was made.
            DBAPIError, OSError, ToolFailed: the database or a file can't be used.
        """
        file = self._wanted.file
        database = open_database(self._settings.database_url)
        try:
            if file is not None:
                _check_kind(file, database)
            target = await self._check_target(database)
            self._seen = await self._ask_slack()
            if file is None:
                await self._make_safe(database)
            elif database.file is not None:
                await self._restore_file(file, database, target=database.file.resolve())
            else:
                server = await postgres.reach_server(database, programs=self._wanted.programs)
                _check_revision(await server.revision_in(file), file)
                await database.close()  # an open connection remembers tables that are replaced
                await server.load(file, replaces=target.has_tables)
                await self._make_safe_or_tell(database)
        finally:
            await database.close()
        return self._done

    # -- before anything is changed -----------------------------------------------------------

    async def _check_target(self, database: Database) -> _Target:
        try:
            target = await self._look_at(database)
        except (DBAPIError, OSError) as error:
            is_replaced = database.is_sqlite and self._wanted.file is not None
            if not (is_replaced and self._wanted.force):
                hint = " Add --force to replace it: it is kept beside it." if is_replaced else ""
                shown = self._settings.safe_database_url
                raise RestoreRefused(f"{shown} can't be read: {reason_of(error)}.{hint}") from None
            return _Target(has_tables=True, has_record=True)
        if self._wanted.file is None:
            if not target.has_record:
                raise RestoreRefused(
                    f"{self._settings.safe_database_url} is empty. Name the backup: "
                    "sitrep restore FILE"
                )
        elif target.has_record and not self._wanted.force:
            kept = " It will be kept beside it." if database.is_sqlite else " It will be lost."
            raise RestoreRefused(
                f"{self._settings.safe_database_url} holds a record already. Add --force to "
                f"replace it.{kept}"
            )
        return target

    async def _look_at(self, database: Database) -> _Target:
        if database.is_missing or database.lost_file() is not None:
            return _Target()  # not even opened: SQLite would write into an empty file
        state = await runner.schema_state(database)
        shown = self._settings.safe_database_url
        if state.is_foreign:
            raise RestoreRefused(
                f"{shown} holds another program's tables. Name a database of its own in DATABASE_URL."
            )
        if not state.is_known and not database.is_sqlite:
            raise RestoreRefused(
                f"{shown} is at schema {state.current}, which this version doesn't know. Restore "
                "with the newer Sitrep, or into an empty database."
            )
        if state.current is None:
            return _Target()
        clock = await measured_clock(database)
        await self._refuse_running(database, clock)
        async with database.reading() as session:
            has_record = (await session.execute(select(Workspace.id).limit(1))).first() is not None
        return _Target(has_tables=True, has_record=has_record)

    async def _refuse_running(self, database: Database, clock: Clock) -> None:
        async with database.reading() as session:
            holders = await leases.current_holders(session, now=clock.now())
        running = [holder for holder in holders if not is_gone(holder)]
        if running:
            raise RestoreRefused(
                f"Sitrep is running on {self._settings.safe_database_url}, on the host "
                f"{running[0].partition('/')[0]}. Stop it, then try again; if it died there, it "
                f"counts as stopped after {leases.LEASE.seconds} seconds."
            )

    async def _ask_slack(self) -> SlackNumbers | None:
        """Return the numbers that Slack shows, or None if the operator has given them."""
        why = "SLACK_BOT_TOKEN isn't set"
        if self._settings.slack_bot_token is not None:
            try:
                return await numbers_in_slack(
                    self._settings, self._policy.channels, clock=SystemClock()
                )
            except SlackFailure as error:
                why = error.error
        if self._wanted.last == Restored(reason=self._wanted.last.reason):
            raise RestoreRefused(
                f"Slack can't be asked which numbers were given out ({why}). Look there for the "
                "newest incident and drill, and name them: --last INC-15 --last DRILL-4"
            )
        self._done.doubts.append(f"Slack wasn't asked ({why}); the numbers are those you named.")
        return None

    # -- the restore --------------------------------------------------------------------------

    async def _restore_file(self, file: Path, database: Database, *, target: Path) -> None:
        database.make_folder()
        with files.whole_file(target, force=True) as copy:
            await asyncio.to_thread(shutil.copyfile, file, copy)
            damage = await asyncio.to_thread(sqlite.find_damage, copy)
            if damage is not None:
                raise RestoreRefused(f"{file} is damaged ({damage}). Restore another backup.")
            restored = open_database(f"sqlite+aiosqlite:///{copy}")
            try:
                await self._make_safe(restored)
            finally:
                await restored.close()
            files.merge_log(copy)
            # A bot may have started meanwhile.
            await self._check_target(database)
            await database.close()
            self._done.kept = files.set_aside(target, now=SystemClock().now())

    async def _make_safe_or_tell(self, database: Database) -> None:
        try:
            await self._make_safe(database)
        except (DBAPIError, OSError) as error:
            raise NotFinished(
                f"{self._wanted.file} is in {self._settings.safe_database_url}, but the restore "
                f"isn't finished: {reason_of(error)}. Don't start Sitrep yet: once that is fixed, "
                "run `sitrep restore` without a file."
            ) from None

    async def _make_safe(self, database: Database) -> None:
        """Bring the restored record to this version, and note the restore in each workspace."""
        state = await runner.schema_state(database)
        _check_revision(state.current, self._wanted.file or database.file)
        if not state.is_current:
            await runner.upgrade(database)
        transactions = Transactions(
            database, clock=await measured_clock(database), policy=self._policy, rules=RULES
        )
        async with database.reading() as session:
            rows = list((await session.execute(select(Workspace))).scalars())
        for row in rows:
            noted = await transactions.run(
                partial(note_restore, restored=self._last_numbers(row, is_only=len(rows) == 1)),
                actor=self._operator,
                workspace_id=row.id,
            )
            self._done.notes[row.external_id] = noted.data

    def _last_numbers(self, row: Workspace, *, is_only: bool) -> Restored:
        """Return the last numbers of a workspace: those named, and those that Slack shows."""
        seen, wanted, last = self._seen, self._wanted, Restored(reason=self._wanted.last.reason)
        team_id = seen.team_id if seen is not None else None
        named = wanted.workspace or (row.external_id if is_only else team_id)
        if row.external_id == named:
            last = wanted.last
        if seen is not None and row.external_id == team_id:
            return last.and_also(seen.last(row.bot_external_id))
        if seen is not None or row.external_id != named:
            self._done.doubts.append(
                f"Slack wasn't asked for the newest number of workspace {row.external_id}: "
                "SLACK_BOT_TOKEN isn't a token of that workspace."
            )
        return last


def _check_kind(file: Path, database: Database) -> None:
    try:
        is_sqlite, is_dump = sqlite.is_sqlite_file(file), postgres.is_dump(file)
    except OSError as error:
        raise RestoreRefused(f"{file} can't be read: {reason_of(error)}.") from None
    if not is_sqlite and not is_dump:
        raise RestoreRefused(f"{file} isn't a file that `sitrep backup` wrote.")
    if is_sqlite != database.is_sqlite:
        kinds = ("SQLite", "PostgreSQL") if is_sqlite else ("PostgreSQL", "SQLite")
        raise RestoreRefused(
            f"{file} is a backup of {kinds[0]}, and DATABASE_URL names {kinds[1]}."
        )
    if database.file is not None and not database.is_missing and file.samefile(database.file):
        raise RestoreRefused(f"{file} is the database itself. Name a backup.")


def _check_revision(revision: str | None, file: Path | None) -> None:
    if revision is None:
        raise RestoreRefused(f"{file} isn't a backup of Sitrep.")
    if not runner.is_known(revision):
        raise RestoreRefused(
            f"The backup is at schema {revision}, which this version doesn't know. "
            "Restore it with the newer Sitrep that wrote it."
        )
