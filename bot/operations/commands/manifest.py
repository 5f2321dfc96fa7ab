"""`sitrep manifest`: prints the app manifest to paste into Slack's settings."""

import json
from typing import Annotated

import typer

from bot.operations.commands.configuration import WRONG_CONFIGURATION, load_configuration


def manifest(
    url: Annotated[
        str | None,
        typer.Option(help="Where Slack reaches Sitrep, https://…; without it, Socket Mode."),
    ] = None,
) -> None:
    """Print the app manifest to paste at api.slack.com/apps; needs no tokens."""
    from bot.features import all_features  # noqa: PLC0415
    from bot.operations.manifest import build_manifest  # noqa: PLC0415

    command = load_configuration().loaded.policy.command
    try:
        built = build_manifest(all_features(), command=command, url=url)
    except ValueError as error:
        typer.echo(f"--url {error}, for example --url https://sitrep.example.com", err=True)
        raise typer.Exit(WRONG_CONFIGURATION) from None
    typer.echo(json.dumps(built, indent=2))
