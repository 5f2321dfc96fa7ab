"""Live messages of a proposal: one card in the channel, and copies in direct messages."""

from bot.features.proposals.messages import proposal_card
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.live_messages import live_copies
from incidents.engine.posted_messages import PROPOSAL_CARD
from incidents.engine.unit_of_work import UnitOfWork
from incidents.proposals.effects import RefreshProposal, RefreshProposalOfEntry
from incidents.proposals.steps import note_redaction
from incidents.proposals.views import find_by_entry, get_proposal_view

PROPOSAL = live_copies(
    effect=RefreshProposal,
    purpose=PROPOSAL_CARD,
    about=lambda effect: (effect.proposal_id, effect.person_id),
    load=get_proposal_view,
    render=proposal_card,
    is_over=lambda proposal: not proposal.is_live,
)


async def refresh_of_entry(context: EffectContext) -> Settlement:
    """Update every copy of the proposal whose words were in a redacted entry."""
    effect = context.get(RefreshProposalOfEntry)
    async with context.services.database.reading() as session:
        found = await find_by_entry(session, effect.entry_id)
    if found is None or effect.incident_id is None:
        return Dropped("no proposal")
    proposal_id, incident_id = found.id, effect.incident_id

    async def refresh(uow: UnitOfWork) -> None:
        await note_redaction(
            uow,
            incident_id=incident_id,
            proposal_id=proposal_id,
            words_entry_id=effect.entry_id,
        )

    return Done(refresh)
