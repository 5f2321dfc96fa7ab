"""The postmortem: drafted on resolving, written by several people, reminded of, published."""

import uuid
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from config.template_files import read_template
from incidents.core.errors import (
    AlreadySo,
    InformationMissing,
    InvalidInput,
    NotPermitted,
    Superseded,
)
from incidents.core.people import Actor, PersonKind
from incidents.engine.effects import PostEntry, TellPerson
from incidents.engine.reminders import Reminder, ReminderKind
from incidents.incident.incident import ById
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import reopen
from incidents.people.assignable import Named
from incidents.postmortem.action_items import (
    action_items_of,
    add_action_item,
    assign_action_item,
    complete_action_item,
)
from incidents.postmortem.effects import UploadPostmortem
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    PostmortemDrafted,
    PostmortemEdited,
    PostmortemReminded,
)
from incidents.postmortem.file import build_postmortem
from incidents.postmortem.postmortem import (
    PostmortemView,
    SectionEdit,
    claim_postmortem,
    find_postmortem_view,
    publish_postmortem,
    set_postmortem_owner,
    write_postmortem,
)
from incidents.registry.entries import ENTRY_TYPES
from tests.world import World


async def resolved(world: World, by: Actor, **details: object) -> uuid.UUID:
    incident_id = await world.declare("Checkout errors", by=by, **details)
    await join(world, incident_id, by)
    world.clock.advance(timedelta(minutes=40))
    await resolve_again(world, incident_id, by)
    return incident_id


async def join(world: World, incident_id: uuid.UUID, person: Actor) -> None:
    """Add somebody to the incident, so that they count as a responder."""
    from incidents.engine.unit_of_work import Outcome, UnitOfWork
    from incidents.incident.incident import Participant

    async def save(uow: UnitOfWork) -> Outcome:
        from incidents.incident.incident import save_participant

        assert person.person_id is not None
        part: Participant = await save_participant(
            uow.session, incident_id=incident_id, person_id=person.person_id
        )
        part.is_in_channel = True
        return Outcome("saved")

    await world.run(save)


async def resolve_again(world: World, incident_id: uuid.UUID, by: Actor) -> None:
    now = world.clock.now()
    resolution = Resolution(
        text="Rolled the deploy back",
        impact_started_at=now - timedelta(minutes=45),
        impact_ended_at=now,
    )
    await world.run(partial(resolve, ref=ById(incident_id), resolution=resolution), by=by)


async def newest(world: World, incident_id: uuid.UUID) -> PostmortemView:
    async with world.database.reading() as session:
        view = await find_postmortem_view(session, incident_id)
    assert view is not None
    return view


async def write(
    world: World, incident_id: uuid.UUID, by: Actor, **sections: tuple[str, int]
) -> dict[str, list[str]]:
    edits = {key: SectionEdit(text, revision) for key, (text, revision) in sections.items()}
    outcome = await world.run(partial(write_postmortem, ref=ById(incident_id), edits=edits), by=by)
    return {name: outcome.data[name] for name in ("saved", "conflicts")}


async def due_reminders(world: World) -> list[Reminder]:
    pending = await world.pending_reminders()
    return [one for one in pending if one.kind == ReminderKind.POSTMORTEM_DUE]


async def kinds(world: World, incident_id: uuid.UUID) -> list[str]:
    return [entry.kind for entry in await world.entries(incident_id)]


async def test_resolving_drafts_a_postmortem_due_in_five_business_days(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)

    view = await newest(world, incident_id)
    assert (view.version, view.owner_id, view.is_published) == (1, None, False)
    assert view.due_on == date(2026, 3, 9)  # declared on Monday, the 2nd
    assert (await kinds(world, incident_id))[-1] == PostmortemDrafted.kind
    assert len(await world.effects(UploadPostmortem)) == 1
    (reminder,) = await due_reminders(world)
    assert reminder.due_at == datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


async def test_a_drill_gets_a_draft_too_marked_as_a_drill(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice, is_drill=True)
    assert (await newest(world, incident_id)).version == 1
    assert "DRILL" in await document(world, incident_id)


async def document(world: World, incident_id: uuid.UUID, viewer: Actor | None = None) -> str:
    from incidents.core.people import system_actor

    async with world.database.reading() as session:
        file = await build_postmortem(
            session,
            ById(incident_id),
            workspace_id=world.workspace_id,
            viewer=viewer or system_actor(),
            template=read_template(world.policy.postmortem.template),
            policy=world.policy,
            entry_types=ENTRY_TYPES,
            now=world.clock.now(),
        )
    return file.content.decode()


async def test_reopening_makes_a_new_version_that_keeps_what_people_wrote(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    assert alice.person_id is not None
    await world.run(partial(claim_postmortem, ref=ById(incident_id)), by=alice)
    await write(world, incident_id, alice, lucky=("It was a quiet Monday", 0))
    await world.run(partial(reopen, ref=ById(incident_id), reason="Errors are back"), by=alice)
    assert await due_reminders(world) == []

    world.clock.advance(timedelta(days=1))
    await resolve_again(world, incident_id, alice)

    view = await newest(world, incident_id)
    written = view.find_written("lucky")
    assert (view.version, view.owner_id, view.due_on) == (2, alice.person_id, date(2026, 3, 10))
    assert written is not None
    assert written.text == "It was a quiet Monday"
    assert len(await due_reminders(world)) == 1
    assert "It was a quiet Monday" in await document(world, incident_id)


async def test_sections_written_by_two_people_are_both_kept(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    await write(world, incident_id, alice, went_well=("Fast rollback", 0), was_hard=("", 0))
    told = await write(world, incident_id, bob, went_well=("", 0), was_hard=("No graphs", 0))

    view = await newest(world, incident_id)
    assert {item.key: item.text for item in view.written} == {
        "went_well": "Fast rollback",
        "was_hard": "No graphs",
    }
    assert told == {"saved": ["was_hard"], "conflicts": ["went_well"]}


async def test_an_untouched_section_in_an_old_form_is_no_conflict(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    await write(world, incident_id, alice, went_well=("Fast rollback", 0))
    told = await write(world, incident_id, bob, went_well=("Fast rollback", 0), lucky=("No", 0))
    assert told == {"saved": ["lucky"], "conflicts": []}


async def test_the_second_writer_of_a_section_overwrites_nothing_and_is_told(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    await write(world, incident_id, alice, lucky=("First", 0))
    assert (await write(world, incident_id, bob, lucky=("Second", 0)))["conflicts"] == ["lucky"]
    assert (await write(world, incident_id, bob, lucky=("Second", 1)))["saved"] == ["lucky"]
    written = (await newest(world, incident_id)).find_written("lucky")
    assert written is not None
    assert (written.text, written.revision) == ("Second", 2)


async def test_the_record_names_the_sections_written_and_holds_no_copy_of_the_text(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    await write(world, incident_id, alice, lucky=("It was a quiet Monday", 0))
    entry = (await world.entries(incident_id))[-1]
    assert entry.kind == PostmortemEdited.kind
    assert entry.content is not None
    assert entry.content["sections"] == ["lucky"]
    assert "quiet" not in str(entry.content)


async def test_an_unknown_section_is_refused(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    with pytest.raises(InvalidInput):
        await write(world, incident_id, alice, blame=("Bob did it", 0))


async def test_the_first_to_claim_owns_it_and_the_second_is_told_who(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    claim = partial(claim_postmortem, ref=ById(incident_id))
    await world.run(claim, by=alice)
    with pytest.raises(Superseded) as refused:
        await world.run(claim, by=bob)
    assert refused.value.by == "alice"


async def test_an_owner_named_by_another_is_told_directly(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    use_case = partial(set_postmortem_owner, ref=ById(incident_id), owner=Named("UBOB"))
    await world.run(use_case, by=alice)
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [bob.person_id]


async def test_the_owner_is_reminded_the_business_day_before_and_on_the_day(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    await world.run(partial(claim_postmortem, ref=ById(incident_id)), by=alice)

    await _until(world, datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
    await _until(world, datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    await _until(world, datetime(2026, 3, 12, 9, 0, tzinfo=UTC))

    said = [
        entry for entry in await world.entries(incident_id) if entry.kind == PostmortemReminded.kind
    ]
    assert [(entry.content or {})["is_due"] for entry in said] == [False, True]
    told = await world.effects(TellPerson)
    assert {effect.entry_id for effect in told} == {entry.id for entry in said}


async def _until(world: World, moment: datetime) -> None:
    world.clock.advance(moment - world.clock.now())
    await world.tick()


async def test_an_owner_far_west_is_reminded_in_their_morning(world: World) -> None:
    alice = await world.person("alice", zone="America/Los_Angeles")
    incident_id = await resolved(world, alice)
    await world.run(partial(claim_postmortem, ref=ById(incident_id)), by=alice)
    await _until(world, datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
    (reminder,) = await due_reminders(world)
    assert reminder.due_at == datetime(2026, 3, 6, 17, 0, tzinfo=UTC)


async def test_after_the_bot_was_away_only_the_due_date_is_announced(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    await _until(world, datetime(2026, 3, 11, 12, 0, tzinfo=UTC))
    await world.tick()
    assert (await kinds(world, incident_id)).count(PostmortemReminded.kind) == 1
    assert await due_reminders(world) == []


async def test_without_an_owner_the_channel_is_reminded(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    await _until(world, datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
    entry = (await world.entries(incident_id))[-1]
    posted = {effect.entry_id for effect in await world.effects(PostEntry)}
    assert entry.kind == PostmortemReminded.kind
    assert entry.id in posted


async def test_publishing_needs_contributing_factors(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    publish = partial(publish_postmortem, ref=ById(incident_id))
    with pytest.raises(InformationMissing) as refused:
        await world.run(publish, by=alice)
    assert refused.value.fields == ("contributing_factors",)

    await write(world, incident_id, alice, contributing_factors=("A full disk", 0))
    await world.run(publish, by=alice)

    view = await newest(world, incident_id)
    assert view.published_at == world.clock.now()
    assert await due_reminders(world) == []
    assert len(await world.effects(UploadPostmortem)) == 2
    assert "DRAFT" not in await document(world, incident_id)
    with pytest.raises(AlreadySo):
        await world.run(publish, by=alice)


async def test_a_postmortem_written_elsewhere_is_published_by_its_link(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    link = "https://wiki.example.com/pm/12"
    await world.run(partial(publish_postmortem, ref=ById(incident_id), link=link), by=alice)
    assert (await newest(world, incident_id)).link == link
    assert len(await world.effects(UploadPostmortem)) == 1  # the draft's


async def test_an_open_incident_has_no_postmortem_to_write(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InformationMissing):
        await write(world, incident_id, alice, lucky=("Yes", 0))


async def test_a_guest_cannot_change_postmortem_or_action_items(world: World) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    incident_id = await resolved(world, alice)
    await join(world, incident_id, guest)
    with pytest.raises(NotPermitted):
        await world.run(partial(claim_postmortem, ref=ById(incident_id)), by=guest)
    with pytest.raises(NotPermitted):
        await world.run(partial(add_action_item, ref=ById(incident_id), text="x"), by=guest)


async def test_action_items_are_added_assigned_and_done(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await resolved(world, alice)
    ref = ById(incident_id)
    add = partial(add_action_item, ref=ref, text="Alert on disk", due_on=date(2026, 4, 1))
    await world.run(add, by=alice)
    await world.run(partial(add_action_item, ref=ref, text="Write a runbook"), by=alice)
    await world.run(partial(assign_action_item, ref=ref, number=1, owner=Named("UBOB")), by=alice)
    await world.run(partial(complete_action_item, ref=ref, number=1), by=bob)
    with pytest.raises(AlreadySo):
        await world.run(partial(complete_action_item, ref=ref, number=1), by=alice)

    async with world.database.reading() as session:
        first, second = await action_items_of(session, incident_id)
    assert (first.number, first.is_done, first.owner and first.owner.name) == (1, True, "bob")
    assert (second.number, second.is_done, second.owner) == (2, False, None)
    assert (await kinds(world, incident_id))[-4:] == [
        ActionItemAdded.kind,
        ActionItemAdded.kind,
        ActionItemAssigned.kind,
        ActionItemDone.kind,
    ]


@pytest.mark.parametrize(
    ("text", "due_on"), [("  ", None), ("x" * 1001, None), ("Fine", date(2026, 2, 20))]
)
async def test_an_action_item_without_text_or_with_a_past_date_is_refused(
    world: World, text: str, due_on: date | None
) -> None:
    alice = await world.person("alice")
    incident_id = await resolved(world, alice)
    use_case = partial(add_action_item, ref=ById(incident_id), text=text, due_on=due_on)
    with pytest.raises(InvalidInput):
        await world.run(use_case, by=alice)
