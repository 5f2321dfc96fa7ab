"""What the features declare, as the engine needs it; `incidents/registry` collects it.

The engine stands below the features, so it is handed their rules instead of importing them.
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
# Takes the unit of work, which knows these rules, the incident and the arguments.
Performer = Callable[[Any, IncidentRef, Arguments], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What happened in one incident: kinds of entries, types of events, for those who add facts."""

    kinds: Collection[str]
    events: Collection[type[FeatureEvent]]
    policy: Policy
    workspace_id: uuid.UUID


# Adds to an incident's facts what a feature's reactions need.
FactSource = Callable[[AsyncSession, Facts, Recorded], Awaitable[Facts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything the engine does not know by itself."""

    entry_types: EntryTypes
    reactions: tuple[Row, ...]
    fact_sources: tuple[FactSource, ...] = ()
    # Commands that can be proposed: how each is carried out, and how it reads.
    performers: Mapping[str, Performer]
    command_text: Callable[[str, Arguments], str]

    def reactions_to(self, event: Payload | FeatureEvent) -> tuple[AnyReaction, ...]:
        """Return what answers to an entry or event, in order."""
        found = (row.reactions for row in self.reactions if row.event_type is type(event))
        return next(found, ())
