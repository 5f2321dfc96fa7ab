"""`sitrep migrate`: upgrades the database to this version's schema."""

import asyncio

import typer

from bot.operations.commands.configuration import load_configuration


def migrate() -> None:
    """Bring the database to the schema of this version."""
    settings = load_configuration().settings
    raise typer.Exit(asyncio.run(_migrate(settings.database_url, settings.safe_database_url)))


async def _migrate(url: str, shown: str) -> int:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from incidents.storage.database import open_database, reason_of  # noqa: PLC0415
    from migrations import runner  # noqa: PLC0415

    database = open_database(url)
    try:
        database.make_folder()
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
        if before.is_current:
            typer.echo(f"{shown} is at schema {before.head} already.")
            return 0
        await runner.upgrade(database)
    except (OSError, DBAPIError) as error:
        typer.echo(f"{shown} can't be migrated: {reason_of(error)}. Check DATABASE_URL.", err=True)
        return 1
    finally:
        await database.close()
    typer.echo(f"{shown} is now at schema {before.head} (before: {before.current or 'empty'}).")
    return 0
