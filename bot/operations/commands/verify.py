"""`sitrep verify`: checks that one timeline, or the whole record, is unchanged."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.registry.verification import Proof


def verify(
    incident: Annotated[
        str | None,
        typer.Argument(metavar="[INC-12]", help="The incident's reference; none: everything."),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Verify that a timeline is unchanged; without one, all of them and the audit log."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from incidents.core.errors import IncidentNotFound  # noqa: PLC0415

    settings = load_configuration().settings
    try:
        proofs = asyncio.run(_prove(settings, incident, workspace))
    except IncidentNotFound:
        fail(f"{incident} isn't there.")
    except CannotRead as error:
        fail(str(error))
    for proof in proofs:
        _say(proof)
    if any(proof.flaws for proof in proofs):
        raise typer.Exit(1)


def _say(proof: "Proof") -> None:
    if not proof.flaws:
        typer.echo(f"{proof.name}: all {proof.entries} entries are as they were recorded.")
        return
    typer.echo(f"{proof.name}: this is not as it was recorded.", err=True)
    for flaw in proof.flaws:
        what = _FLAWS.get(flaw.problem, flaw.problem)
        typer.echo(f"  entry {flaw.sequence}: {what}", err=True)


_FLAWS = {
    "sequence_gap": "an entry before it is missing",
    "broken_link": "it doesn't follow from the entry before it",
    "entry_changed": "it was changed after it was recorded",
    "content_changed": "its content was changed after it was recorded",
    "head_differs": "entries after it are missing, or the stored last hash was changed",
    "stage_missing": "the stage that it recorded is missing",
    "stage_changed": "the stored stage isn't the one that it recorded",
    "stage_unknown": "a stage refers to it, but the log doesn't have it",
}


async def _prove(
    settings: "Settings", incident: str | None, workspace: str | None
) -> "list[Proof]":
    from bot.operations.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents.registry.verification import prove_everything, prove_incident  # noqa: PLC0415

    ref = get_reference(incident) if incident else None
    async with open_record(settings, workspace=workspace) as record:
        session, workspace_id = record.session, record.workspace_id
        if ref is None:
            return [proof async for proof in prove_everything(session, workspace_id=workspace_id)]
        viewer = record.viewer
        return [await prove_incident(session, ref, workspace_id=workspace_id, viewer=viewer)]
