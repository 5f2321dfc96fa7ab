"""Output of commands: exported files and error messages."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from incidents.exports.export import ExportFile


def write_file(file: "ExportFile", output: Path | None) -> None:
    """Write to the file or folder `output`; None writes to standard output. Raises: OSError."""
    if output is None:
        sys.stdout.buffer.write(file.content)
        sys.stdout.buffer.flush()
        return
    target = output / file.name if output.is_dir() else output
    target.write_bytes(file.content)
    typer.echo(f"Written to {target}", err=True)


def fail(text: str) -> NoReturn:
    """Print the error and exit with status 1. Raises: typer.Exit."""
    typer.echo(text, err=True)
    raise typer.Exit(1)
