"""An embedded database with one table of notes, for tests of SQLite itself."""

from sqlalchemy import text

from incidents.storage.database import Database


async def make_notes(database: Database) -> None:
    """Create the table."""
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE notes (text TEXT)"))


async def write(database: Database, note: str) -> None:
    """Write a note and commit it."""
    async with database.writing() as session:
        await session.execute(text("INSERT INTO notes VALUES (:note)"), {"note": note})
        await session.commit()


async def notes(database: Database) -> list[str]:
    """Return the notes that a new reader sees."""
    async with database.reading() as session:
        return list((await session.execute(text("SELECT text FROM notes"))).scalars())
