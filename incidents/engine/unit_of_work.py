"""The unit of work: one transaction for state, timeline entries, effects and reminders.

A use case changes entities, records entries and emits events. At its end, reactions to these
(`incidents/registry/reactions.py`) plan effects and reminders. `transactions.py` opens and commits.
"""

import contextlib
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import NeedsApproval, OpensPrivate
from incidents.core.hash_chain import clean_content
from incidents.core.ids import new_id
from incidents.core.people import Actor
from incidents.engine import outbox, reminders
from incidents.engine.plan import FeatureEvent, IncidentPlan, Plan, ReminderChange
from incidents.engine.rules import Recorded, Rules
from incidents.incident import timeline
from incidents.incident.facts import Facts, gather_facts
from incidents.incident.incident import Incident, IncidentRef, lock_incident
from incidents.incident.payload import Payload
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action, Policy
from incidents.rights.decide import permit
from incidents.storage.database import insert_rows


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a use case, as JSON values, so that a repeated request gets the same answer."""

    kind: str
    incident_id: uuid.UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    is_repeat: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        incident_id = str(self.incident_id) if self.incident_id else None
        return {"kind": self.kind, "incident_id": incident_id, "data": dict(self.data)}


class UnitOfWork:
    """One running transaction with its actor and instant; only `Transactions` creates it."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        actor: Actor,
        workspace_id: uuid.UUID,
        now: datetime,
        policy: Policy,
        rules: Rules,
        may_open_to: Collection[str] | None = None,
        correlation_id: str = "",
    ) -> None:
        """Bind the session, the actor and the one instant of this transaction.

        `correlation_id` stays with what is planned from here on, so that the log leads from a
        request to all calls that came of it.

        `may_open_to`: the people, by their ids in the chat service, to whom the actor agreed to open
        a private incident; None if they weren't asked.
        """
        self.session = session
        self.actor = actor
        self.workspace_id = workspace_id
        self.now = now
        self.policy = policy
        self.rules = rules
        self.wakes_others = False
        self.may_open_to = may_open_to
        self.correlation_id = correlation_id
        self._correlation_ids: dict[uuid.UUID, str] = {}
        self.needs_approval: NeedsApproval | None = None
        self.opens_private: OpensPrivate | None = None
        self._agreed: tuple[str, uuid.UUID | None] | None = None
        self._recorded: list[tuple[Incident, TimelineEntry, Payload]] = []
        self._emitted: list[tuple[FeatureEvent, Incident | None]] = []
        self._again: list[ReminderChange] = []
        self._unsaved: list[TimelineEntry] = []

    async def get_incident(self, ref: IncidentRef) -> Incident:
        """Return the incident, locked. Raises: IncidentNotFound, also if the actor can't see it."""
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

        It also returns if the action needs approval: the use case then runs to its end, so that all
        else is checked, and NeedsApproval with `arguments` (JSON) is raised instead of the commit.
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

    def ask_to_open(self, question: OpensPrivate) -> None:
        """Ask the actor before this opens a private incident to somebody.

        The use case runs to its end, so that all else is checked; the question is raised instead of
        the commit.
        """
        self.opens_private = question.and_also(self.opens_private)

    @contextlib.contextmanager
    def acting_for(self, actor: Actor, action: str, incident: Incident) -> Iterator[None]:
        """Act as the person whose proposal of this one action was approved."""
        before = self.actor
        self.actor, self._agreed = actor, (action, incident.id)
        try:
            yield
        finally:
            self.actor, self._agreed = before, None

    def record(
        self,
        incident: Incident,
        payload: Payload,
        *,
        occurred_at: datetime | None = None,
        target_id: uuid.UUID | None = None,
        actor: Actor | None = None,
    ) -> TimelineEntry:
        """Append an entry to the incident's timeline; reactions to it run at the end.

        Finish changing the incident before the use case returns: reactions see its final state.
        """
        entry = timeline.append(
            incident.chain_head,
            payload.kind,
            payload.content(),
            workspace_id=self.workspace_id,
            incident_id=incident.id,
            actor=actor or self.actor,
            occurred_at=occurred_at or self.now,
            recorded_at=self.now,
            target_id=target_id,
        )
        incident.last_sequence = entry.sequence
        incident.last_entry_hash = entry.entry_hash
        self._correlation_ids[entry.id] = self.correlation_id
        self._unsaved.append(entry)
        self._recorded.append((incident, entry, payload))
        return entry

    def emit(self, event: FeatureEvent, incident: Incident | None = None) -> None:
        """Announce an event that belongs in no timeline; reactions to it run at the end."""
        self._emitted.append((event, incident))

    async def flush(self) -> None:
        """Write all changes and entries so far, so that queries and foreign keys can use them."""
        await self.session.flush()
        if self._unsaved:
            rows = [timeline.row_of(entry) for entry in self._unsaved]
            self._unsaved.clear()
            await insert_rows(self.session, TimelineEntry, rows)

    def remind_again(self, remind: reminders.Remind) -> None:
        """Set the next step of a fired reminder; only `fire` calls this, with a rule's answer."""
        self._again.append(remind)

    async def add_effects(self, planned: list[outbox.Planned]) -> None:
        """Store planned effects; in the program only `follow_up` does, with what reactions planned."""
        await outbox.add(self.session, planned, workspace_id=self.workspace_id, now=self.now)
        await self._hurry({one.lane for one in planned if one.effect.hurries})
        self.wakes_others = self.wakes_others or bool(planned)

    async def _hurry(self, lanes: Collection[str]) -> None:
        """Let what waits in these lanes be due now: what isn't needed any more drops itself."""
        if not lanes:
            return
        waiting = (
            outbox.EffectRow.lane.in_(lanes),
            outbox.EffectRow.status == outbox.EffectStatus.PENDING,
            outbox.EffectRow.due_at > self.now,
        )
        hurrying = update(outbox.EffectRow).where(*waiting).values(due_at=self.now)
        await self.session.execute(hurrying, execution_options={"synchronize_session": False})

    def wake_others(self) -> None:
        """Have the dispatchers of all processes look for work after the commit."""
        self.wakes_others = True

    async def follow_up(self) -> None:
        """Run the reactions to this transaction's entries and events; store what they planned."""
        await self.flush()
        plans = await self._plans()
        for plan in plans:
            for reaction in self.rules.reactions_to(plan.event):
                reaction(plan)
        changes = [*self._again, *(change for plan in plans for change in plan.reminders)]
        await reminders.apply_changes(
            self.session, changes, workspace_id=self.workspace_id, now=self.now
        )
        await self.add_effects(
            [
                replace(effect, correlation_id=self._correlation_of(plan.source_id))
                for plan in plans
                for effect in plan.effects
            ]
        )
        self._recorded.clear()
        self._emitted.clear()
        self._again.clear()
        await self.flush()

    def _correlation_of(self, source_id: uuid.UUID) -> str:
        return self._correlation_ids.get(source_id, self.correlation_id)

    async def _plans(self) -> list[Plan[Payload | FeatureEvent]]:
        """Return a plan for each entry and event: by incident, then events without an incident."""
        plans: list[Plan[Payload | FeatureEvent]] = []
        for incident in self._touched():
            facts = await self._facts_of(incident)
            plans += [
                IncidentPlan(
                    payload, source_id=entry.id, facts=facts, policy=self.policy, entry=entry
                )
                for touched, entry, payload in self._recorded
                if touched is incident
            ]
            plans += [
                IncidentPlan(event, source_id=new_id(), facts=facts, policy=self.policy)
                for event, touched in self._emitted
                if touched is incident
            ]
        plans += [
            Plan(event, source_id=new_id(), now=self.now, policy=self.policy)
            for event, touched in self._emitted
            if touched is None
        ]
        return plans

    async def _facts_of(self, incident: Incident) -> Facts:
        facts = await gather_facts(self.session, incident, now=self.now)
        kinds = [entry.kind for touched, entry, _ in self._recorded if touched is incident]
        events = {type(event) for event, touched in self._emitted if touched is incident}
        recorded = Recorded(kinds, events, self.policy, self.workspace_id)
        for add_facts in self.rules.fact_sources:
            facts = await add_facts(self.session, facts, recorded)
        return facts

    def _touched(self) -> list[Incident]:
        touched = [incident for incident, _, _ in self._recorded]
        touched += [incident for _, incident in self._emitted if incident is not None]
        return list({incident.id: incident for incident in touched}.values())


UseCase = Callable[[UnitOfWork], Awaitable[Outcome]]
