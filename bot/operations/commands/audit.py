"""`sitrep audit`: exports the workspace's audit log."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import Configuration, load_configuration
from bot.operations.commands.output import Form, fail, form_of, write_file

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.exports.export import ExportFile


def audit(
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
    redact: Annotated[
        int | None,
        typer.Option(
            metavar="12", help="Instead, erase the text and names in this entry permanently."
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why it is erased: needed for --redact, and kept.")
    ] = "",
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Export the audit log: stages, sign-offs, mentors and rights, who changed them and when."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from incidents.core.errors import AlreadySo, InvalidInput  # noqa: PLC0415

    written = form_of(form, output)
    configuration = load_configuration()
    try:
        if redact is not None:
            asyncio.run(_redact(configuration, redact, reason, workspace))
            typer.echo(
                f"Erased the text and names in entry {redact}. The audit log says so, with the reason."
            )
            return
        file = asyncio.run(_export(configuration.settings, written, workspace))
    except CannotRead as error:
        fail(str(error))
    except AlreadySo:
        fail(f"Entry {redact} was erased before.")
    except InvalidInput as error:
        if error.field == "reason":
            fail('Say why, for the audit log: --reason "…". Nothing was erased.')
        fail(f"There is no entry {redact} that can be erased.")
    write_file(file, output, force=force)


async def _redact(
    configuration: Configuration, sequence: int, reason: str, workspace: str | None
) -> None:
    from bot.operations.commands.record import run_as_operator  # noqa: PLC0415
    from incidents.record.redaction import redact_audit_entry  # noqa: PLC0415

    use_case = partial(redact_audit_entry, sequence=sequence, reason=reason)
    await run_as_operator(configuration, use_case, workspace=workspace)


async def _export(settings: "Settings", form: Form, workspace: str | None) -> "ExportFile":
    from bot.operations.commands.record import open_record  # noqa: PLC0415
    from incidents.exports.audit_log import export_audit_log  # noqa: PLC0415
    from incidents.exports.export import ExportFormat  # noqa: PLC0415

    async with open_record(settings, workspace=workspace) as record:
        return await export_audit_log(
            record.session,
            workspace_id=record.workspace_id,
            fmt=ExportFormat(form.value),
            signer=settings.signer(),
        )
