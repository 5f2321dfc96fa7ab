"""Redaction in two steps: hide at once and reversibly, destroy later and by somebody else."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import event, func, select

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted
from incidents.core.people import Actor, PeopleGroup, Person, PersonKind
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import ById
from incidents.lifecycle.edit import Edit, edit
from incidents.people.assignable import Named
from incidents.policy.policy import Action, Right, Rights
from incidents.policy.references import Grantee, GroupRef, PersonRef, RoleRef, Standing
from incidents.policy.supervision import Stage, StageSeed
from incidents.record.audit_log import AuditKind
from incidents.record.entries import Redacted
from incidents.record.hiding import (
    HiddenWords,
    destroy_entry,
    hide_entry,
    redact_entry,
    reveal_entry,
)
from incidents.record.notes import add_note
from incidents.record.timeline_view import items_of
from incidents.registry.entries import ENTRY_TYPES
from incidents.roles.assign import assign_role
from tests.supervision import log, seed
from tests.world import World

SECRET = "the password is hunter2 for everybody"


def hide(incident_id: uuid.UUID, entry_id: uuid.UUID, *, reason: str = "a password") -> UseCase:
    return partial(hide_entry, ref=ById(incident_id), entry_id=entry_id, reason=reason)


def destroy(incident_id: uuid.UUID, entry_id: uuid.UUID) -> UseCase:
    return partial(destroy_entry, ref=ById(incident_id), entry_id=entry_id, reason="a password")


async def note(world: World, incident_id: uuid.UUID, *, by: Actor, text: str = SECRET) -> uuid.UUID:
    added = await world.run(partial(add_note, ref=ById(incident_id), text=text), by=by)
    return uuid.UUID(added.data["entry_id"])


async def in_command(
    world: World, *, of: str = "Checkout errors"
) -> tuple[uuid.UUID, Actor, Actor]:
    """Return an incident, its commander, and its declarer, who is a responder."""
    cleo, dana = await world.person("cleo"), await world.person("dana")
    incident_id = await world.declare(of, by=dana)
    for person, role in ((cleo, "commander"), (dana, "scribe")):
        give = partial(
            assign_role,
            ref=ById(incident_id),
            role=role,
            person=Named(person.external_id or ""),
        )
        await world.run(give, by=person)
    return incident_id, cleo, dana


async def shown(world: World, incident_id: uuid.UUID) -> str:
    items = items_of(await world.entries(incident_id), entry_types=ENTRY_TYPES)
    return "\n".join(str(item.told) for item in items)


async def kept(world: World) -> int:
    async with world.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(HiddenWords)) or 0


async def test_hidden_words_are_gone_everywhere_and_come_back_when_revealed(world: World) -> None:
    incident_id, _, dana = await in_command(world, of=SECRET)
    eve = await world.person("eve")
    declared = next(one for one in await world.entries(incident_id) if one.kind == "declared")
    # Eve is no responder, but a senior: one entitled person is enough.
    seed(world, stages=(StageSeed(person=PersonRef(user_id="UEVE"), stage=Stage.SOLO),))
    hidden = await world.run(hide(incident_id, declared.id), by=eve)
    assert hidden.kind == "hidden"
    assert SECRET not in (await world.view(incident_id)).title
    assert SECRET not in await shown(world, incident_id)
    with pytest.raises(AlreadySo):
        await world.run(hide(incident_id, declared.id), by=eve)
    reveal = partial(reveal_entry, ref=ById(incident_id), entry_id=declared.id)
    await world.run(reveal, by=eve)
    assert (await world.view(incident_id)).title == SECRET
    assert SECRET in await shown(world, incident_id)
    assert await kept(world) == 0
    # And again: hiding after revealing is a hiding.
    await world.run(hide(incident_id, declared.id), by=eve)
    assert SECRET not in await shown(world, incident_id)
    assert dana.person_id is not None


async def test_what_somebody_wrote_meanwhile_stays_when_words_are_revealed(world: World) -> None:
    incident_id, cleo, _ = await in_command(world, of=SECRET)
    declared = next(one for one in await world.entries(incident_id) if one.kind == "declared")
    await world.run(hide(incident_id, declared.id), by=cleo)
    wanted = Edit({"title": "Checkout errors"})
    await world.run(partial(edit, ref=ById(incident_id), wanted=wanted), by=cleo)
    await world.run(partial(reveal_entry, ref=ById(incident_id), entry_id=declared.id), by=cleo)
    assert (await world.view(incident_id)).title == "Checkout errors"


async def test_hiding_needs_a_reason_and_a_right(world: World) -> None:
    incident_id, cleo, dana = await in_command(world)
    guest = await world.person("gus")
    entry_id = await note(world, incident_id, by=dana)
    with pytest.raises(InvalidInput, match="reason"):
        await world.run(hide(incident_id, entry_id, reason=" "), by=cleo)
    rights = world.policy.rights
    none = tuple(
        replace(one, who=()) if one.action == "hide_entry" else one for one in rights.actions
    )
    world.change_policy(rights=replace(rights, actions=none))
    with pytest.raises(NotPermitted):
        await world.run(hide(incident_id, entry_id), by=guest)
    # Everybody hides their own note.
    assert (await world.run(hide(incident_id, entry_id), by=dana)).kind == "hidden"


async def test_nobody_hides_or_destroys_what_is_about_themselves(world: World) -> None:
    incident_id, cleo, dana = await in_command(world)
    entries = await world.entries(incident_id)
    declared = next(one for one in entries if one.kind == "declared")
    for by, about in ((dana, declared),):
        with pytest.raises(InvalidInput, match="about you"):
            await world.run(hide(incident_id, about.id), by=by)
    await world.run(hide(incident_id, declared.id), by=cleo)
    with pytest.raises(InvalidInput, match="about you"):
        await world.run(partial(reveal_entry, ref=ById(incident_id), entry_id=declared.id), by=dana)
    with pytest.raises(NotPermitted):
        await world.run(destroy(incident_id, declared.id), by=dana)


async def test_two_people_destroy_and_then_nothing_comes_back(world: World) -> None:
    incident_id, cleo, dana = await in_command(world)
    entry_id = await note(world, incident_id, by=dana)
    with pytest.raises(InvalidInput, match="hidden first"):
        await world.run(destroy(incident_id, entry_id), by=cleo)
    await world.run(hide(incident_id, entry_id), by=dana)
    assert await kept(world) > 0
    await world.run(destroy(incident_id, entry_id), by=cleo)
    assert await kept(world) == 0
    with pytest.raises(AlreadySo):
        await world.run(partial(reveal_entry, ref=ById(incident_id), entry_id=entry_id), by=cleo)
    assert "[redacted" in await shown(world, incident_id)
    assert AuditKind.DESTROYED_ALONE not in [one.kind for one in await log(world)]


async def test_who_hid_it_destroys_it_only_where_nobody_else_may_and_that_is_loud(
    world: World,
) -> None:
    incident_id, cleo, dana = await in_command(world)
    await world.person("ana")
    entry_id = await note(world, incident_id, by=dana)
    await world.run(hide(incident_id, entry_id), by=cleo)
    manager = PersonRef(user_id="UANA")
    before = world.policy.escalation
    world.change_policy(escalation=replace(before, manager=manager))
    with pytest.raises(NotPermitted) as refused:
        await world.run(destroy(incident_id, entry_id), by=cleo)
    assert refused.value.needs == "ana"
    world.change_policy(escalation=before)
    await world.run(destroy(incident_id, entry_id), by=cleo)
    assert [one.kind for one in await log(world)] == [AuditKind.DESTROYED_ALONE]
    last = [one for one in await world.entries(incident_id) if one.kind == Redacted.kind][-1]
    said = Redacted.read(last.content)
    assert said is not None
    assert said.is_break_glass


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("grantees", "needs"),
    [
        ((RoleRef("commander"), Standing.MANAGER), None),
        ((RoleRef("commander"), GroupRef(handle="everybody")), "m0000, m0001, m0002"),
        ((Standing.PEER,), "dana, m0000, m0001"),
        ((Standing.SENIOR,), "senior"),
        ((Standing.RESPONDER,), "dana"),
    ],
)
async def test_whether_anybody_else_may_destroy_is_soon_known_among_two_thousand_people(
    world: World, grantees: tuple[Grantee, ...], needs: str | None
) -> None:
    incident_id, cleo, dana = await in_command(world)
    entry_id = await note(world, incident_id, by=dana)
    await world.run(hide(incident_id, entry_id), by=cleo)
    await employ(world, 2_000)
    rights = world.policy.rights
    others = tuple(one for one in rights.actions if one.action != Action.REDACT_ENTRY)
    own = Right(action=Action.REDACT_ENTRY, who=grantees)
    world.change_policy(rights=replace(rights, actions=(*others, own)))
    with counted(world) as said:
        if needs is None:
            await world.run(destroy(incident_id, entry_id), by=cleo)
        else:
            with pytest.raises(NotPermitted) as refused:
                await world.run(destroy(incident_id, entry_id), by=cleo)
            assert refused.value.needs == needs
    assert len(said) < 120, len(said)


async def employ(world: World, count: int) -> None:
    """Store so many members, and a group of all of them."""
    names = [f"m{number:04}" for number in range(count)]
    async with world.database.writing() as session:
        session.add_all(
            Person(
                workspace_id=world.workspace_id,
                external_id=f"U{name.upper()}",
                name=name,
                kind=PersonKind.MEMBER,
            )
            for name in names
        )
        group = PeopleGroup(workspace_id=world.workspace_id, external_id="SALL", handle="everybody")
        group.member_external_ids = " ".join(f"U{name.upper()}" for name in names)
        group.refreshed_at = world.clock.now()
        session.add(group)
        await session.commit()


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Collect the statements that the database gets."""
    said: list[str] = []

    def note_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = world.database.session_engine
    event.listen(engine, "before_cursor_execute", note_statement)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note_statement)


async def test_destroying_a_copy_elsewhere_leaves_nothing_to_reveal(world: World) -> None:
    incident_id, cleo, dana = await in_command(world)
    first = await note(world, incident_id, by=dana)
    await world.run(hide(incident_id, first), by=dana)
    second = await note(world, incident_id, by=dana)
    erased: Outcome = await world.run(
        partial(redact_entry, ref=ById(incident_id), entry_id=second), by=cleo
    )
    assert erased.kind == "redacted"
    await world.run(partial(reveal_entry, ref=ById(incident_id), entry_id=first), by=dana)
    assert SECRET not in await shown(world, incident_id)


async def test_a_note_with_the_same_words_hides_nothing_that_is_about_its_author(
    world: World,
) -> None:
    incident_id, cleo, dana = await in_command(world, of=SECRET)
    mine = await note(world, incident_id, by=dana)
    with pytest.raises(InvalidInput, match="same words as entry 1, which is about you"):
        await world.run(hide(incident_id, mine), by=dana)
    assert (await world.view(incident_id)).title == SECRET

    # The other way round: what somebody else hid with it, its person doesn't destroy.
    await world.run(hide(incident_id, mine), by=cleo)
    world.change_policy(rights=granted(world, "redact_entry", Standing.RESPONDER))
    with pytest.raises(InvalidInput, match="about you"):
        await world.run(destroy(incident_id, mine), by=dana)


async def test_a_bystanders_note_with_the_same_words_hides_nobody_elses(world: World) -> None:
    incident_id, _, dana = await in_command(world, of=SECRET)
    eve = await world.person("eve")
    await note(world, incident_id, by=dana, text="We roll back the checkout now")
    for text in (SECRET, "We roll back the checkout now"):
        copied = await note(world, incident_id, by=eve, text=text)
        with pytest.raises(NotPermitted):
            await world.run(hide(incident_id, copied), by=eve)
    own = await note(world, incident_id, by=eve, text="my own token is abcd-efgh")
    assert (await world.run(hide(incident_id, own), by=eve)).kind == "hidden"
    assert "We roll back the checkout now" in await shown(world, incident_id)
    assert (await world.view(incident_id)).title == SECRET


async def test_nobody_below_solo_destroys_what_their_mentor_hid(world: World) -> None:
    incident_id, cleo, dana = await in_command(world)
    entry_id = await note(world, incident_id, by=dana)
    await world.run(hide(incident_id, entry_id), by=dana)
    seed(world, stages=(StageSeed(person=PersonRef(user_id="UCLEO"), stage=Stage.LEAD),))
    for who in (None, Standing.ANYONE):
        if who is not None:
            world.change_policy(rights=granted(world, "redact_entry", who))
        with pytest.raises(NotPermitted) as refused:
            await world.run(destroy(incident_id, entry_id), by=cleo)
        assert refused.value.needs == "solo"


def granted(world: World, action: str, *who: Standing) -> Rights:
    """The policy's rights, in which these may do the action."""
    rights = world.policy.rights
    changed = tuple(
        replace(one, who=who) if one.action == action else one for one in rights.actions
    )
    return replace(rights, actions=changed)
