"""Asking for one's own progress as files: a text to read, and a form for elsewhere."""

from incidents.errors import InvalidInput
from incidents.exports.export import ExportFormat
from incidents.ids import new_id
from incidents.outbox import Planned
from incidents.people import PersonKind
from incidents.supervision_effects import UploadProgress
from incidents.unit_of_work import Outcome, UnitOfWork


async def request_progress_export(uow: UnitOfWork, *, fmt: ExportFormat) -> Outcome:
    """Have the actor's own progress sent to them; there is no way to ask for anybody else's.

    Raises: InvalidInput for guests and people of other workspaces, who have none.
    """
    actor = uow.actor
    if actor.person_id is None or actor.person_kind is not PersonKind.MEMBER:
        raise InvalidInput("person", "a_guest")
    await uow.add_effects(
        [
            Planned(
                id=new_id(),
                effect=UploadProgress(person_id=actor.person_id, format=one.value),
                lane=f"dm:{actor.person_id}",
            )
            for one in (ExportFormat.MARKDOWN, fmt)
        ]
    )
    return Outcome("progress_export_requested")
