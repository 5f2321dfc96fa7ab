"""The rules that features declare for the engine; `incidents/registry` collects them.

The engine is below the features, so it gets their rules as values instead of importing them.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.plan import AnyReaction, FeatureEvent, Row
from incidents.incident.facts import Facts
from incidents.incident.incident import IncidentRef
from incidents.incident.payload import EntryTypes, Payload
from incidents.policy.policy import Policy
from incidents.storage.database import Base

Arguments = Mapping[str, Any]
# Takes the unit of work (untyped, because it imports this module), the incident, the arguments.
Performer = Callable[[Any, IncidentRef, Arguments], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a transaction recorded in one incident, for the sources of facts."""

    kinds: Collection[str]
    events: Collection[type[FeatureEvent]]
    policy: Policy
    workspace_id: uuid.UUID


# Adds the facts that a feature's reactions need.
FactSource = Callable[[AsyncSession, Facts, Recorded], Awaitable[Facts]]


@dataclass(frozen=True, slots=True)
class TextCopies:
    """Columns that may hold a copy of an entry's text.

    `scope` names the column with the incident's or the workspace's id. If `through` is given, it is
    a column of another table, to which the named column of this one points.
    """

    entity: type[Base]
    columns: tuple[str, ...]
    scope: str = "incident_id"
    through: tuple[type[Base], str] | None = None

    def condition(self, *, workspace_id: uuid.UUID, incident_id: uuid.UUID) -> ColumnElement[bool]:
        """Return which rows to look at for an incident of a workspace."""
        value = workspace_id if self.scope == "workspace_id" else incident_id
        if self.through is None:
            found: ColumnElement[bool] = getattr(self.entity, self.scope) == value
            return found
        parent, pointer = self.through
        ids = select(parent.__table__.c.id).where(parent.__table__.c[self.scope] == value)
        within: ColumnElement[bool] = getattr(self.entity, pointer).in_(ids)
        return within


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that the engine needs to know about features."""

    entry_types: EntryTypes
    reactions: tuple[Row, ...]
    fact_sources: tuple[FactSource, ...] = ()
    # Commands that can be proposed: how to carry each out, and its wording.
    performers: Mapping[str, Performer]
    command_text: Callable[[str, Arguments], str]
    # Where a redaction looks for copies of an entry's text.
    copies: tuple[TextCopies, ...] = ()

    def reactions_to(self, event: Payload | FeatureEvent) -> tuple[AnyReaction, ...]:
        """Return the reactions to an entry or event, in order."""
        rows = (row.reactions for row in self.reactions if row.event_type is type(event))
        return tuple(reaction for reactions in rows for reaction in reactions)
