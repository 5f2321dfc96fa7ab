"""People who leave the workspace lose their roles."""

import uuid
from collections.abc import Sequence

from incidents.core.people import PersonFacts, save_person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.roles.assign import end_roles_of_departed


async def save_people(uow: UnitOfWork, people: Sequence[PersonFacts]) -> Outcome:
    """Store what we now know of these people, and end the roles of those who have left."""
    gone: list[uuid.UUID] = []
    for facts in people:
        person = await save_person(
            uow.session, facts, workspace_id=uow.workspace_id, refreshed_at=uow.now
        )
        if not person.is_active:
            gone.append(person.id)
    await end_roles_of_departed(uow, gone)
    return Outcome("people_saved")
