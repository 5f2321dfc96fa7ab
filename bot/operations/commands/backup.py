"""`sitrep backup` and `sitrep restore`: copy the database while it is used, and put it back."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.operations.commands.configuration import Configuration, load_configuration
from bot.operations.commands.output import fail, target_of

if TYPE_CHECKING:
    from bot.operations.backups.making import Made
    from bot.operations.backups.restoring import Restoration, Wanted
    from config.settings import Settings
    from incidents.record.restoring import Restored


def backup(
    file: Annotated[
        str,
        typer.Argument(help="The file to write, or a folder (an existing one, or ending in /)."),
    ],
    programs: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="PostgreSQL: where pg_dump and pg_restore are."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Back up the database, also while Sitrep runs. Only the file's owner can read it."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from bot.operations.backups.making import BackupFailed  # noqa: PLC0415
    from bot.operations.backups.postgres import ToolFailed  # noqa: PLC0415
    from incidents.storage.database import reason_of  # noqa: PLC0415

    if file == "-":
        fail("A backup can't be printed: name a file or a folder.")
    settings = load_configuration().settings
    try:
        target = target_of(file, name=_name_for(settings))
        made = asyncio.run(_back_up(settings, target, force=force, programs=programs))
    except FileExistsError as error:
        where = error.filename
        fail(f"{where} exists already, so nothing was written. Add --force to overwrite it.")
    except (BackupFailed, ToolFailed) as error:
        fail(f"No backup was made: {error}")
    except sqlite3.Error as error:
        fail(f"No backup was made: {error}. Check DATABASE_URL and {file}.")
    except (OSError, DBAPIError) as error:
        fail(f"No backup was made: {reason_of(error)}. Check DATABASE_URL and {file}.")
    typer.echo(f"Backed up {settings.safe_database_url} to {target} ({_size(made.size)}).")
    if made.flawed:
        fail(
            f"The audit log of {', '.join(made.flawed)} isn't as it was recorded, in the database and so "
            "in this backup. `sitrep verify` says what is wrong. Keep your earlier backups."
        )


async def _back_up(
    settings: "Settings", target: Path, *, force: bool, programs: Path | None
) -> "Made":
    from bot.operations.backups.making import BackupFailed, make_backup  # noqa: PLC0415
    from incidents.storage.database import open_database  # noqa: PLC0415

    database = open_database(settings.database_url, for_reading=True)
    try:
        if database.is_missing:
            raise BackupFailed(f"{database.file} doesn't exist. Check DATABASE_URL.")
        if (lost := database.lost_file()) is not None:
            raise BackupFailed(f"{lost}. Put the file back, or restore a backup.")
        return await make_backup(database, target, force=force, programs=programs)
    finally:
        await database.close()


def _name_for(settings: "Settings") -> str:
    from incidents.core.clock import SystemClock  # noqa: PLC0415

    ending = "db" if settings.database_url.startswith("sqlite") else "dump"
    return f"sitrep-{SystemClock().now():%Y%m%d-%H%M%S}.{ending}"


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def restore(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="What `sitrep backup` wrote. Leave it out if you put the database back yourself, "
            "from a snapshot: Sitrep does the rest."
        ),
    ] = None,
    last: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INC-15", help="The newest number in Slack, if Sitrep can't ask there."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it was restored, for the audit log.")] = "",
    programs: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="PostgreSQL: where pg_dump and pg_restore are."),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace of --last, if the database holds several."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the record there.")] = False,
) -> None:
    """Restore a backup while Sitrep is stopped, so that nothing is numbered or sent twice.

    Counting goes on after the highest number in Slack, messages that were waiting are looked for
    before they are sent, and the audit log records the gap.
    """
    from bot.operations.backups.restoring import Wanted  # noqa: PLC0415

    configuration = load_configuration()
    if configuration.settings.slack_bot_token is not None:
        typer.echo("Slack is asked first, which takes a minute for 20,000 channels.", err=True)
    with _saying_what_failed():
        numbers = _numbers(last or (), reason=reason)
        wanted = Wanted(
            file=file, last=numbers, workspace=workspace, force=force, programs=programs
        )
        done = asyncio.run(_restore(configuration, wanted))
    _tell(done, configuration.settings, file)


@contextlib.contextmanager
def _saying_what_failed() -> "Iterator[None]":
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from bot.operations.backups.postgres import ToolFailed  # noqa: PLC0415
    from bot.operations.backups.restoring import NotFinished, RestoreRefused  # noqa: PLC0415
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from incidents.storage.database import reason_of  # noqa: PLC0415

    try:
        yield
    except (CannotRead, RestoreRefused, ToolFailed, sqlite3.Error) as error:
        fail(f"Nothing was restored: {error}")
    except NotFinished as error:
        fail(str(error))
    except (OSError, DBAPIError) as error:
        fail(
            f"Restoring failed: {reason_of(error)}. Don't start Sitrep yet: check DATABASE_URL and "
            "the file, then restore again."
        )


async def _restore(configuration: Configuration, wanted: "Wanted") -> "Restoration":
    from bot.operations.backups.restoring import Restore  # noqa: PLC0415
    from bot.operations.commands.record import operator  # noqa: PLC0415

    settings, loaded = configuration.settings, configuration.loaded
    return await Restore(settings, loaded, wanted, operator=operator()).run()


def _numbers(texts: "list[str] | tuple[str, ...]", *, reason: str) -> "Restored":
    from bot.operations.commands.record import get_reference  # noqa: PLC0415
    from incidents.record.restoring import Restored  # noqa: PLC0415

    numbers = {}
    for text in texts:
        reference = get_reference(text).reference
        numbers["last_drill" if reference.is_drill else "last_incident"] = reference.number
    return Restored(**numbers, reason=reason)


def _tell(done: "Restoration", settings: "Settings", file: Path | None) -> None:
    restored = f"Restored {file} to " if file is not None else "Noted the restore of "
    typer.echo(f"{restored}{settings.safe_database_url}.")
    if done.kept is not None:
        typer.echo(f"The database that was there is kept as {done.kept}; delete it later.")
    for name, note in done.notes.items():
        newest = (
            f", up to {note['newest_at'][:16].replace('T', ' ')} UTC" if note["newest_at"] else ""
        )
        typer.echo(f"Workspace {name}{newest}:")
        for gap in note["lost"]:
            typer.echo(f"  Lost: {_numbers_of(gap)}.")
        if note["doubted"]:
            typer.echo(
                f"  Calls to Slack that were waiting: {note['doubted']}. Sitrep first looks whether "
                "they were made."
            )
        typer.echo(f"  Recorded in the audit log, entry {note['sequence']}.")
    for doubt in done.doubts:
        typer.echo(doubt)
    typer.echo("Check the record with `sitrep verify`, then start Sitrep.")


def _numbers_of(gap: Mapping[str, Any]) -> str:
    first, last = gap["first"], gap["last"]
    return f"{gap['counter']} {last}" if first == last else f"{gap['counter']}s {first} to {last}"
