"""Proposals where people see them: one card in the channel, copies in direct messages, kept current."""

from bot.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.effect_viewers import is_hidden_from
from bot.features.approval_messages import approval_card
from bot.features.escalation_calls import hidden_message
from bot.features.status_card import LOST_CARD
from bot.slack.errors import SlackPermanent
from incidents.approval_showing import refresh_everywhere
from incidents.approval_views import find_by_entry, get_approval_view
from incidents.effects import RefreshApproval, RefreshApprovalOfEntry
from incidents.ids import derived_id
from incidents.incident import ById
from incidents.people import Person, system_actor
from incidents.posted_messages import find_posted, save_posted
from incidents.read_models import get_incident_view
from incidents.unit_of_work import UnitOfWork

PURPOSE = "approval"

# A channel that can't be written to any more: the record stays right, the message as it is.
_CLOSED = frozenset({"is_inactive", "is_archived", "not_in_channel"})


async def refresh_approval(context: EffectContext) -> Settlement:
    """Show a proposal in the channel or to a person, or bring it up to date in place."""
    effect = context.get(RefreshApproval)
    services = context.services
    if effect.incident_id is None:
        return Dropped("no incident")
    subject_id = derived_id(effect.approval_id, str(effect.person_id or "channel"))
    async with services.database.reading() as session:
        incident = await get_incident_view(
            session,
            ById(effect.incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        approval = await get_approval_view(session, effect.approval_id)
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
        else approval_card(approval, incident, is_direct=is_direct)
    )
    # An incident that moved shows its card anew where it goes on.
    is_here = posted is not None and (is_direct or posted.channel_id == incident.channel_id)
    if posted is not None and is_here:
        try:
            await services.gateway.update(posted.channel_id, posted.message_ts, message)
        except SlackPermanent as error:
            if error.error in _CLOSED:
                return Dropped(error.error)
            if error.error not in LOST_CARD:
                raise
        else:
            return Done()
    if is_hidden:
        return Dropped("no longer theirs to see")
    if not approval.is_live:
        return Dropped("over before it was shown")
    if place is None:
        return Dropped("nowhere to show it")
    channel_id, ts = await post_once(context, channel_id=place, message=message)

    async def remember_place(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=incident.id,
            purpose=PURPOSE,
            subject_id=subject_id,
            channel_id=channel_id,
            message_ts=ts,
            now=uow.now,
        )

    return Done(remember_place)


async def refresh_of_entry(context: EffectContext) -> Settlement:
    """Have every copy of the proposal made anew whose words an entry had held until now."""
    effect = context.get(RefreshApprovalOfEntry)
    async with context.services.database.reading() as session:
        found = await find_by_entry(session, effect.entry_id)
    if found is None or effect.incident_id is None:
        return Dropped("no proposal")
    approval_id, incident_id = found.id, effect.incident_id

    async def refresh(uow: UnitOfWork) -> None:
        await refresh_everywhere(
            uow,
            incident_id=incident_id,
            approval_id=approval_id,
            words_entry_id=effect.entry_id,
        )

    return Done(refresh)
