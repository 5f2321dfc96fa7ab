"""`sitrep policy check` and `sitrep policy show`: check or print the workspace's policy."""

from pathlib import Path
from typing import Annotated

import typer

from bot.operations.commands.configuration import WRONG_CONFIGURATION, complain, load_configuration


def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A policy file; otherwise the one in SITREP_POLICY."),
    ] = None,
) -> None:
    """Check the policy; report every mistake with its line."""
    from config.policy_loader import LoadedPolicy, PolicyErrors, load_policy  # noqa: PLC0415

    loaded: LoadedPolicy
    if file is None:
        loaded = load_configuration().loaded
    else:
        try:
            loaded = load_policy(file)
        except PolicyErrors as errors:
            complain(list(errors.problems))
            raise typer.Exit(WRONG_CONFIGURATION) from None
    typer.echo(f"ok {loaded.source}, digest {loaded.digest}")


def show() -> None:
    """Print the policy that is in force, as a file that could be SITREP_POLICY."""
    from config.policy_loader import dump_policy  # noqa: PLC0415

    loaded = load_configuration().loaded
    typer.echo(f"# {loaded.source}, digest {loaded.digest}")
    typer.echo(dump_policy(loaded.policy), nl=False)
