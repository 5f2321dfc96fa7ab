"""`sitrep outbox`: lists, retries and drops what Slack refused for good (dead letters)."""

import asyncio
import shlex
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.engine.unit_of_work import Outcome, UseCase
    from incidents.registry.dead_letters import Cause, Chosen


def show(
    *,
    each: Annotated[bool, typer.Option("--all", help="List each one, with its id.")] = False,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """List what Slack refused for good, by cause."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from bot.operations.dead_letters import cause_line, letter_line  # noqa: PLC0415

    settings = load_configuration().settings
    try:
        causes = asyncio.run(_find(settings, workspace))
    except CannotRead as error:
        fail(str(error))
    for cause in causes:
        typer.echo(cause_line(cause))
        for letter in cause.letters if each else ():
            typer.echo(f"  {letter_line(letter)}")
    if not causes:
        typer.echo("There are no dead letters.")
        return
    named = shlex.quote(causes[0].error)
    typer.echo(
        f"\nOnce the cause is fixed: sitrep outbox retry --cause {named}\n"
        f'If it isn\'t needed any more: sitrep outbox drop --cause {named} --reason "…"'
    )


def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="As `outbox list --all` shows them.")
    ] = None,
    cause: Annotated[
        str | None, typer.Option(metavar="missing_scope", help="All with this error.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Try again what Slack refused, once its cause is fixed, in the old order and never twice."""
    from incidents.registry.dead_letters import retry_dead_letters  # noqa: PLC0415

    chosen = _chosen(ids, cause, everything=everything)
    outcome = _run(partial(retry_dead_letters, chosen=chosen), workspace)
    typer.echo(
        f"{_counted(outcome)} will be tried again within seconds, or when Sitrep starts. "
        "`sitrep outbox list` shows what Slack refuses again."
    )


def drop(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="As `outbox list --all` shows them.")
    ] = None,
    cause: Annotated[
        str | None, typer.Option(metavar="missing_scope", help="All with this error.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why: needed, and kept in the audit log.")] = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Drop what Slack refused and nobody needs any more; what waits behind it goes on."""
    from incidents.core.errors import InvalidInput  # noqa: PLC0415
    from incidents.registry.dead_letters import drop_dead_letters  # noqa: PLC0415

    chosen = _chosen(ids, cause, everything=everything)
    try:
        outcome = _run(partial(drop_dead_letters, chosen=chosen, reason=reason), workspace)
    except InvalidInput:
        fail('Say why, for the audit log: --reason "…". Nothing was dropped.')
    typer.echo(f"{_counted(outcome)} dropped. Audit log, entry {outcome.data['sequence']}.")


def _chosen(ids: list[str] | None, cause: str | None, *, everything: bool) -> "Chosen":
    from incidents.registry.dead_letters import Chosen  # noqa: PLC0415

    # An empty id, as from a variable that isn't set, would mean all of them.
    if sum((bool(ids), cause is not None, everything)) != 1 or "" in (ids or ()):
        fail(
            "Say which: ids, --cause or --all. `sitrep outbox list` shows the causes, "
            "and with --all the ids."
        )
    return Chosen(ids=tuple(ids or ()), error=cause)


def _run(use_case: "UseCase", workspace: str | None) -> "Outcome":
    from bot.operations.commands.record import CannotRead, run_as_operator  # noqa: PLC0415

    configuration = load_configuration()
    try:
        outcome = asyncio.run(run_as_operator(configuration, use_case, workspace=workspace))
    except CannotRead as error:
        fail(str(error))
    if not outcome.data["count"]:
        fail("There is no such dead letter. `sitrep outbox list` shows those there are.")
    return outcome


def _counted(outcome: "Outcome") -> str:
    count = outcome.data["count"]
    return "1 dead letter" if count == 1 else f"{count} dead letters"


async def _find(settings: "Settings", workspace: str | None) -> "tuple[Cause, ...]":
    from bot.operations.commands.record import open_record  # noqa: PLC0415
    from incidents.registry.dead_letters import find_causes  # noqa: PLC0415

    async with open_record(settings, workspace=workspace) as record:
        return await find_causes(record.session, workspace_id=record.workspace_id)
