"""`sitrep export` and `sitrep verify`: the record of one incident, and whether it is unchanged."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.commands.configuration import load_configuration

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.exports import ExportFile
    from incidents.timeline import Flaw


class Form(StrEnum):
    """How an export is written."""

    MD = "md"
    CSV = "csv"
    JSON = "json"


def export(
    incident: Annotated[str, typer.Argument(metavar="INC-12", help="The incident's reference.")],
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.MD,
    output: Annotated[
        Path | None, typer.Option(help="A file, or a folder; otherwise it is printed.")
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Export the timeline of an incident."""
    from bot.commands.record import CannotRead  # noqa: PLC0415
    from incidents.errors import IncidentNotFound  # noqa: PLC0415

    settings = load_configuration().settings
    try:
        file = asyncio.run(_export(settings, incident, form, workspace))
        _write(file, output)
    except IncidentNotFound:
        _fail(f"{incident} isn't there.")
    except CannotRead as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{output} can't be written: {error.strerror}")


def verify(
    incident: Annotated[str, typer.Argument(metavar="INC-12", help="The incident's reference.")],
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Prove that the timeline of an incident is as it was recorded."""
    from bot.commands.record import CannotRead  # noqa: PLC0415
    from incidents.errors import IncidentNotFound  # noqa: PLC0415

    settings = load_configuration().settings
    try:
        entries, flaws = asyncio.run(_verify(settings, incident, workspace))
    except IncidentNotFound:
        _fail(f"{incident} isn't there.")
    except CannotRead as error:
        _fail(str(error))
    if not flaws:
        typer.echo(f"{incident.upper()}: all {entries} entries are as they were recorded.")
        return
    typer.echo(f"{incident.upper()}: the timeline is not as it was recorded.", err=True)
    for flaw in flaws:
        what = _FLAWS.get(flaw.problem, flaw.problem)
        typer.echo(f"  entry {flaw.sequence}: {what}", err=True)
    raise typer.Exit(1)


_FLAWS = {
    "sequence_gap": "an entry before it is missing",
    "broken_link": "it doesn't follow from the entry before it",
    "entry_changed": "it was changed after it was recorded",
    "content_changed": "its content was changed after it was recorded",
    "head_differs": "entries after it are missing, or the incident's last hash was changed",
}


async def _export(
    settings: "Settings", incident: str, form: Form, workspace: str | None
) -> "ExportFile":
    from bot.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents.clock import SystemClock  # noqa: PLC0415
    from incidents.exports import ExportFormat, export_incident  # noqa: PLC0415

    ref = get_reference(incident)
    async with open_record(settings, workspace=workspace) as record:
        return await export_incident(
            record.session,
            ref,
            workspace_id=record.workspace_id,
            viewer=record.viewer,
            fmt=ExportFormat(form.value),
            now=SystemClock().now(),
        )


async def _verify(
    settings: "Settings", incident: str, workspace: str | None
) -> tuple[int, tuple["Flaw", ...]]:
    from sqlalchemy import select  # noqa: PLC0415

    from bot.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents import timeline  # noqa: PLC0415
    from incidents.errors import IncidentNotFound  # noqa: PLC0415
    from incidents.incident import find_incident  # noqa: PLC0415

    ref = get_reference(incident)
    async with open_record(settings, workspace=workspace) as record:
        found = await find_incident(
            record.session, ref, workspace_id=record.workspace_id, viewer=record.viewer
        )
        if found is None:
            raise IncidentNotFound(incident)
        query = (
            select(timeline.TimelineEntry)
            .where(timeline.TimelineEntry.incident_id == found.id)
            .order_by(timeline.TimelineEntry.sequence)
        )
        entries = list((await record.session.execute(query)).scalars())
    return len(entries), timeline.verify(entries, head=found.chain_head)


def _write(file: "ExportFile", output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(file.content)
        sys.stdout.buffer.flush()
        return
    target = output / file.name if output.is_dir() else output
    target.write_bytes(file.content)
    typer.echo(f"Written to {target}", err=True)


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)
