"""Whose escalation it is: on the record where they sent it themselves, and theirs to hear of.

What the bot sends by its rules names nobody on whose behalf: that somebody was asked to join may
be because they learn, which is nobody else's business. They hear of it all the same.
"""

from incidents.assigning import PersonContent, get_person, person_content
from incidents.escalations import Escalation
from incidents.incident import Incident
from incidents.roles import find_commander
from incidents.telling import tell_entry
from incidents.timeline import EntryKind, TimelineEntry
from incidents.unit_of_work import UnitOfWork


async def author_content(uow: UnitOfWork, escalation: Escalation) -> PersonContent | None:
    """Return how entries name the author; None where the bot sent it, for whomever."""
    if escalation.author_id is None or escalation.is_automatic:
        return None
    return person_content(await get_person(uow, escalation.author_id))


async def tell_quietly(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, entry: TimelineEntry
) -> None:
    """Tell on whose behalf the bot sent it of an entry that doesn't name them.

    Authors that an entry names are told of it by `escalation_reactions`.
    """
    person_id = escalation.author_id
    if not escalation.is_automatic or person_id is None or person_id == uow.actor.person_id:
        return
    if entry.kind == EntryKind.ESCALATION_EXHAUSTED:
        commander = await find_commander(uow.session, incident.id)
        if commander is not None and commander.person_id == person_id:
            return  # as the commander they are told of this one anyway
    await tell_entry(uow, incident, entry, [person_id])
