"""`sitrep audit`: exports the workspace's audit log."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.export import Form
from bot.operations.commands.output import fail, write_file

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.exports.export import ExportFile


def audit(
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.MD,
    output: Annotated[
        Path | None, typer.Option(help="A file, or a folder; otherwise it is printed.")
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Export the audit log: stages, sign-offs, mentors and rights, who changed them and when."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415

    settings = load_configuration().settings
    try:
        file = asyncio.run(_export(settings, form, workspace))
    except CannotRead as error:
        fail(str(error))
    write_file(file, output)


async def _export(settings: "Settings", form: Form, workspace: str | None) -> "ExportFile":
    from bot.operations.commands.record import open_record  # noqa: PLC0415
    from incidents.core.clock import SystemClock  # noqa: PLC0415
    from incidents.exports.audit_log import export_audit_log  # noqa: PLC0415
    from incidents.exports.export import ExportFormat  # noqa: PLC0415

    async with open_record(settings, workspace=workspace) as record:
        return await export_audit_log(
            record.session,
            workspace_id=record.workspace_id,
            fmt=ExportFormat(form.value),
            now=SystemClock().now(),
        )
