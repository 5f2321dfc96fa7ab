"""`sitrep export`: exports one incident's record."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import Form, fail, form_of, write_file

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.exports.export import ExportFile


def export(
    incident: Annotated[str, typer.Argument(metavar="INC-12", help="The incident's reference.")],
    form: Annotated[
        Form | None,
        typer.Option("--format", help="How it is written; else as the file's name ends, else md."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="A file, or a folder (an existing one, or ending in /). `-` or nothing: print it."
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Export the timeline of an incident."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415

    written = form_of(form, output)
    settings = load_configuration().settings
    try:
        file = asyncio.run(_export(settings, incident, written, workspace))
    except CannotRead as error:
        fail(str(error))
    write_file(file, output, force=force)


async def _export(
    settings: "Settings", incident: str, form: Form, workspace: str | None
) -> "ExportFile":
    from bot.operations.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents.exports.export import ExportFormat, export_incident  # noqa: PLC0415
    from incidents.registry.entries import ENTRY_TYPES  # noqa: PLC0415

    ref = get_reference(incident)
    async with open_record(settings, workspace=workspace) as record:
        return await export_incident(
            record.session,
            ref,
            workspace_id=record.workspace_id,
            viewer=record.viewer,
            fmt=ExportFormat(form.value),
            signer=settings.signer(),
            entry_types=ENTRY_TYPES,
        )
