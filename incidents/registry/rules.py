"""The rules of all features, as the engine receives them."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.life import add_present, add_readers
from incidents.checkins import reactions as checkins
from incidents.engine.plan import AnyReaction
from incidents.engine.posted_messages import add_entry_messages
from incidents.engine.reactions import ask, refresh_entry_messages, say_failure
from incidents.engine.rules import Recorded, Rules
from incidents.escalation import reactions as escalation
from incidents.escalation.reactions import add_escalations
from incidents.guidance.tables import add_people_to_guide
from incidents.incident.facts import Facts
from incidents.postmortem import reactions as postmortem
from incidents.proposals import reactions as proposals
from incidents.proposals.reactions import add_proposals
from incidents.registry.copies import COPIES
from incidents.registry.entries import ENTRY_TYPES
from incidents.registry.guarded_commands import PERFORMERS, command_text
from incidents.registry.reactions import REACTIONS
from incidents.registry.waiting import CHANGE_WAITING, add_home_readers
from incidents.roles.reactions import add_handoffs
from incidents.updates import reactions as updates
from incidents.updates.followers import add_followers

# The reactions that ask people for something in the channel.
_ASKING: Final[frozenset[AnyReaction]] = frozenset(
    {
        ask,
        say_failure,
        updates.say_reminder,
        updates.say_miss,
        postmortem.remind_owner,
        proposals.say_unanswered,
    }
)
# The reactions that tell directly only those who aren't in the channel, where they are mentioned.
_MENTIONING: Final[frozenset[AnyReaction]] = frozenset(
    {
        checkins.ask_person,
        checkins.ask_how_it_went,
        checkins.tell_of_answer,
        escalation.tell_author,
        proposals.ask_again,
        proposals.follow_answer,
        proposals.follow_end,
        proposals.follow_expiry,
        proposals.tell_of_objection,
    }
)
_MAY_END_MESSAGES: Final = frozenset(
    row.event_type.kind for row in REACTIONS if refresh_entry_messages in row.reactions
)


_CHANGE_HOMES: Final = frozenset(kind.kind for kind in CHANGE_WAITING)
_ASKS: Final = frozenset(row.event_type.kind for row in REACTIONS if _ASKING & {*row.reactions})
_MENTIONS: Final = frozenset(
    row.event_type.kind for row in REACTIONS if _MENTIONING & {*row.reactions}
)


async def _add_readers(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Look who is in the channel only after an entry that asks for something there."""
    if not _MENTIONS.isdisjoint(recorded.kinds):
        return await add_present(session, facts)
    return facts if _ASKS.isdisjoint(recorded.kinds) else await add_readers(session, facts)


async def _add_entry_messages(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Look for messages to refresh only after an entry that may end one."""
    if _MAY_END_MESSAGES.isdisjoint(recorded.kinds):
        return facts
    return await add_entry_messages(session, facts)


async def _add_home_readers(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Look whose Home to show anew only after an entry that may change what waits for somebody."""
    if _CHANGE_HOMES.isdisjoint(recorded.kinds):
        return facts
    return await add_home_readers(session, facts, recorded.workspace_id)


RULES: Final = Rules(
    entry_types=ENTRY_TYPES,
    reactions=REACTIONS,
    fact_sources=(
        _add_entry_messages,
        _add_readers,
        add_people_to_guide,
        add_escalations,
        add_proposals,
        add_handoffs,
        add_followers,
        _add_home_readers,
    ),
    performers=PERFORMERS,
    command_text=command_text,
    copies=COPIES,
)
