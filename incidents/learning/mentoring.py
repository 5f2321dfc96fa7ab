"""A mentor beside a junior who leads or responds: paired once, told everything asked, a tap away.

The pair is nobody else's business: on the timeline there is only what happens to the incident,
which for a mentor who takes over is an ordinary change of command.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import IncidentNotFound, NotPermitted, Superseded
from incidents.core.ids import derived_id, new_id
from incidents.core.people import Person, actor_of
from incidents.engine.effects import Effect
from incidents.engine.outbox import Planned
from incidents.engine.posted_messages import PostedMessage
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.tables import Escalation
from incidents.incident.incident import ById, Incident, find_participant
from incidents.incident.roles import RoleAssignment, current_roles, role_holders
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.incident.views import IncidentView, PersonView, find_incident_view, person_view
from incidents.learning.effects import ForwardToMentor, ShowMentorConversation
from incidents.learning.entries import ASKING, TAKING_ROLES
from incidents.learning.tables import MentorConversation, conversations_in
from incidents.people.assignable import get_person, refuse_if_over
from incidents.policy.policy import COMMANDER, Action
from incidents.rights.acting_stage import is_supervised_in
from incidents.rights.stages import mentors_of
from incidents.roles.command import take_over
from incidents.roles.give import give_role, take_role_away

# Given on the record as the reason: true, and no business of the record's beyond that.
REASON: Final = "takes it from here"
# The purpose of what was forwarded to a mentor, in `posted_messages`; its subject is the entry.
FORWARDS: Final = "forwarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A junior and their mentor in an incident; `incident` is None once one may not see it."""

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
    """Pair whoever took a role or asks others below solo with a mentor; keep what they see current."""
    if entry is not None and incident.is_open:
        await _pair_and_forward(uow, incident, entry)
    held_by = {role.person_id for role in await current_roles(uow.session, incident.id)}
    for conversation in await conversations_in(uow.session, incident.id):
        await _show(uow, conversation)
        if not incident.is_open or incident.is_private or conversation.junior_id not in held_by:
            await _close_forwards(uow, conversation)


async def _pair_and_forward(uow: UnitOfWork, incident: Incident, entry: TimelineEntry) -> None:
    kind = EntryKind(entry.kind)
    if kind in TAKING_ROLES:
        content = entry.content or {}
        taken = content.get("person") or content.get("to") or {}
        roles = await current_roles(uow.session, incident.id)
        if taken.get("id") in {str(role.person_id) for role in roles}:
            await pair(uow, incident, uuid.UUID(taken["id"]))
    elif kind in ASKING:
        junior_id = await _asker(uow, entry)
        if junior_id is None:
            return
        conversation = await pair(uow, incident, junior_id)
        if conversation is not None:
            await _forward(uow, conversation, entry)


async def _asker(uow: UnitOfWork, entry: TimelineEntry) -> uuid.UUID | None:
    """Return who asks, also where the bot does it on their behalf: then no entry names them."""
    content = entry.content or {}
    named = content.get("author") or content.get("requester") or {}
    if named.get("id"):
        return uuid.UUID(named["id"])
    if entry.actor_id is None and content.get("escalation_id"):
        escalation = await uow.session.get(Escalation, uuid.UUID(content["escalation_id"]))
        return escalation.author_id if escalation is not None else None
    return entry.actor_id


async def pair(
    uow: UnitOfWork, incident: Incident, junior_id: uuid.UUID
) -> MentorConversation | None:
    """Return the conversation of somebody below solo with a mentor, opened if it is new.

    None for who is solo here, and where no mentor of theirs may see the incident.
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
    await uow.flush()
    await _show(uow, conversation)
    return conversation


async def _fitting_mentors(
    uow: UnitOfWork, incident: Incident, junior_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the junior's mentors who may know, those who are in the incident's channel first.

    A private incident brings nobody in, and a drill calls nobody outside it.
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


async def _forward(uow: UnitOfWork, conversation: MentorConversation, entry: TimelineEntry) -> None:
    effect = ForwardToMentor(
        incident_id=conversation.incident_id, conversation_id=conversation.id, entry_id=entry.id
    )
    effect_id = derived_id(entry.id, f"{effect.kind}:{conversation.id}")
    await uow.add_effects([_in_lane(conversation, effect, effect_id=effect_id)])


async def _close_forwards(uow: UnitOfWork, conversation: MentorConversation) -> None:
    """Plan, once, that what was forwarded loses *Take over*: there is nothing to take over."""
    query = select(PostedMessage).where(
        PostedMessage.purpose == FORWARDS,
        PostedMessage.incident_id == conversation.incident_id,
        PostedMessage.channel_id == conversation.channel_id,
        PostedMessage.ending.is_(None),
    )
    for standing in (await uow.session.execute(query)).scalars().all():
        standing.ending = ""
        effect = ForwardToMentor(
            incident_id=conversation.incident_id,
            conversation_id=conversation.id,
            entry_id=standing.subject_id,
        )
        await uow.add_effects([_in_lane(conversation, effect, effect_id=new_id())])


async def _show(uow: UnitOfWork, conversation: MentorConversation) -> None:
    effect = ShowMentorConversation(
        incident_id=conversation.incident_id, conversation_id=conversation.id
    )
    planned = _in_lane(
        conversation, effect, effect_id=new_id(), once=f"{effect.kind}:{conversation.id}"
    )
    await uow.add_effects([planned])


def _in_lane(
    conversation: MentorConversation,
    effect: Effect,
    *,
    effect_id: uuid.UUID,
    once: str | None = None,
) -> Planned:
    # One lane, so that the conversation is open before anything is forwarded to it.
    lane = f"{conversation.incident_id}:mentor:{conversation.id}"
    return Planned(id=effect_id, effect=effect, lane=lane, coalesce_key=once)


# -- taking over ----------------------------------------------------------------------------


async def take_over_from_junior(uow: UnitOfWork, conversation_id: uuid.UUID) -> Outcome:
    """Take command from the junior at once, or, if they don't command, the roles they hold.

    Both are told, as with every change of a role.

    Raises: NotPermitted for others than the mentor; IncidentNotFound; IncidentOver; Superseded
        when the junior holds nothing any more, or somebody else has command by now.
    """
    conversation = await uow.session.get(MentorConversation, conversation_id)
    if conversation is None or conversation.workspace_id != uow.workspace_id:
        raise IncidentNotFound(None)
    if uow.actor.person_id != conversation.mentor_id:
        mentor = await get_person(uow, conversation.mentor_id)
        raise NotPermitted(Action.TAKE_OVER, needs=mentor.name)
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
        names = await _take_roles(uow, incident, theirs)
    conversation.taken_over_at = uow.now
    junior = await get_person(uow, conversation.junior_id)
    data = {"reference": str(incident.reference), "roles": names, "junior": junior.name}
    return Outcome("mentor_took_over", incident.id, data)


async def _take_roles(
    uow: UnitOfWork, incident: Incident, theirs: Sequence[RoleAssignment]
) -> list[str]:
    await uow.permit(Action.CLAIM_ROLE, incident)
    mentor = await get_person(uow, _own_id(uow))
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


def _own_id(uow: UnitOfWork) -> uuid.UUID:
    if uow.actor.person_id is None:
        raise NotPermitted(Action.TAKE_OVER, needs="member")
    return uow.actor.person_id


# -- what the two see -----------------------------------------------------------------------


async def get_conversation_view(
    session: AsyncSession, conversation_id: uuid.UUID, *, workspace_id: uuid.UUID
) -> ConversationView:
    """Return the pair as their message shows it. Raises: NoResultFound."""
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
    """Keep where the chat service opened the conversation."""
    row = await uow.session.get_one(MentorConversation, conversation_id, with_for_update=True)
    if row.channel_id is None:
        row.opened_at = uow.now
    row.channel_id = channel_id
