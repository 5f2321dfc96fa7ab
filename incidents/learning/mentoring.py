"""Mentors beside juniors in an incident: they are paired, see every request, and can take over.

The pair is private. The timeline records only what happens to the incident: if the mentor takes
over, an ordinary change of roles.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import IncidentNotFound, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, actor_of
from incidents.engine.posted_messages import PostedMessage
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.entries import Escalated, EscalationCompleted
from incidents.escalation.tables import Escalation
from incidents.incident.incident import ById, Incident, find_participant
from incidents.incident.payload import decode
from incidents.incident.role_entries import CommanderChanged, RoleAssigned
from incidents.incident.roles import RoleAssignment, current_roles, role_holders
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import IncidentView, PersonView, find_incident_view, person_view
from incidents.learning.events import ConversationChanged, ForwardOutdated, JuniorAsked
from incidents.learning.tables import MentorConversation, conversations_in
from incidents.people.assignable import get_person, refuse_if_over
from incidents.policy.policy import COMMANDER, Action
from incidents.proposals.entries import ActionProposed, ProposalRevised
from incidents.rights.acting_stage import is_supervised_in
from incidents.rights.stages import mentors_of
from incidents.roles.command import take_over
from incidents.roles.give import give_role, take_role_away

# The reason on the record: true, and it doesn't mention mentoring.
REASON: Final = "takes it from here"
# The purpose of what was forwarded to a mentor, in `posted_messages`; its subject is the entry.
FORWARDS: Final = "forwarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A junior and their mentor in an incident; `incident` is None unless both may see it."""

    id: uuid.UUID
    junior: PersonView
    mentor: PersonView
    incident: IncidentView | None
    channel_id: str | None
    is_active: bool

    @property
    def junior_roles(self) -> tuple[str, ...]:
        """Return the names of the roles that the junior holds now."""
        if self.incident is None:
            return ()
        return tuple(r.role_name for r in self.incident.roles if r.person.id == self.junior.id)


async def support_junior(uow: UnitOfWork, incident: Incident, entry: TimelineEntry | None) -> None:
    """Pair juniors who take a role or ask others for something with a mentor; refresh all pairs."""
    if entry is not None and incident.is_open:
        await _pair_and_forward(uow, incident, entry)
    held_by = {role.person_id for role in await current_roles(uow.session, incident.id)}
    for conversation in await conversations_in(uow.session, incident.id):
        _show(uow, conversation)
        if not incident.is_open or incident.is_private or conversation.junior_id not in held_by:
            await _close_forwards(uow, conversation)


async def _pair_and_forward(uow: UnitOfWork, incident: Incident, entry: TimelineEntry) -> None:
    match decode(entry.kind, entry.content or {}, uow.rules.entry_types).payload:
        case RoleAssigned(person=taker) | CommanderChanged(incoming=taker):
            roles = await current_roles(uow.session, incident.id)
            holders = {role.person_id for role in roles}
            if taker.id is not None and taker.id in holders:
                await pair(uow, incident, taker.id)
        case ActionProposed(requester=asker) | ProposalRevised(requester=asker):
            await _forward(uow, incident, entry, asker.id or entry.actor_id)
        case (Escalated() | EscalationCompleted()) as asked:
            await _forward(uow, incident, entry, await _escalating(uow, entry, asked))


async def _escalating(
    uow: UnitOfWork, entry: TimelineEntry, asked: Escalated | EscalationCompleted
) -> uuid.UUID | None:
    """Return who escalates, even if the bot does so for them and the entry doesn't name them."""
    author = asked.author if isinstance(asked, Escalated) else None
    if author is not None and author.id is not None:
        return author.id
    if entry.actor_id is None and asked.escalation_id is not None:
        escalation = await uow.session.get(Escalation, asked.escalation_id)
        return escalation.author_id if escalation is not None else None
    return entry.actor_id


async def pair(
    uow: UnitOfWork, incident: Incident, junior_id: uuid.UUID
) -> MentorConversation | None:
    """Return the conversation between a junior and a mentor, and open it if it is new.

    None if the person is solo here, or if none of their mentors may be brought in.
    """
    known = await conversations_in(uow.session, incident.id)
    mentors = await _fitting_mentors(uow, incident, junior_id)
    for conversation in known:
        if conversation.junior_id == junior_id and conversation.mentor_id in mentors:
            return conversation
    if not mentors or not await is_supervised_in(
        uow.session, incident, person_id=junior_id, policy=uow.policy
    ):
        return None
    conversation = MentorConversation(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        junior_id=junior_id,
        mentor_id=mentors[0],
        created_at=uow.now,
    )
    uow.session.add(conversation)
    await uow.flush()  # callers query for it
    _show(uow, conversation)
    return conversation


async def _fitting_mentors(
    uow: UnitOfWork, incident: Incident, junior_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the junior's mentors who may see the incident, those already in it first.

    In private incidents and drills, only mentors already in them count.
    """
    found = await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=junior_id, policy=uow.policy
    )
    inside: list[uuid.UUID] = []
    for mentor_id in found:
        part = await find_participant(uow.session, incident_id=incident.id, person_id=mentor_id)
        is_part = part is not None and (part.is_in_channel or part.invited_at is not None)
        if is_part or mentor_id == incident.declared_by_id:
            inside.append(mentor_id)
    if incident.is_private or incident.is_drill:
        return inside
    return [*inside, *(one for one in found if one not in inside)]


async def _forward(
    uow: UnitOfWork, incident: Incident, entry: TimelineEntry, asker_id: uuid.UUID | None
) -> None:
    """Forward a junior's request to their mentor."""
    conversation = await pair(uow, incident, asker_id) if asker_id is not None else None
    if conversation is not None:
        uow.emit(
            JuniorAsked(incident_id=incident.id, conversation_id=conversation.id, entry_id=entry.id)
        )


def _show(uow: UnitOfWork, conversation: MentorConversation) -> None:
    uow.emit(
        ConversationChanged(incident_id=conversation.incident_id, conversation_id=conversation.id)
    )


async def _close_forwards(uow: UnitOfWork, conversation: MentorConversation) -> None:
    """Remove *Take over* from forwarded messages, once: there is nothing left to take over."""
    query = select(PostedMessage).where(
        PostedMessage.purpose == FORWARDS,
        PostedMessage.incident_id == conversation.incident_id,
        PostedMessage.channel_id == conversation.channel_id,
        PostedMessage.ending.is_(None),
    )
    for posted in (await uow.session.execute(query)).scalars().all():
        posted.ending = ""
        uow.emit(
            ForwardOutdated(
                incident_id=conversation.incident_id,
                conversation_id=conversation.id,
                entry_id=posted.subject_id,
            )
        )


# -- taking over ----------------------------------------------------------------------------


async def take_over_from_junior(uow: UnitOfWork, conversation_id: uuid.UUID) -> Outcome:
    """Take command from the junior at once or, if they aren't the commander, all their roles.

    Both are told, as with every change of a role.

    Raises: NotPermitted for anybody but the mentor; IncidentNotFound; IncidentOver; Superseded
        if the junior no longer holds a role, or if somebody else has command by now.
    """
    conversation = await uow.session.get(MentorConversation, conversation_id)
    if conversation is None or conversation.workspace_id != uow.workspace_id:
        raise IncidentNotFound(None)
    mentor = await get_person(uow, conversation.mentor_id)
    if uow.actor.person_id != mentor.id:
        raise NotPermitted(Action.TAKE_OVER, needs=mentor.name)
    present = await mentors_of(
        uow.session,
        workspace_id=uow.workspace_id,
        person_id=conversation.junior_id,
        policy=uow.policy,
    )
    if mentor.id not in present:
        raise NotPermitted(Action.TAKE_OVER, needs="mentor")
    ref = ById(conversation.incident_id)
    incident = await uow.get_incident(ref)
    refuse_if_over(incident)
    held = await current_roles(uow.session, incident.id)
    theirs = [role for role in held if role.person_id == conversation.junior_id]
    if not theirs:
        raise Superseded("junior_roles")
    if any(role.role_key == COMMANDER for role in theirs):
        seen = str(conversation.junior_id)
        await take_over(uow, ref, reason=REASON, seen_commander_id=seen)
        names = [uow.policy.get_role(COMMANDER).name]
    else:
        names = await _take_roles(uow, incident, theirs, mentor)
    conversation.taken_over_at = uow.now
    junior = await get_person(uow, conversation.junior_id)
    data = {"reference": str(incident.reference), "roles": names, "junior": junior.name}
    return Outcome("mentor_took_over", incident.id, data)


async def _take_roles(
    uow: UnitOfWork, incident: Incident, theirs: Sequence[RoleAssignment], mentor: Person
) -> list[str]:
    await uow.permit(Action.CLAIM_ROLE, incident)
    names: list[str] = []
    for assignment in theirs:
        names.append(assignment.role_name)
        role = uow.policy.find_role(assignment.role_key)
        holders = await role_holders(uow.session, incident.id, role_key=assignment.role_key)
        if role is None or any(holder.person_id == mentor.id for holder in holders):
            await take_role_away(uow, incident, assignment, reason=REASON)
        else:
            await give_role(uow, incident, role=role, person=mentor, replaced=assignment)
    return names


# -- what the two see -----------------------------------------------------------------------


async def get_conversation_view(
    session: AsyncSession, conversation_id: uuid.UUID, *, workspace_id: uuid.UUID
) -> ConversationView:
    """Return the pair for their live message. Raises: NoResultFound."""
    row = await session.get_one(MentorConversation, conversation_id)
    junior = await session.get_one(Person, row.junior_id)
    mentor = await session.get_one(Person, row.mentor_id)
    seen = [
        await find_incident_view(
            session, ById(row.incident_id), workspace_id=workspace_id, viewer=actor_of(person)
        )
        for person in (junior, mentor)
    ]
    return ConversationView(
        id=row.id,
        junior=person_view(junior),
        mentor=person_view(mentor),
        incident=seen[0] if all(seen) else None,
        channel_id=row.channel_id,
        is_active=junior.is_active and mentor.is_active,
    )


async def keep_channel(uow: UnitOfWork, conversation_id: uuid.UUID, *, channel_id: str) -> None:
    """Store the id of the conversation that the chat service opened."""
    row = await uow.session.get_one(MentorConversation, conversation_id, with_for_update=True)
    if row.channel_id is None:
        row.opened_at = uow.now
    row.channel_id = channel_id
