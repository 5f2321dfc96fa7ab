"""Output of commands: exported files and error messages."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from incidents.exports.export import ExportFile


def write_file(file: "ExportFile", output: Path | None) -> None:
    """Write to the file or folder `output`; None writes to standard output.

    Raises:
        typer.Exit: it can't be written; why has been printed.
    """
    if output is None:
        sys.stdout.buffer.write(file.content)
        sys.stdout.buffer.flush()
        return
    try:
        target = output / file.name if output.is_dir() else output
        target.write_bytes(file.content)
    except OSError as error:
        fail(
            f"{output} can't be written: {error.strerror}. "
            "Choose a folder that exists and that this user may write to."
        )
    typer.echo(f"Written to {target}", err=True)


def fail(text: str) -> NoReturn:
    """Print the error and exit with status 1. Raises: typer.Exit."""
    typer.echo(text, err=True)
    raise typer.Exit(1)
