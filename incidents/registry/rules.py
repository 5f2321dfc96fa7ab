"""The rules of all features, as the engine receives them."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.posted_messages import add_entry_messages
from incidents.engine.reactions import refresh_entry_messages
from incidents.engine.rules import Recorded, Rules
from incidents.escalation.reactions import add_escalations
from incidents.guidance.tables import add_people_to_guide
from incidents.incident.facts import Facts
from incidents.proposals.reactions import add_proposals
from incidents.registry.copies import COPIES
from incidents.registry.entries import ENTRY_TYPES
from incidents.registry.guarded_commands import PERFORMERS, command_text
from incidents.registry.reactions import REACTIONS
from incidents.roles.reactions import add_handoffs

_MAY_END_MESSAGES: Final = frozenset(
    row.event_type.kind for row in REACTIONS if refresh_entry_messages in row.reactions
)


async def _add_entry_messages(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Look for messages to refresh only after an entry that may end one."""
    if _MAY_END_MESSAGES.isdisjoint(recorded.kinds):
        return facts
    return await add_entry_messages(session, facts)


RULES: Final = Rules(
    entry_types=ENTRY_TYPES,
    reactions=REACTIONS,
    fact_sources=(
        _add_entry_messages,
        add_people_to_guide,
        add_escalations,
        add_proposals,
        add_handoffs,
    ),
    performers=PERFORMERS,
    command_text=command_text,
    copies=COPIES,
)
