"""Finding incidents by words: in the title, summary, services or number, page by page."""

import uuid
from dataclasses import replace
from datetime import timedelta

from incidents.browse.find import Found, find_incidents
from incidents.core.people import Actor, PersonKind
from incidents.policy.escalation import Service
from tests.world import World


async def found(world: World, words: str, viewer: Actor, **more: object) -> Found:
    """Return a page of two, which looks at five."""
    async with world.database.reading() as session:
        return await find_incidents(
            session,
            words,
            workspace_id=world.workspace_id,
            viewer=viewer,
            policy=world.policy,
            **{"size": 2, "looks_at": 5, **more},  # type: ignore[arg-type]
        )


def names(page: Found) -> list[str]:
    return [item.reference for item in page.items]


async def test_incidents_are_found_by_all_words_in_whatever_holds_them(world: World) -> None:
    world.change_policy(services=(Service(key="pay", name="Payments", tier=1),))
    alice = await world.person("alice")
    await world.declare("Checkout errors", by=alice, services=("pay",))
    world.clock.advance(timedelta(minutes=1))
    await world.declare("Search 100% slow", by=alice)
    for words, expected in (
        ("CHECKOUT", ["INC-1"]),
        ("errors payments", ["INC-1"]),
        ("errors search", []),
        ("inc-2", ["INC-2"]),
        ("#2", ["INC-2"]),
        ("100%", ["INC-2"]),
        ("e%w", []),
        ("r", ["INC-2", "INC-1"]),
    ):
        assert names(await found(world, words, alice)) == expected, words


async def test_what_somebody_may_not_see_is_not_found(world: World) -> None:
    alice, ben = await world.person("alice"), await world.person("ben")
    guest = await world.person("gus", kind=PersonKind.GUEST)
    await world.declare("Checkout leak", by=alice, is_private=True)
    assert names(await found(world, "leak", alice)) == ["INC-1"]
    for viewer in (ben, guest, replace(alice, is_active=False)):
        for words in ("leak", "INC-1", "1"):
            assert await found(world, words, viewer) == Found(())


async def test_a_long_past_is_looked_through_page_by_page(world: World) -> None:
    alice = await world.person("alice")
    for number in range(1, 13):
        world.clock.advance(timedelta(minutes=1))
        await world.declare("Disk full" if number % 4 else "Checkout errors", by=alice)
    seen: list[list[str]] = []
    place: uuid.UUID | None = None
    while True:
        page = await found(world, "disk", alice, older_than=place)
        seen.append(names(page))
        assert (page.goes_on is None) == (page.since is None)
        if page.goes_on is None:
            break
        place = page.goes_on
    assert [name for one in seen for name in one] == [
        f"INC-{number}" for number in range(11, 0, -1) if number % 4
    ]
    # A page that finds nothing in what it looked at says so, and goes on.
    nothing = await found(world, "flood", alice)
    assert (names(nothing), nothing.goes_on is not None) == ([], True)
