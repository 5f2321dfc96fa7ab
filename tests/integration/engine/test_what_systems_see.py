"""Systems see what they are listed for: private incidents only where that is named."""

from dataclasses import replace

from sqlalchemy import func, select

from incidents.core.people import Actor, ActorKind, cli_actor, system_actor
from incidents.core.systems import HOUSEKEEPING, Sight, System
from incidents.incident.incident import ById, Incident, find_incident, visible_to
from tests.world import World

TOKEN = Actor(kind=ActorKind.TOKEN, name="ci")
REPORTER = replace(TOKEN, system=System("reporter", Sight.PUBLIC))


async def test_only_the_systems_named_for_it_see_private_incidents(world: World) -> None:
    alice = await world.person("alice")
    public = await world.declare("Checkout errors", by=alice)
    private = await world.declare("A leaked key", by=alice, is_private=True)

    async def seen_by(viewer: Actor) -> tuple[int, ...]:
        async with world.database.reading() as session:
            count = select(func.count()).select_from(Incident).where(visible_to(viewer))
            found = [
                await find_incident(
                    session, ById(one), workspace_id=world.workspace_id, viewer=viewer
                )
                is not None
                for one in (public, private)
            ]
            return (await session.scalar(count) or 0, *found)

    assert await seen_by(system_actor()) == (2, True, True)
    assert await seen_by(cli_actor("root")) == (2, True, True)
    assert await seen_by(REPORTER) == (1, True, False)
    assert await seen_by(system_actor(HOUSEKEEPING)) == (0, False, False)
    assert await seen_by(TOKEN) == (0, False, False)
    assert await seen_by(replace(system_actor(), system=None)) == (0, False, False)
