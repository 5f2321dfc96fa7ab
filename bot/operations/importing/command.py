"""`sitrep import`: prints a policy, and on standard error what it couldn't carry over."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.output import fail, write_file

if TYPE_CHECKING:
    from bot.operations.importing.imported import Imported
    from bot.operations.importing.reading import Product


def opsgenie(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The export; see docs/on-call.md.")],
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where to write the policy; default: print it."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Turn schedules, escalations, services and people of Opsgenie into a policy."""
    from bot.operations.importing.reading import Product  # noqa: PLC0415

    _import(file, Product.OPSGENIE, output, force=force)


def pagerduty(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The export; see docs/on-call.md.")],
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where to write the policy; default: print it."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Turn schedules, escalation policies, services and people of PagerDuty into a policy."""
    from bot.operations.importing.reading import Product  # noqa: PLC0415

    _import(file, Product.PAGERDUTY, output, force=force)


def _import(file: Path, product: "Product", output: str | None, *, force: bool) -> None:
    from bot.operations.importing.policy_text import all_leftovers, policy_text  # noqa: PLC0415
    from incidents.exports.export import ExportFile  # noqa: PLC0415

    imported = _imported(file, product)
    if not imported.services and not imported.rotations:
        fail(f"{file} has no schedules and no services, so there is nothing to import.")
    text = policy_text(imported, product)
    _require_accepted(text)
    write_file(ExportFile("policy.yaml", text.encode()), output, force=force)
    typer.echo("\nWhat I couldn't carry over as it was, and what to do about it:", err=True)
    for leftover in all_leftovers(imported, product):
        typer.echo(f"- {leftover.what}.\n  → {leftover.todo}.", err=True)
    _say_secrets(imported, product)


def _imported(file: Path, product: "Product") -> "Imported":
    from bot.operations.importing.opsgenie import import_opsgenie  # noqa: PLC0415
    from bot.operations.importing.pagerduty import import_pagerduty  # noqa: PLC0415
    from bot.operations.importing.reading import (  # noqa: PLC0415
        Product,
        Unreadable,
        read_export,
    )
    from incidents.core.clock import SystemClock  # noqa: PLC0415

    try:
        export = read_export(file, product)
    except Unreadable as error:
        fail(f"{error} Nothing was written.")
    read = {Product.OPSGENIE: import_opsgenie, Product.PAGERDUTY: import_pagerduty}[product]
    return read(export, now=SystemClock().now())


def _require_accepted(text: str) -> None:
    """Stop if Sitrep would refuse this policy: it says where, in the policy's words."""
    from config.policy_loader import PolicyErrors, load_policy  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "policy.yaml"
        trial.write_text(text, encoding="utf-8")
        try:
            load_policy(trial, setting="")
        except PolicyErrors as errors:
            problems = "\n".join(str(problem) for problem in errors.problems)
            fail(f"{problems.replace(str(trial), 'The policy')}\nNothing was written.")


def _say_secrets(imported: "Imported", product: "Product") -> None:
    from bot.operations.importing.policy_text import pagerduty_secrets  # noqa: PLC0415
    from bot.operations.importing.reading import Product  # noqa: PLC0415

    lines = list(pagerduty_secrets(imported)) if product is Product.PAGERDUTY else []
    if lines:
        typer.echo("\nFor the secrets file (SITREP_SECRETS):\n", err=True)
        typer.echo("\n".join(lines), err=True)
