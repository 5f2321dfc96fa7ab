"""A SQLite file as a backup: copied while others write to it, and checked."""

import contextlib
import sqlite3
from pathlib import Path

from incidents.storage.sqlite_session import connect_for_reading

_FIRST_BYTES = b"SQLite format 3\x00"


def copy_live(source: Path, copy: Path) -> None:
    """Copy a database at one moment into an empty file.

    `VACUUM INTO` reads one snapshot and ends however much is written meanwhile; SQLite's online
    backup starts again with each write by another process, and may never end.

    Raises:
        sqlite3.Error: it can't be read, is damaged, or the copy can't be written.
    """
    with contextlib.closing(connect_for_reading(str(source))) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def find_damage(file: Path) -> str | None:
    """Return what SQLite finds wrong in a file that nobody has open; None if it is whole."""
    try:
        with contextlib.closing(connect_for_reading(str(file))) as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else found


def is_sqlite_file(file: Path) -> bool:
    """Tell whether a file is a SQLite database, by its first bytes. Raises: OSError."""
    with file.open("rb") as stream:
        return stream.read(len(_FIRST_BYTES)) == _FIRST_BYTES
