"""`sitrep signing-key`: shows the public key, or makes a new key."""

import os
from typing import Annotated

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import fail


def signing_key(
    *,
    new: Annotated[bool, typer.Option("--new", help="Make a key, and show both halves.")] = False,
) -> None:
    """Show the public key that exports are signed with, for those who check them."""
    from incidents.core.signing import KEY_BYTES, SigningKey, to_text  # noqa: PLC0415

    if new:
        seed = os.urandom(KEY_BYTES)
        typer.echo("Keep this secret, in the environment only, and not beside the database:")
        typer.echo(f"SITREP_SIGNING_KEY={to_text(seed)}")
        typer.echo("Give this to the people who check exports:")
        typer.echo(SigningKey(seed).public_key)
        return
    signer = load_configuration().settings.signer()
    if signer is None:
        fail("There is no key yet. Make one: sitrep signing-key --new")
    typer.echo(signer.public_key)
