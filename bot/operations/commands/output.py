"""Output of commands: exported files and error messages."""

import errno
import os
import stat
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import typer

if TYPE_CHECKING:
    from incidents.exports.export import ExportFile


_OWNERS: Final = 0o600


class Form(StrEnum):
    """The file format of an export."""

    MD = "md"
    CSV = "csv"
    JSON = "json"


def form_of(wanted: Form | None, output: str | None) -> Form:
    """Return the format, by the end of the file's name if none is wanted.

    Only the JSON export can be verified, so Markdown must not hide behind `.json`.

    Raises:
        typer.Exit: the name says another format than the one wanted.
    """
    ending = Path(output or "").suffix.removeprefix(".").casefold()
    named = next((one for one in Form if one == ending), None)
    if wanted is not None and named not in (None, wanted):
        fail(f"{output} ends in .{named}, but --format says {wanted}. Nothing was written.")
    return wanted or named or Form.MD


def write_file(file: "ExportFile", output: str | None, *, force: bool = False) -> None:
    """Write to the file or folder `output`; None or `-` writes to standard output.

    Raises:
        typer.Exit: it can't be written, or is there already; why has been printed.
    """
    if output is None or output == "-":
        sys.stdout.buffer.write(file.content)
        sys.stdout.buffer.flush()
        return
    target = Path(output)
    try:
        target = target_of(output, name=file.name)
        _write(target, file.content, force=force)
    except FileExistsError:
        fail(f"{target} exists already, so nothing was written. Add --force to overwrite it.")
    except OSError as error:
        fail(
            f"{output} can't be written: {error.strerror}. "
            "Choose a folder that exists and that this user may write to."
        )
    typer.echo(f"Written to {target}", err=True)


def target_of(output: str, *, name: str) -> Path:
    """Return the file to write: `output`, or `name` in that folder, made if it ends in a slash.

    Raises: OSError.
    """
    path = Path(output)
    if output.endswith(("/", os.sep)):
        if path.is_file():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), output)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path / name if path.is_dir() else path


def _write(target: Path, content: bytes, *, force: bool) -> None:
    """Write the file so that only its owner can read it: it may hold private incidents."""
    only_new = os.O_TRUNC if force else os.O_EXCL
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | only_new, _OWNERS)
    with os.fdopen(descriptor, "wb") as stream:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not a pipe or /dev/stdout
            os.fchmod(descriptor, _OWNERS)
        stream.write(content)


def fail(text: str) -> NoReturn:
    """Print the error and exit with status 1. Raises: typer.Exit."""
    typer.echo(text, err=True)
    raise typer.Exit(1)
