"""`sitrep restored`: says that a backup was restored, so that the gap is on the audit log."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.configuration import Configuration, load_configuration
from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from incidents.engine.unit_of_work import Outcome


def restored(
    last: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INC-15", help="The newest number that was given out, as Slack shows it."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it was restored.")] = "",
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Record that a backup was restored: no number is given twice, and verify knows the gap.

    Stop Sitrep first. Look in Slack for the newest incident and drill; repeat --last for both.
    """
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415
    from incidents.core.errors import InvalidInput  # noqa: PLC0415

    try:
        outcome = asyncio.run(_note(load_configuration(), last or [], reason, workspace))
    except CannotRead as error:
        fail(str(error))
    except InvalidInput as error:
        fail(f"That {error.field} {error.problem}.")
    for gap in outcome.data["lost"]:
        typer.echo(f"Lost: {gap['counter']}s {gap['first']} to {gap['last']}.")
    typer.echo(f"Recorded in the audit log, entry {outcome.data['sequence']}.")


async def _note(
    configuration: Configuration, last: list[str], reason: str, workspace: str | None
) -> "Outcome":
    from functools import partial  # noqa: PLC0415

    from bot.operations.commands.record import get_reference, run_as_operator  # noqa: PLC0415
    from incidents.record.restoring import Restored, note_restore  # noqa: PLC0415

    numbers = {}
    for text in last:
        reference = get_reference(text).reference
        numbers["last_drill" if reference.is_drill else "last_incident"] = reference.number
    gap = Restored(**numbers, reason=reason)
    use_case = partial(note_restore, restored=gap)
    return await run_as_operator(configuration, use_case, workspace=workspace)
