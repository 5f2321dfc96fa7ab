"""The rules that features declare for the engine; `incidents/registry` collects them.

The engine is below the features, so it gets their rules as values instead of importing them.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.plan import AnyReaction, FeatureEvent, Row
from incidents.incident.facts import Facts
from incidents.incident.incident import IncidentRef
from incidents.incident.payload import EntryTypes, Payload
from incidents.policy.policy import Policy

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that the engine needs to know about features."""

    entry_types: EntryTypes
    reactions: tuple[Row, ...]
    fact_sources: tuple[FactSource, ...] = ()
    # Commands that can be proposed: how to carry each out, and its wording.
    performers: Mapping[str, Performer]
    command_text: Callable[[str, Arguments], str]

    def reactions_to(self, event: Payload | FeatureEvent) -> tuple[AnyReaction, ...]:
        """Return the reactions to an entry or event, in order."""
        found = (row.reactions for row in self.reactions if row.event_type is type(event))
        return next(found, ())
