"""The rules of all features, as the engine receives them."""

from typing import Final

from incidents.engine.rules import Rules
from incidents.escalation.reactions import add_escalations
from incidents.guidance.tables import add_people_to_guide
from incidents.registry.entries import ENTRY_TYPES
from incidents.registry.guarded_commands import PERFORMERS, command_text
from incidents.registry.reactions import REACTIONS

RULES: Final = Rules(
    entry_types=ENTRY_TYPES,
    reactions=REACTIONS,
    fact_sources=(add_people_to_guide, add_escalations),
    performers=PERFORMERS,
    command_text=command_text,
)
