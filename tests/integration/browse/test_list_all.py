"""The list of all incidents: the newest first, and from each end to the next, both ways."""

import uuid
from datetime import timedelta
from functools import partial

from incidents.browse.lists import Stretch, list_all
from incidents.core.ids import Reference, new_id
from incidents.core.people import Actor, PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ByReference, save_participant
from tests.world import World


async def listed(world: World, viewer: Actor, **where: uuid.UUID) -> Stretch:
    """Return a stretch of three."""
    async with world.database.reading() as session:
        return await list_all(
            session, workspace_id=world.workspace_id, viewer=viewer, size=3, **where
        )


def names(stretch: Stretch) -> list[str]:
    """Return the references shown."""
    return [item.reference for item in stretch.items]


async def let_in(uow: UnitOfWork, *, number: int, person: Actor) -> Outcome:
    """Make the person part of an incident."""
    incident = await uow.get_incident(ByReference(Reference(number, is_drill=False)))
    assert person.person_id is not None
    await save_participant(
        uow.session, incident_id=incident.id, person_id=person.person_id, invited_at=uow.now
    )
    return Outcome("let_in")


async def test_the_list_of_all_goes_from_the_newest_to_the_oldest_and_back(world: World) -> None:
    alice, ben = await world.person("alice"), await world.person("ben")
    guest = await world.person("gus", kind=PersonKind.GUEST)
    for number in range(1, 9):
        world.clock.advance(timedelta(minutes=1))
        await world.declare(f"Fault {number}", by=alice, is_private=number == 4)

    await world.run(partial(let_in, number=5, person=guest))

    first = await listed(world, ben)
    assert (names(first), first.has_newer, first.has_older) == (
        ["INC-8", "INC-7", "INC-6"],
        False,
        True,
    )
    second = await listed(world, ben, older_than=first.items[-1].id)
    assert (names(second), second.has_newer) == (["INC-5", "INC-3", "INC-2"], True)  # 4 is private
    last = await listed(world, ben, older_than=second.items[-1].id)
    assert (names(last), last.has_newer, last.has_older) == (["INC-1"], True, False)

    assert names(await listed(world, ben, newer_than=last.items[0].id)) == names(second)
    assert names(await listed(world, ben, newer_than=second.items[0].id)) == names(first)
    # Somebody declares meanwhile: nothing is shown twice and nothing left out.
    world.clock.advance(timedelta(minutes=1))
    await world.declare("Fault 9", by=alice)
    assert names(await listed(world, ben, older_than=first.items[-1].id)) == names(second)
    # A stretch at the newest end is full, and one from nowhere begins there.
    assert names(await listed(world, ben, newer_than=first.items[1].id))[0] == "INC-9"
    assert names(await listed(world, ben, older_than=new_id()))[0] == "INC-9"
    assert names(await listed(world, guest)) == ["INC-5"]
    assert names(await listed(world, alice, older_than=first.items[-1].id))[:2] == [
        "INC-5",
        "INC-4",
    ]


async def test_incidents_of_the_same_instant_are_all_listed_once(world: World) -> None:
    alice = await world.person("alice")
    for number in range(7):
        await world.declare(f"Fault {number}", by=alice)
    stretch, seen = await listed(world, alice), list[str]()
    while True:
        seen += names(stretch)
        if not stretch.has_older:
            break
        stretch = await listed(world, alice, older_than=stretch.items[-1].id)
    assert sorted(seen) == [f"INC-{number}" for number in range(1, 8)]
