"""Runs of scenarios: who takes part, the current state, and how it ended.

The scorecard is stored only here, not in any timeline, export or figure. A run keeps the scenario
as it was at the start, so that a changed file doesn't affect it.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import InvalidInput
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.presence import Away, absences_since
from incidents.incident.incident import Incident, find_participant
from incidents.policy.schema import from_json
from incidents.scenarios.engine import RunState, state_from
from incidents.scenarios.scenario import Scenario
from incidents.storage.database import Base


class RunEnd(StrEnum):
    """How a run ended: resolved once fixed, resolved too early, out of time, or given up."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    TIMED_OUT = "timed_out"
    ABANDONED = "abandoned"


class DrillRun(Base):
    """One scenario played by one person, with a mentor or alone, and private to them."""

    __tablename__ = "drill_runs"
    __table_args__ = (
        Index(
            "uq_drill_runs_running",
            "junior_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"), unique=True)
    junior_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    mentor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    scenario_key: Mapped[str]
    scenario: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    how_ended: Mapped[str | None]
    score: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def is_running(self) -> bool:
        """Tell whether the run hasn't ended."""
        return self.ended_at is None

    @property
    def people_ids(self) -> tuple[uuid.UUID, ...]:
        """Return the people it belongs to: the junior, and the mentor if there is one."""
        return (self.junior_id, self.mentor_id) if self.mentor_id else (self.junior_id,)

    def load_scenario(self) -> Scenario:
        """Return the scenario as it was at the start."""
        return from_json(Scenario, self.scenario)

    def load_state(self) -> RunState:
        """Return the current state."""
        return state_from(self.state)


async def find_run(session: AsyncSession, incident_id: uuid.UUID) -> DrillRun | None:
    """Return the incident's run, or None if it isn't a scenario. The incident's lock guards it."""
    query = select(DrillRun).where(DrillRun.incident_id == incident_id)
    return (await session.execute(query)).scalar_one_or_none()


async def find_running(session: AsyncSession, person_id: uuid.UUID) -> DrillRun | None:
    """Return the run that this person is practising now, or None."""
    query = select(DrillRun).where(DrillRun.junior_id == person_id, DrillRun.ended_at.is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def list_own_runs(
    session: AsyncSession, person_id: uuid.UUID, *, limit: int = 5
) -> tuple[DrillRun, ...]:
    """Return the latest finished runs that this person practised, newest first."""
    query = (
        select(DrillRun)
        .where(DrillRun.junior_id == person_id, DrillRun.ended_at.is_not(None))
        .order_by(DrillRun.ended_at.desc())
        .limit(limit)
    )
    return tuple((await session.execute(query)).scalars())


async def refuse_outsiders(session: AsyncSession, incident: Incident, person: Person) -> None:
    """Return quietly unless somebody outside a scenario would be called into it.

    In a drill without a scenario, people may call in anybody they name.

    Raises: InvalidInput, so that a drill calls nobody by mistake.
    """
    if not incident.is_drill:
        return
    query = select(DrillRun.junior_id, DrillRun.mentor_id).where(
        DrillRun.incident_id == incident.id
    )
    pair = (await session.execute(query)).one_or_none()
    if pair is None or person.id in tuple(pair):
        return
    part = await find_participant(session, incident_id=incident.id, person_id=person.id)
    if part is None or not (part.is_in_channel or part.invited_at):
        raise InvalidInput("person", "not_in_drill")


async def find_stand_in(session: AsyncSession, incident: Incident) -> Person | None:
    """Return the mentor of a drill with a scenario, who answers for the people it doesn't call."""
    if not incident.is_drill:
        return None
    run = await find_run(session, incident.id)
    if run is None or run.mentor_id is None:
        return None
    return await session.get(Person, run.mentor_id)


def elapsed_seconds(since: datetime, until: datetime, absences: Iterable[Away]) -> float:
    """Return the seconds between two instants, without the bot's absences."""
    passed = (until - since).total_seconds()
    for absence in absences:
        start, end = max(absence.from_at, since), min(absence.until_at, until)
        passed -= max((end - start).total_seconds(), 0.0)
    return max(passed, 0.0)


async def absences_in(session: AsyncSession, run: DrillRun) -> tuple[Away, ...]:
    """Return the bot's absences since the run began, in which the scenario paused."""
    return await absences_since(session, run.started_at, workspace_id=run.workspace_id)
