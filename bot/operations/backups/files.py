"""Files that appear whole or not at all, and that only their owner can read."""

import contextlib
import errno
import os
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

_SIDES = ("-wal", "-shm")


@contextlib.contextmanager
def whole_file(target: Path, *, force: bool) -> Iterator[Path]:
    """Yield an empty file beside the target; once the block ends, it is safe on disk as the target.

    If the block fails, nothing is left.

    Raises:
        FileExistsError: the target is there, and `force` is false.
    """
    _refuse_existing(target, force=force)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield temporary
        _sync(temporary)
        _refuse_existing(target, force=force)
        temporary.replace(target)
        _sync(target.parent)
    finally:
        for side in ("", *_SIDES):
            _beside(temporary, side).unlink(missing_ok=True)


def set_aside(file: Path, *, now: datetime) -> Path | None:
    """Keep a SQLite file under another name, too, so that it can be replaced; return that name.

    Until it is replaced, the file itself stays usable: a restore that dies here has changed nothing.
    """
    if not file.exists():
        # A log without its file belongs to nothing, but would be read into the restored one.
        for side in _SIDES:
            _beside(file, side).unlink(missing_ok=True)
        return None
    with contextlib.suppress(sqlite3.DatabaseError):  # a broken file keeps its log
        merge_log(file)
    kept = file.with_name(f"{file.name}.before-restore-{now:%Y%m%d-%H%M%S}")
    os.link(file, kept)
    for side in _SIDES:
        if _beside(file, side).exists():
            _beside(file, side).replace(_beside(kept, side))
    return kept


def merge_log(file: Path) -> None:
    """Write a SQLite file's log into the file, and delete it. Raises: sqlite3.DatabaseError."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse_existing(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))


def _beside(file: Path, side: str) -> Path:
    return file.with_name(f"{file.name}{side}")


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
