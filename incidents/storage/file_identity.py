"""Notices that the SQLite file under its path isn't the one that was opened.

An open file can be moved, deleted or replaced; SQLite goes on writing to it, and nobody would find
again what was recorded there.
"""

import os
from pathlib import Path

from incidents.storage.availability import DatabaseMoved


class FileIdentity:
    """The file that a path led to when the database was opened."""

    def __init__(self, path: Path) -> None:
        """Remember the file by device and inode. Raises: OSError if it isn't there."""
        self._path = path
        self._known = _identity(path.stat())

    def check(self) -> None:
        """Return quietly if the path still leads to that file; it takes microseconds.

        Raises: DatabaseMoved.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise DatabaseMoved(0, "the database's file was moved or deleted") from None
        if _identity(found) != self._known:
            raise DatabaseMoved(0, "the database's file was replaced by another")
        if found.st_size == 0:
            raise DatabaseMoved(0, "the database's file was emptied")


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
