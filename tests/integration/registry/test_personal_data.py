"""A person's own export holds all that points at them, and what can be erased is erased."""

import json
import uuid
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from incidents.channel.privacy import MoveToPrivate, move_to_private
from incidents.core.errors import InvalidInput
from incidents.core.people import (
    FORMER_MEMBER,
    Actor,
    PersonFacts,
    cli_actor,
    find_person,
    save_person,
)
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Participant
from incidents.people.assignable import Named
from incidents.postmortem.action_items import add_action_item
from incidents.record.hiding import hide_entry, reveal_entry
from incidents.record.notes import add_note
from incidents.registry.personal_data import erase_person, export_person
from incidents.roles.assign import claim_role
from tests.world import World

OPERATOR = cli_actor("root")


async def exported(world: World, person: Actor, *, viewer: Actor) -> dict[str, Any]:
    assert person.external_id is not None
    async with world.database.reading() as session:
        file = await export_person(
            session,
            workspace_id=world.workspace_id,
            external_id=person.external_id,
            viewer=viewer,
        )
    return dict(json.loads(file.content))


async def _two_at_work(world: World) -> tuple[Actor, Actor, uuid.UUID]:
    alice, ben = await world.person("alice"), await world.person("ben")
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    await world.run(partial(claim_role, ref=ref, role="commander"), by=alice)
    await world.run(partial(add_note, ref=ref, text="alice's words"), by=alice)
    await world.run(partial(add_note, ref=ref, text="ben's words"), by=ben)
    item = partial(add_action_item, ref=ref, text="Tidy up", owner=Named(ben.external_id or ""))
    await world.run(item, by=alice)
    return alice, ben, incident_id


async def test_an_export_holds_what_points_at_the_person_and_no_words_of_others(
    world: World,
) -> None:
    alice, ben, _ = await _two_at_work(world)
    about = await exported(world, ben, viewer=ben)
    assert about["person"]["name"] == "ben"
    assert {"timeline_entries", "action_items", "participants"} <= set(about["tables"])
    text = json.dumps(about)
    assert "ben's words" in text
    assert "alice's words" not in text
    assert [(one["incident"], one["kind"]) for one in about["named_in"]] == [
        ("INC-1", "action_item_added")
    ]
    assert "role_assignments" in (await exported(world, alice, viewer=alice))["tables"]


async def test_hidden_words_are_named_in_the_export_and_not_said(world: World) -> None:
    alice, ben, incident_id = await _two_at_work(world)
    ref = ById(incident_id)
    own = [one for one in await world.entries(incident_id) if one.actor_id == ben.person_id][-1]
    await world.run(partial(hide_entry, ref=ref, entry_id=own.id, reason="a name"), by=alice)
    for viewer in (ben, OPERATOR):
        about = await exported(world, ben, viewer=viewer)
        assert about["hidden"] == [{"incident": "INC-1", "entry": own.sequence, "kind": "note"}]
        assert "ben's words" not in json.dumps(about)
    await world.run(partial(reveal_entry, ref=ref, entry_id=own.id), by=alice)
    about = await exported(world, ben, viewer=ben)
    assert (about["hidden"], "ben's words" in json.dumps(about)) == ([], True)


async def test_a_person_gets_nothing_of_incidents_that_they_no_longer_see(world: World) -> None:
    alice, ben, incident_id = await _two_at_work(world)
    private = partial(move_to_private, ref=ById(incident_id), wanted=MoveToPrivate())
    await world.run(private, by=alice)

    async def leave(uow: UnitOfWork) -> Outcome:
        await uow.session.execute(
            update(Participant)
            .where(Participant.person_id == ben.person_id)
            .values(invited_at=None, is_in_channel=False)
        )
        return Outcome("left")

    await world.run(leave)
    about = json.dumps(await exported(world, ben, viewer=ben))
    assert "ben's words" not in about
    assert "INC-1" not in about
    # The operator, who answers a request in law, gets it.
    assert "ben's words" in json.dumps(await exported(world, ben, viewer=OPERATOR))


async def test_who_has_left_is_erased_and_the_directory_does_not_bring_them_back(
    world: World,
) -> None:
    _, ben, incident_id = await _two_at_work(world)
    erase = partial(erase_person, external_id=ben.external_id or "")
    with pytest.raises(InvalidInput):
        await world.run(erase, by=OPERATOR)

    async def facts(uow: UnitOfWork, *, is_active: bool) -> Outcome:
        told = PersonFacts("UBEN", name="ben", email="ben@example.com", is_active=is_active)
        await save_person(uow.session, told, workspace_id=uow.workspace_id)
        return Outcome("saved")

    await world.run(partial(facts, is_active=False))
    await world.run(erase, by=OPERATOR)
    await world.run(partial(facts, is_active=False))
    async with world.database.reading() as session:
        found = await find_person(session, workspace_id=world.workspace_id, external_id="UBEN")
    assert found is not None
    assert (found.name, found.email, found.zone) == (FORMER_MEMBER, None, "UTC")
    # The record says who wrote what, and still proves.
    assert "ben" in {entry.actor_name for entry in await world.entries(incident_id)}
    assert await world.flaws() == set()
    # Who comes back is somebody again.
    await world.run(partial(facts, is_active=True))
    async with world.database.reading() as session:
        found = await find_person(session, workspace_id=world.workspace_id, external_id="UBEN")
    assert found is not None
    assert found.name == "ben"
