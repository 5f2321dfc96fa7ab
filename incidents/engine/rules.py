"""What the features declare, as the engine needs it; `incidents/registry` collects it.

The engine stands below the features, so it is handed their rules instead of importing them.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.plan import AnyReaction, FeatureEvent, Row
from incidents.incident.facts import Facts
from incidents.incident.incident import IncidentRef
from incidents.incident.payload import EntryTypes, Payload
from incidents.policy.policy import Policy

if TYPE_CHECKING:
    from incidents.engine.unit_of_work import Outcome, UnitOfWork

Arguments = Mapping[str, Any]
Performer = Callable[["UnitOfWork", IncidentRef, Arguments], Awaitable["Outcome"]]


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
    reactions: Mapping[type[Payload | FeatureEvent], tuple[AnyReaction, ...]]
    fact_sources: tuple[FactSource, ...] = ()
    # Commands that can be proposed: how each is carried out, and how it reads.
    performers: Mapping[str, Performer]
    command_text: Callable[[str, Arguments], str]


def table_of(rows: Iterable[Row]) -> dict[type[Payload | FeatureEvent], tuple[AnyReaction, ...]]:
    """Return the rows by type of event. Raises: ValueError if one type has two rows."""
    table: dict[type[Payload | FeatureEvent], tuple[AnyReaction, ...]] = {}
    for row in rows:
        if row.event_type in table:
            raise ValueError(f"two rows for {row.event_type.__name__}")
        table[row.event_type] = row.reactions
    return table
