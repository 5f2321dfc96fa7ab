"""Opens the record for a command: finds the database, workspace and incident."""

import contextlib
import getpass
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.operations.commands.configuration import Configuration
from bot.operations.identity import fingerprint
from incidents.core.errors import IncidentNotFound
from incidents.core.ids import parse_reference
from incidents.core.people import Actor, Workspace, cli_actor
from incidents.incident.incident import ByReference
from incidents.storage.database import open_database, reason_of

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.engine.unit_of_work import Outcome, UseCase


class CannotRead(Exception):
    """The record can't be read; the message says why."""


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A database session, the chosen workspace, and the viewer."""

    session: AsyncSession
    workspace_id: uuid.UUID
    viewer: Actor


@contextlib.asynccontextmanager
async def open_record(
    settings: "Settings", *, workspace: str | None = None
) -> AsyncIterator[OpenRecord]:
    """Open the database for reading as the operator.

    Raises:
        CannotRead: the database can't be reached or has no schema, the workspace is ambiguous, or
            the incident isn't there.
    """
    database = open_database(settings.database_url, for_reading=True)
    try:
        if database.is_missing:
            raise CannotRead(f"{database.file} doesn't exist yet: `sitrep serve` creates it")
        if (lost := database.lost_file()) is not None:
            raise CannotRead(f"{lost}. Put the file back, or restore a backup.")
        async with database.reading() as session:
            if not database.is_sqlite:
                # One moment for all that is read: Sitrep may be writing meanwhile.
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            rows = list((await session.execute(select(Workspace))).scalars())
            chosen = _chosen(rows, settings, workspace)
            yield OpenRecord(session, chosen.id, operator())
    except IncidentNotFound as error:
        raise CannotRead(
            f"{error.reference} isn't in {settings.safe_database_url}. "
            "In Slack, `/incident list all` shows what there is."
        ) from None
    except (OSError, DBAPIError) as error:
        raise CannotRead(
            f"{settings.safe_database_url} can't be read: {reason_of(error)}. "
            "Check DATABASE_URL, that this user may read the database, "
            "and that `sitrep migrate` or `sitrep serve` has been run."
        ) from None
    finally:
        await database.close()


async def run_as_operator(
    configuration: Configuration, use_case: "UseCase", *, workspace: str | None = None
) -> "Outcome":
    """Run one use case as the operator. Raises: CannotRead; what the use case raises."""
    from incidents.core.clock import SystemClock  # noqa: PLC0415
    from incidents.engine.transactions import Transactions  # noqa: PLC0415
    from incidents.registry.rules import RULES  # noqa: PLC0415

    settings = configuration.settings
    async with open_record(settings, workspace=workspace) as record:
        workspace_id = record.workspace_id
    database = open_database(settings.database_url)
    try:
        transactions = Transactions(
            database, clock=SystemClock(), policy=configuration.loaded.policy, rules=RULES
        )
        return await transactions.run(use_case, actor=operator(), workspace_id=workspace_id)
    except (OSError, DBAPIError) as error:
        why = reason_of(error)
        raise CannotRead(f"{settings.safe_database_url} can't be written: {why}.") from None
    finally:
        await database.close()


def get_reference(text: str) -> ByReference:
    """Parse an incident's reference. Raises: CannotRead if the text isn't one."""
    reference = parse_reference(text)
    if reference is None:
        raise CannotRead(f"{text!r} isn't an incident; write INC-12 or DRILL-3")
    return ByReference(reference)


def operator() -> Actor:
    """Return the user who runs this command as the actor."""
    try:
        return cli_actor(getpass.getuser())
    except (KeyError, OSError):
        # A container's user may have no name.
        return cli_actor("operator")


def _chosen(rows: list[Workspace], settings: "Settings", wanted: str | None) -> Workspace:
    if wanted is not None:
        found = next((row for row in rows if row.external_id == wanted), None)
    elif len(rows) == 1:
        found = rows[0]
    else:
        token = settings.slack_bot_token
        mark = fingerprint(token.get_secret_value()) if token else None
        found = next((row for row in rows if mark and row.token_fingerprint == mark), None)
    if found is not None:
        return found
    if not rows:
        raise CannotRead("no workspace yet: `sitrep serve` creates it when it first starts")
    known = ", ".join(sorted(row.external_id for row in rows))
    problem = f"there is no workspace {wanted}" if wanted else "there are several workspaces"
    raise CannotRead(f"{problem}: choose one with --workspace: {known}")
