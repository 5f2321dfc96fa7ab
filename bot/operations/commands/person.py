"""`sitrep person`: exports what is stored about one person, or erases what can be erased."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import Configuration, load_configuration
from bot.operations.commands.output import fail, write_file

if TYPE_CHECKING:
    from incidents.engine.unit_of_work import Outcome
    from incidents.exports.export import ExportFile


def person(
    member: Annotated[str, typer.Argument(metavar="U0123", help="The person's id in Slack.")],
    output: Annotated[
        str | None,
        typer.Option(
            help="A file, or a folder (an existing one, or ending in /). `-` or nothing: print it."
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    erase: Annotated[
        bool,
        typer.Option(
            "--erase", help="Erase the name, address and private texts of somebody who has left."
        ),
    ] = False,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Export everything that is stored about a person, as JSON.

    With --erase, erase what can be erased. docs/proof.md says what stays, and why.
    """
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from incidents.core.errors import InvalidInput  # noqa: PLC0415

    configuration = load_configuration()
    try:
        if not erase:
            file = asyncio.run(_export(configuration, member, workspace))
            write_file(file, output, force=force)
            return
        outcome = asyncio.run(_erase(configuration, member, workspace))
    except CannotRead as error:
        fail(str(error))
    except InvalidInput as error:
        problem = "isn't in the database" if error.problem == "unknown" else error.problem
        fail(f"{member} {problem}.")
    texts = outcome.data["texts"]
    typer.echo(f"Erased: name, address, time zone, {texts} private texts. It is on the audit log.")
    typer.echo(
        "Their name stays in entries, which hashes cover. Hide and destroy their entries in Slack."
    )


async def _export(configuration: Configuration, member: str, workspace: str | None) -> "ExportFile":
    from bot.operations.commands.record import open_record  # noqa: PLC0415
    from incidents.registry.personal_data import export_person  # noqa: PLC0415

    async with open_record(configuration.settings, workspace=workspace) as record:
        return await export_person(
            record.session,
            workspace_id=record.workspace_id,
            external_id=member,
            viewer=record.viewer,
        )


async def _erase(configuration: Configuration, member: str, workspace: str | None) -> "Outcome":
    from bot.operations.commands.record import run_as_operator  # noqa: PLC0415
    from incidents.registry.personal_data import erase_person  # noqa: PLC0415

    use_case = partial(erase_person, external_id=member)
    return await run_as_operator(configuration, use_case, workspace=workspace)
