"""The rules of all features, as the engine receives them."""

from typing import Final

from incidents.engine.posted_messages import facts_of_entry_messages
from incidents.engine.reactions import refresh_entry_messages
from incidents.engine.rules import Rules
from incidents.escalation.reactions import add_escalations
from incidents.guidance.tables import add_people_to_guide
from incidents.proposals.reactions import add_proposals
from incidents.registry.entries import ENTRY_TYPES
from incidents.registry.guarded_commands import PERFORMERS, command_text
from incidents.registry.reactions import REACTIONS

RULES: Final = Rules(
    entry_types=ENTRY_TYPES,
    reactions=REACTIONS,
    fact_sources=(
        facts_of_entry_messages(
            frozenset(
                row.event_type.kind for row in REACTIONS if refresh_entry_messages in row.reactions
            )
        ),
        add_people_to_guide,
        add_escalations,
        add_proposals,
    ),
    performers=PERFORMERS,
    command_text=command_text,
)
