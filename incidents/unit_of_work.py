"""The unit of work: one transaction that holds state, timeline entries, effects and reminders.

`Transactions.run()` is the only way to write. It opens the transaction, answers a repeated request
from what it had answered before, lets one use case do its work, derives effects and reminders from
the entries that were recorded (`reactions.py`), and commits: the only `commit()` there is.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from incidents import outbox, reminders, timeline
from incidents.clock import Clock
from incidents.database import Database, insert_rows
from incidents.errors import Busy, NeedsApproval
from incidents.facts import Facts, gather_facts
from incidents.guidance_records import people_to_guide
from incidents.hash_chain import clean_content
from incidents.incident import Incident, IncidentRef, lock_incident
from incidents.people import Actor
from incidents.permissions import permit
from incidents.policy import Action, Policy
from incidents.processed_requests import find_request, keep_request
from incidents.reactions import react
from incidents.timeline import EntryKind, TimelineEntry

MAX_ATTEMPTS = 3
WAKE_CHANNEL = "sitrep_outbox"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a use case came to, as JSON values, so that a repeated request gets the same answer."""

    kind: str
    incident_id: uuid.UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    is_repeat: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        incident_id = str(self.incident_id) if self.incident_id else None
        return {"kind": self.kind, "incident_id": incident_id, "data": dict(self.data)}


def _repeat(stored: Mapping[str, Any]) -> Outcome:
    incident_id = stored["incident_id"]
    return Outcome(
        kind=stored["kind"],
        incident_id=uuid.UUID(incident_id) if incident_id else None,
        data=stored["data"],
        is_repeat=True,
    )


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a request the same one; with `window`, only within that time."""

    key: str
    window: timedelta | None = None


class UnitOfWork:
    """One transaction under way: who acts, when, on what; made by `Transactions` only."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        now: datetime,
        policy: Policy,
    ) -> None:
        """Bind the session, the actor and the one instant of this transaction."""
        self.session = session
        self.actor = actor
        self.workspace_id = workspace_id
        self.now = now
        self.policy = policy
        self.wakes_others = False
        self.needs_approval: NeedsApproval | None = None
        self._agreed: tuple[str, uuid.UUID | None] | None = None
        self._recorded: list[tuple[Incident, TimelineEntry]] = []
        self._unsaved: list[TimelineEntry] = []

    async def get_incident(self, ref: IncidentRef) -> Incident:
        """Return the incident, locked. Raises: IncidentNotFound, also when it isn't visible."""
        return await lock_incident(
            self.session, ref, workspace_id=self.workspace_id, viewer=self.actor
        )

    async def permit(
        self,
        action: Action,
        incident: Incident | None = None,
        *,
        subject_id: uuid.UUID | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Return quietly if the actor may do this (to `subject_id`). Raises: NotPermitted.

        Also if somebody has to agree first: then the use case goes on to the end, so that all else
        is checked, and NeedsApproval with its `arguments` (JSON) is raised instead of the commit.
        """
        try:
            await permit(
                self.session,
                self.actor,
                action,
                incident=incident,
                policy=self.policy,
                workspace_id=self.workspace_id,
                subject_id=subject_id,
            )
        except NeedsApproval as needed:
            if (action, needed.incident_id) == self._agreed:
                return
            given = clean_content(arguments or {})
            self.needs_approval = NeedsApproval(action, needed.incident_id, given)

    @contextlib.contextmanager
    def acting_for(self, actor: Actor, action: str, incident: Incident) -> Iterator[None]:
        """Act as whoever asked for agreement to this one action and got it."""
        before = self.actor
        self.actor, self._agreed = actor, (action, incident.id)
        try:
            yield
        finally:
            self.actor, self._agreed = before, None

    def record(
        self,
        incident: Incident,
        kind: EntryKind,
        content: Mapping[str, Any] | None = None,
        *,
        occurred_at: datetime | None = None,
        target_id: uuid.UUID | None = None,
        actor: Actor | None = None,
    ) -> TimelineEntry:
        """Append an entry to the incident's timeline; what follows from it is decided at the end.

        Finish changing the incident before the use case returns: reactions see its final state.
        """
        entry = timeline.append(
            incident.chain_head,
            kind,
            content or {},
            workspace_id=self.workspace_id,
            incident_id=incident.id,
            actor=actor or self.actor,
            occurred_at=occurred_at or self.now,
            recorded_at=self.now,
            target_id=target_id,
        )
        incident.last_sequence = entry.sequence
        incident.last_entry_hash = entry.entry_hash
        self._unsaved.append(entry)
        self._recorded.append((incident, entry))
        return entry

    async def flush(self) -> None:
        """Write what was changed and recorded so far, so that it can be read and pointed at."""
        await self.session.flush()
        if self._unsaved:
            rows = [timeline.row_of(entry) for entry in self._unsaved]
            self._unsaved.clear()
            await insert_rows(self.session, TimelineEntry, rows)

    async def remind(self, remind: reminders.Remind) -> None:
        """Set a reminder outside of a reaction (a reminder's rule sets its own next step)."""
        await self._change_reminders([remind])

    async def add_effects(self, planned: list[outbox.Planned]) -> None:
        """Store effects outside of a reaction (a refresh of people, a read-in for a newcomer)."""
        await outbox.add(self.session, planned, workspace_id=self.workspace_id, now=self.now)
        self.wakes_others = self.wakes_others or bool(planned)

    def wake_others(self) -> None:
        """Tell the dispatchers, also of other processes, that there is something to do."""
        self.wakes_others = True

    async def follow_up(self) -> None:
        """Store the effects and reminders that follow from the entries of this transaction."""
        await self.flush()
        planned: list[outbox.Planned] = []
        changes: list[reminders.Remind | reminders.CancelReminder] = []
        touched = self._by_incident()
        # Just declared: nobody can have a role yet and nothing can wait, so neither is looked for.
        is_new = [entry.kind for _, entries in touched for entry in entries] == [EntryKind.DECLARED]
        for incident, entries in touched:
            facts = await gather_facts(
                self.session, incident, now=self.now, roles=() if is_new else None
            )
            facts = replace(facts, to_guide=await self._people_to_guide(facts, entries))
            for entry in entries:
                reaction = react(entry, facts, self.policy)
                planned.extend(reaction.effects)
                changes.extend(reaction.reminders)
        await self._change_reminders(changes, is_first=is_new)
        await self.add_effects(planned)
        self._recorded.clear()
        await self.flush()

    async def _people_to_guide(
        self, facts: Facts, entries: list[TimelineEntry]
    ) -> tuple[uuid.UUID, ...]:
        return await people_to_guide(
            self.session,
            facts,
            [entry.kind for entry in entries],
            policy=self.policy,
            workspace_id=self.workspace_id,
        )

    def _by_incident(self) -> list[tuple[Incident, list[TimelineEntry]]]:
        grouped: dict[uuid.UUID, tuple[Incident, list[TimelineEntry]]] = {}
        for incident, entry in self._recorded:
            grouped.setdefault(incident.id, (incident, []))[1].append(entry)
        return list(grouped.values())

    async def _change_reminders(
        self,
        changes: list[reminders.Remind | reminders.CancelReminder],
        *,
        is_first: bool = False,
    ) -> None:
        await reminders.apply_changes(
            self.session,
            changes,
            workspace_id=self.workspace_id,
            now=self.now,
            is_first=is_first,
        )


UseCase = Callable[[UnitOfWork], Awaitable[Outcome]]


@dataclass(slots=True)
class Progress:
    """How far a running transaction is, for whoever must answer before it ends."""

    is_committing: bool = False


class Transactions:
    """Runs use cases, each in one transaction, again when others were quicker."""

    def __init__(self, database: Database, *, clock: Clock, policy: Policy) -> None:
        """Take what every transaction needs.

        `on_commit` is called with the workspace's id when effects were stored or made due.
        """
        self.database = database
        self.clock = clock
        self.policy = policy
        self.on_commit: list[Callable[[uuid.UUID], None]] = []
        self._for_people = 0
        self._people_served = asyncio.Event()
        self._people_served.set()

    async def let_people_first(self, *, most: timedelta) -> None:
        """Wait while somebody waits for an answer, so that work nobody waits for costs no time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most.total_seconds()):
                await self._people_served.wait()

    @contextlib.contextmanager
    def _serving(self, actor: Actor) -> Iterator[None]:
        if actor.person_id is None:
            yield
            return
        self._for_people += 1
        self._people_served.clear()
        try:
            yield
        finally:
            self._for_people -= 1
            if not self._for_people:
                self._people_served.set()

    async def run(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        request: RequestKey | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Carry out the use case once and return its outcome, or the one it had before.

        Raises:
            DomainError: what the use case refuses; nothing is changed then.
            Busy: the same rows kept changing under three attempts.
        """
        conflict: DBAPIError | StaleDataError | None = None
        with self._serving(actor):
            for _attempt in range(MAX_ATTEMPTS):
                try:
                    return await self._attempt(
                        use_case,
                        actor=actor,
                        workspace_id=workspace_id,
                        request=request,
                        progress=progress or Progress(),
                    )
                except (IntegrityError, StaleDataError) as error:
                    conflict = error
                except DBAPIError as error:
                    if not _is_conflict(error):
                        raise
                    conflict = error
            # What kept it from being carried out goes along: it may be a fault, not a crowd.
            raise Busy from conflict

    async def _attempt(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        request: RequestKey | None,
        progress: Progress,
    ) -> Outcome:
        async with self.database.writing() as session:
            now = self.clock.now()
            earlier = (
                None
                if request is None
                else await find_request(session, request.key, workspace_id=workspace_id)
            )
            if earlier is not None and not _is_over(earlier.created_at, request, now=now):
                return _repeat(earlier.outcome)
            uow = UnitOfWork(
                session, actor=actor, workspace_id=workspace_id, now=now, policy=self.policy
            )
            outcome = await use_case(uow)
            if uow.needs_approval is not None:
                raise uow.needs_approval
            await uow.follow_up()
            if request is not None:
                stored = {"outcome": outcome.to_json(), "created_at": now}
                await keep_request(
                    session, (workspace_id, request.key), stored, is_known=earlier is not None
                )
            if uow.wakes_others and not self.database.is_sqlite:
                await _notify(session, workspace_id)
            progress.is_committing = True
            await _commit(session)
        if uow.wakes_others:
            for notify in self.on_commit:
                notify(workspace_id)
        return outcome


async def _commit(session: AsyncSession) -> None:
    """Commit, and when cancelled meanwhile see the commit through first: its outcome is told."""
    commit = asyncio.ensure_future(session.commit())
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await commit
        raise


async def _notify(session: AsyncSession, workspace_id: uuid.UUID) -> None:
    """Wake the other processes on PostgreSQL; they hear of it if and when this is committed."""
    await session.execute(select(func.pg_notify(WAKE_CHANNEL, str(workspace_id))))


def _is_over(created_at: datetime, request: RequestKey | None, *, now: datetime) -> bool:
    if request is None or request.window is None:
        return False
    return created_at + request.window <= now


def _is_conflict(error: DBAPIError) -> bool:
    """Tell whether running again can help: serialization failure, deadlock, a locked file."""
    code = getattr(error.orig, "sqlstate", None)
    if code in {"40001", "40P01"}:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
