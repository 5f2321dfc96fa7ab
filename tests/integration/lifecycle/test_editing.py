"""Editing: a diff on the record, and two people who edit at once."""

import uuid
from functools import partial

import pytest

from incidents.core.errors import AlreadySo, EditClash, InvalidInput
from incidents.core.people import Actor
from incidents.engine.effects import SetChannelTopic
from incidents.incident.entries import FieldValue
from incidents.incident.incident import ById
from incidents.lifecycle.edit import Edit, edit, fingerprint
from tests.world import World


async def edited(
    world: World,
    incident_id: uuid.UUID,
    *,
    by: Actor,
    seen: dict[str, str] | None = None,
    **changes: FieldValue,
) -> None:
    wanted = Edit(changes=changes, seen=seen or {})
    await world.run(partial(edit, ref=ById(incident_id), wanted=wanted), by=by)


async def test_an_edit_is_an_entry_with_old_and_new_of_each_field(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, impact="Some", services=("web",))
    await edited(
        world, incident_id, by=alice, title="Checkout  down", impact="Some", services=("web", "db")
    )
    view = await world.view(incident_id)
    assert (view.title, view.services) == ("Checkout down", ("web", "db"))
    entry = (await world.entries(incident_id))[-1]
    assert entry.kind == "edited"
    assert entry.content == {
        "changes": {
            "title": {"old": "Checkout errors", "new": "Checkout down"},
            "services": {"old": ["web"], "new": ["web", "db"]},
        }
    }


async def test_an_edit_that_changes_nothing_is_refused(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(AlreadySo):
        await edited(world, incident_id, by=alice, title=" Checkout errors ", services=())
    assert len(await world.entries(incident_id)) == 1


async def test_an_empty_title_is_refused(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput) as caught:
        await edited(world, incident_id, by=alice, title=" ")
    assert caught.value.field == "title"


async def test_edits_of_different_fields_are_both_kept_and_of_the_same_field_clash(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    seen = {"title": fingerprint("Checkout errors"), "impact": fingerprint("")}
    await edited(world, incident_id, by=alice, seen=seen, impact="Half of Europe")
    await edited(world, incident_id, by=bob, seen=seen, title="Checkout down")
    with pytest.raises(EditClash) as caught:
        await edited(world, incident_id, by=bob, seen=seen, impact="Everybody")
    assert caught.value.fields == {"impact": "alice"}
    view = await world.view(incident_id)
    assert (view.title, view.impact) == ("Checkout down", "Half of Europe")


async def test_two_identical_edits_do_not_clash(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    seen = {"impact": fingerprint("")}
    await edited(world, incident_id, by=alice, seen=seen, impact="All")
    with pytest.raises(AlreadySo):
        await edited(world, incident_id, by=bob, seen=seen, impact="All")


async def test_a_new_title_makes_no_line_by_the_topic(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await edited(world, incident_id, by=alice, title="Checkout down", summary="Looking")
    assert await world.effects(SetChannelTopic) == []
