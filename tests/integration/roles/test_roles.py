"""Roles: taken, assigned, passed on and released; never more than one commander."""

import asyncio
import uuid
from dataclasses import replace
from functools import partial

import pytest

from incidents.core.errors import (
    AlreadySo,
    IncidentNotFound,
    IncidentOver,
    InvalidInput,
    NotPermitted,
    OpensPrivate,
    Superseded,
)
from incidents.core.people import Actor, PersonFacts, PersonKind, save_person
from incidents.engine.effects import InvitePerson, TellPerson
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, save_participant
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.status import cancel
from incidents.people.assignable import Named
from incidents.roles.assign import assign_role, claim_role, release_role
from incidents.roles.command import propose_commander, take_command
from incidents.roles.departures import save_people
from incidents.roles.effects import TellRoleHolder
from tests.world import World


def named(person: Actor) -> Named:
    return Named(person.external_id or "", person.name)


async def assign(
    world: World, incident_id: uuid.UUID, role: str, person: Actor, *, by: Actor
) -> Outcome:
    use_case = partial(assign_role, ref=ById(incident_id), role=role, person=named(person))
    return await world.run(use_case, by=by)


async def kinds(world: World, incident_id: uuid.UUID) -> list[str]:
    return [entry.kind for entry in await world.entries(incident_id)]


async def last_of(world: World, incident_id: uuid.UUID, kind: str) -> TimelineEntry:
    return [entry for entry in await world.entries(incident_id) if entry.kind == kind][-1]


async def holders(world: World, incident_id: uuid.UUID, role_key: str) -> list[str]:
    view = await world.view(incident_id)
    return [person.name for person in view.holders(role_key)]


async def pending_kinds(world: World) -> set[str]:
    return {reminder.kind for reminder in await world.pending_reminders()}


async def test_taking_command_invites_explains_the_duties_and_ends_the_search(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    assert ReminderKind.COMMANDER_MISSING in await pending_kinds(world)

    outcome = await assign(world, incident_id, "IC", alice, by=alice)

    assert (outcome.kind, outcome.data["person"]) == ("assigned", "alice")
    assert await holders(world, incident_id, "commander") == ["alice"]
    assert [effect.role_key for effect in await world.effects(TellRoleHolder)] == ["commander"]
    assert alice.person_id in {effect.person_id for effect in await world.effects(InvitePerson)}
    assert ReminderKind.COMMANDER_MISSING not in await pending_kinds(world)


async def test_the_first_role_taken_acknowledges_the_incident_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    assert (await world.view(incident_id)).acknowledged_at is None

    await assign(world, incident_id, "scribe", bob, by=bob)
    first = (await world.view(incident_id)).acknowledged_at
    await assign(world, incident_id, "commander", alice, by=alice)

    assert first == world.clock.now()
    assert (await kinds(world, incident_id)).count("acknowledged") == 1


async def test_an_assignment_by_the_system_is_no_acknowledgement(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.run(partial(assign_role, ref=ById(incident_id), role="deputy", person=named(alice)))
    assert (await world.view(incident_id)).acknowledged_at is None


async def test_an_exclusive_role_passes_on_and_its_last_holder_is_told(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await assign(world, incident_id, "deputy", alice, by=alice)
    await assign(world, incident_id, "Deputy", bob, by=bob)

    assert await holders(world, incident_id, "deputy") == ["bob"]
    content = (await last_of(world, incident_id, "role_assigned")).content or {}
    assert (content["previous"]["name"], content["person"]["name"]) == ("alice", "bob")
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [alice.person_id]


async def test_a_shared_role_has_each_holder_only_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await assign(world, incident_id, "sme", alice, by=alice)
    await assign(world, incident_id, "subject matter expert", bob, by=alice)

    assert set(await holders(world, incident_id, "subject_matter_expert")) == {"alice", "bob"}
    with pytest.raises(AlreadySo):
        await assign(world, incident_id, "sme", bob, by=alice)


async def test_an_unknown_role_is_refused_with_the_existing_ones(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput) as refused:
        await assign(world, incident_id, "wizard", alice, by=alice)
    assert refused.value.field == "role"
    assert "commander" in refused.value.example


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (PersonKind.GUEST, "a_guest"),
        (PersonKind.EXTERNAL, "a_guest"),
        (PersonKind.BOT, "a_bot"),
    ],
)
@pytest.mark.parametrize("role", ["commander", "scribe"])
async def test_outsiders_get_no_role(
    world: World, kind: PersonKind, problem: str, role: str
) -> None:
    alice, visitor = await world.person("alice"), await world.person("visitor", kind=kind)
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput) as refused:
        await assign(world, incident_id, role, visitor, by=alice)
    assert (refused.value.field, refused.value.problem) == ("person", problem)


async def test_a_deactivated_person_gets_no_role(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def deactivate(uow: UnitOfWork) -> Outcome:
        facts = PersonFacts(bob.external_id or "", is_active=False)
        await save_person(uow.session, facts, workspace_id=uow.workspace_id)
        return Outcome("saved")

    await world.run(deactivate)
    with pytest.raises(InvalidInput) as refused:
        await assign(world, incident_id, "scribe", bob, by=alice)
    assert refused.value.problem == "deactivated"


async def test_a_guest_cannot_take_a_role(world: World) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    incident_id = await world.declare("Checkout errors", by=alice)
    await assign(world, incident_id, "deputy", alice, by=alice)
    with pytest.raises(IncidentNotFound):  # guests see only incidents they take part in
        await assign(world, incident_id, "scribe", guest, by=guest)

    async def join(uow: UnitOfWork) -> Outcome:
        assert guest.person_id is not None
        await save_participant(
            uow.session, incident_id=incident_id, person_id=guest.person_id, invited_at=uow.now
        )
        return Outcome("joined")

    await world.run(join)
    with pytest.raises(NotPermitted):
        await assign(world, incident_id, "scribe", guest, by=guest)


async def test_roles_of_a_cancelled_incident_stay_as_they_are(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await assign(world, incident_id, "commander", alice, by=alice)
    await world.run(partial(cancel, ref=ById(incident_id), reason="False alarm"), by=alice)

    for role in ("commander", "scribe"):
        with pytest.raises(IncidentOver):
            await assign(world, incident_id, role, bob, by=alice)
        with pytest.raises(IncidentOver):
            await world.run(partial(release_role, ref=ById(incident_id), role=role), by=alice)


async def test_releasing_ends_only_ones_own_part(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    for person in (alice, bob):
        await assign(world, incident_id, "scribe", person, by=person)

    await world.run(partial(release_role, ref=ById(incident_id), role="scribe"), by=alice)

    assert await holders(world, incident_id, "scribe") == ["bob"]
    content = (await last_of(world, incident_id, "role_ended")).content or {}
    assert content["person"]["name"] == "alice"


async def test_others_can_free_a_role_and_its_holders_are_told(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await assign(world, incident_id, "scribe", bob, by=bob)
    await world.run(partial(release_role, ref=ById(incident_id), role="scribe"), by=alice)

    assert await holders(world, incident_id, "scribe") == []
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [bob.person_id]
    with pytest.raises(AlreadySo):
        await world.run(partial(release_role, ref=ById(incident_id), role="scribe"), by=alice)


async def test_a_role_taken_meanwhile_is_not_claimed_from_under_its_holder(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.run(partial(claim_role, ref=ById(incident_id), role="deputy"), by=alice)
    with pytest.raises(Superseded) as refused:
        await world.run(partial(claim_role, ref=ById(incident_id), role="deputy"), by=bob)
    assert refused.value.by == "alice"
    assert await holders(world, incident_id, "deputy") == ["alice"]


async def test_an_assigned_person_sees_the_private_incident(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Leaked key", by=alice, is_private=True)
    with pytest.raises(OpensPrivate) as question:
        await assign(world, incident_id, "scribe", bob, by=alice)
    assert [one.name for one in question.value.now] == ["bob"]
    with pytest.raises(IncidentNotFound):
        await world.view(incident_id, viewer=bob)
    world.may_open_to = frozenset({"UBOB"})
    await assign(world, incident_id, "scribe", bob, by=alice)
    assert (await world.view(incident_id, viewer=bob)).id == incident_id


@pytest.mark.parametrize("way", ["command", "button"])
async def test_of_two_who_take_command_at_once_one_wins_and_the_other_is_told_who(
    world: World, way: str
) -> None:
    people = [await world.person(name) for name in ("alice", "bob", "carol")]
    incident_id = await world.declare("Checkout errors", by=people[0])

    async def take(person: Actor) -> str:
        ref = ById(incident_id)
        use_case = partial(propose_commander, ref=ref, person=named(person))
        if way == "button":
            use_case = partial(take_command, ref=ref)
        try:
            outcome = await world.run(use_case, by=person)
        except Superseded as refused:
            return f"lost to {refused.by}"
        return outcome.kind

    answers = await asyncio.gather(*(take(person) for person in people))

    (winner,) = await holders(world, incident_id, "commander")
    assert sorted(answers) == sorted(["assigned", *[f"lost to {winner}"] * 2])
    assert (await kinds(world, incident_id)).count("role_assigned") == 1


async def test_taking_a_role_needs_no_right_to_assign(world: World) -> None:
    rights = world.policy.rights
    actions = tuple(
        replace(right, who=()) if right.action == "assign_role" else right
        for right in rights.actions
    )
    world.change_policy(rights=replace(rights, actions=actions))
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)

    with pytest.raises(NotPermitted):
        await assign(world, incident_id, "scribe", bob, by=alice)
    await assign(world, incident_id, "scribe", bob, by=bob)
    assert await holders(world, incident_id, "scribe") == ["bob"]


async def test_leaving_the_workspace_ends_roles_and_asks_for_a_commander(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    over = await world.declare("Search is slow", by=alice)
    for one in (incident_id, over):
        await assign(world, one, "commander", bob, by=bob)
    await world.run(partial(cancel, ref=ById(over), reason="False alarm"), by=bob)
    assert ReminderKind.COMMANDER_MISSING not in await pending_kinds(world)

    gone = PersonFacts(bob.external_id or "", is_active=False)
    for _ in range(2):
        await world.run(partial(save_people, people=[gone]))

    assert await holders(world, incident_id, "commander") == []
    assert (await kinds(world, incident_id)).count("role_ended") == 1
    assert await holders(world, over, "commander") == ["bob"]  # a finished incident keeps its roles
    assert ReminderKind.COMMANDER_MISSING in await pending_kinds(world)
