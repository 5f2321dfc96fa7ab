"""Proposals where people see them: one card in the channel, copies in direct messages, kept current."""

from bot.features.proposals.messages import proposal_card
from bot.framework.audience import is_hidden_from
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.live_messages import CLOSED, Standing, show
from bot.framework.phrases import hidden_message
from bot.slack.errors import SlackPermanent
from incidents.core.ids import derived_id
from incidents.core.people import Person, system_actor
from incidents.engine.posted_messages import find_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import get_incident_view
from incidents.proposals.effects import RefreshProposal, RefreshProposalOfEntry
from incidents.proposals.steps import note_redaction
from incidents.proposals.views import find_by_entry, get_proposal_view

PURPOSE = "proposal"


async def refresh_proposal(context: EffectContext) -> Settlement:
    """Show a proposal in the channel or to a person, or bring it up to date in place."""
    effect = context.get(RefreshProposal)
    services = context.services
    if effect.incident_id is None:
        return Dropped("no incident")
    subject_id = derived_id(effect.proposal_id, str(effect.person_id or "channel"))
    async with services.database.reading() as session:
        incident = await get_incident_view(
            session,
            ById(effect.incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        proposal = await get_proposal_view(session, effect.proposal_id)
        person = await session.get(Person, effect.person_id) if effect.person_id else None
        posted = await find_posted(session, purpose=PURPOSE, subject_id=subject_id)
    is_direct = effect.person_id is not None
    place = None if incident.is_channel_archived else incident.channel_id
    if is_direct:
        place = person.external_id if person is not None and person.is_active else None
    is_hidden = person is not None and await is_hidden_from(services, incident, person)
    message = (
        hidden_message(incident)
        if is_hidden
        else proposal_card(proposal, incident, is_direct=is_direct)
    )
    # An incident that moved shows its card anew where it goes on.
    is_here = posted is not None and (is_direct or posted.channel_id == incident.channel_id)
    unless = "" if proposal.is_live else "over before it was shown"
    try:
        return await show(
            context,
            standing=Standing(purpose=PURPOSE, subject_id=subject_id, incident_id=incident.id),
            message=message,
            posted=posted if is_here else None,
            place=place,
            unless="no longer theirs to see" if is_hidden else unless,
        )
    except SlackPermanent as error:
        if error.error not in CLOSED or not is_here:
            raise
        return Dropped(error.error)


async def refresh_of_entry(context: EffectContext) -> Settlement:
    """Have every copy of the proposal made anew whose words an entry had held until now."""
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
