"""The unit of work: one transaction that holds state, timeline entries, effects and reminders.

A use case changes entities and records entries; effects and reminders are derived from these at its
end (`reactions.py`). `transactions.py` opens and commits it.
"""

import contextlib
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import NeedsApproval
from incidents.core.hash_chain import clean_content
from incidents.core.people import Actor
from incidents.engine import outbox, reminders
from incidents.engine.posted_messages import may_have_ended
from incidents.guidance.tables import people_to_guide
from incidents.incident import timeline
from incidents.incident.facts import Facts, gather_facts
from incidents.incident.incident import Incident, IncidentRef, lock_incident
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.policy.policy import Action, Policy
from incidents.registry.reactions import react
from incidents.rights.decide import permit
from incidents.storage.database import insert_rows


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
        claim_as: str | None = None,
    ) -> None:
        """Bind the session, the actor and the one instant of this transaction.

        `claim_as` is claims the first effect on insert; None leaves it unclaimed.
        """
        self.session = session
        self.actor = actor
        self.workspace_id = workspace_id
        self.now = now
        self.policy = policy
        self.wakes_others = False
        self.claimed: outbox.EffectRow | None = None
        self._claim_as = claim_as
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

    async def _add_first_effects(self, planned: list[outbox.Planned], *, claim_as: str) -> None:
        """Store the effects of a new incident; the first is under way as soon as it is committed.

        Nothing can be before it in its lane, and its channel is there a transaction sooner.
        """
        self.claimed = await outbox.add_claimed(
            self.session,
            planned[0],
            workspace_id=self.workspace_id,
            now=self.now,
            claim_as=claim_as,
        )
        await self.add_effects(planned[1:])

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
            facts = replace(
                facts,
                to_guide=await self._people_to_guide(facts, entries),
                has_entry_messages=await may_have_ended(
                    self.session, incident.id, [entry.kind for entry in entries]
                ),
            )
            for entry in entries:
                reaction = react(entry, facts, self.policy)
                planned.extend(reaction.effects)
                changes.extend(reaction.reminders)
        await self._change_reminders(changes, is_first=is_new)
        if is_new and self._claim_as is not None:
            await self._add_first_effects(planned, claim_as=self._claim_as)
        else:
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
