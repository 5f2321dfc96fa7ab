"""`sitrep migrate`: upgrades the database to this version's schema."""

import asyncio
from typing import Annotated

import typer

from bot.operations.commands.configuration import load_configuration


def migrate(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA",
            help="Go back to this older schema before you start an older Sitrep. "
            "Only what newer versions added is deleted.",
        ),
    ] = None,
) -> None:
    """Bring the database to the schema of this version."""
    settings = load_configuration().settings
    done = _migrate(settings.database_url, settings.safe_database_url, to=to)
    raise typer.Exit(asyncio.run(done))


async def _migrate(url: str, shown: str, *, to: str | None) -> int:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from incidents.storage.database import open_database, reason_of  # noqa: PLC0415
    from migrations import runner  # noqa: PLC0415

    database = open_database(url)
    try:
        if to is not None and database.is_missing:
            typer.echo(f"{database.file} doesn't exist. Check DATABASE_URL.", err=True)
            return 1
        database.make_folder()
        if (lost := database.lost_file()) is not None:
            typer.echo(f"{lost}; nothing was changed. Restore a backup.", err=True)
            return 1
        before = await runner.schema_state(database)
        if not before.is_known:
            typer.echo(
                f"{shown} is at schema {before.current}, which this version doesn't know; "
                "nothing was changed. Start the newer Sitrep that migrated it.",
                err=True,
            )
            return 1
        if before.is_foreign:
            own = "file" if database.is_sqlite else "database"
            typer.echo(
                f"{shown} holds another program's tables; nothing was changed. "
                f"Name a {own} of its own in DATABASE_URL.",
                err=True,
            )
            return 1
        target = to or before.head
        if before.current == target:
            typer.echo(f"{shown} is at schema {target} already.")
            return 0
        if to is None:
            await runner.upgrade(database)
        elif runner.is_known(to) and before.current is not None and to < before.current:
            await runner.downgrade(database, to=to)
        else:
            typer.echo(
                f"There's no older schema {to}; nothing was changed. "
                f"{shown} is at schema {before.current or 'none: it is empty'}.",
                err=True,
            )
            return 1
    except (OSError, DBAPIError) as error:
        typer.echo(f"{shown} can't be migrated: {reason_of(error)}. Check DATABASE_URL.", err=True)
        return 1
    finally:
        await database.close()
    typer.echo(f"{shown} is now at schema {target} (before: {before.current or 'empty'}).")
    return 0
