"""An incident's channel on the record: opened, refused, replaced, lost, archived."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Select, select

from incidents.channel.archive import record_archived, record_unarchived
from incidents.channel.channel import (
    ExistingChannel,
    record_members,
    record_opened,
    record_refused,
    use_channel,
)
from incidents.channel.life import (
    ChannelLoss,
    note_archived,
    note_bot_removed,
    note_bot_returned,
    note_deleted,
    note_new_id,
    note_renamed,
    note_unarchived,
    record_loss,
)
from incidents.channel.read_in import offer_read_in
from incidents.core.errors import AlreadySo, IncidentNotFound, InvalidInput
from incidents.core.people import Actor, PersonKind, Workspace
from incidents.engine import outbox, settling
from incidents.engine.effects import (
    AddBookmarks,
    ArchiveChannel,
    DiscardChannel,
    Effect,
    JoinChannel,
    OpenIncidentChannel,
    PostEntry,
    PostMove,
    RefreshStatusCard,
    SendReadIn,
    SetChannelTopic,
    TellPerson,
    UnarchiveChannel,
)
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.posted_messages import find_posted, save_posted
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import StatusChanged
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.learning.effects import SendShadowBrief
from incidents.learning.shadowing import ShadowTarget, start_shadowing
from incidents.lifecycle.edit import Edit, edit
from incidents.lifecycle.status import cancel, move, reopen
from incidents.people.assignable import Named
from incidents.roles.command import take_command
from tests.world import World

ROOM = ExistingChannel(id="CROOM", name="database-room", is_private=False)


async def _record(world: World, work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    async def use_case(uow: UnitOfWork) -> Outcome:
        await work(uow)
        return Outcome("recorded")

    await world.run(use_case)


async def _open(world: World, incident_id: uuid.UUID, channel_id: str = "C1") -> None:
    """Open the channel as the dispatcher does: finish the effect and record its result."""

    async def opened(uow: UnitOfWork) -> None:
        rows = (await uow.session.execute(_rows("open_incident_channel"))).scalars()
        for row in rows:
            settling.settle(row, status=EffectStatus.DONE, now=uow.now)
        await record_opened(
            uow, incident_id, channel_id=channel_id, channel_name="inc-1-errors", is_private=False
        )

    await _record(world, opened)


def _rows(kind: str) -> Select[EffectRow]:
    return select(EffectRow).where(EffectRow.kind == kind).order_by(EffectRow.position)


async def _rows_of(world: World, effect_type: type[Effect]) -> list[EffectRow]:
    async with world.database.reading() as session:
        return list((await session.execute(_rows(effect_type.kind))).scalars())


async def _carried_out(world: World, effect_type: type[Effect]) -> None:
    """Finish all effects of a type, so that new ones don't coalesce into them."""

    async def settle(uow: UnitOfWork) -> None:
        for row in (await uow.session.execute(_rows(effect_type.kind))).scalars():
            settling.settle(row, status=EffectStatus.DONE, now=uow.now)

    await _record(world, settle)


async def _declared(world: World, **details: object) -> tuple[uuid.UUID, Actor]:
    alice = await world.person("alice")
    return await world.declare("Errors", by=alice, **details), alice


async def _kinds(world: World, incident_id: uuid.UUID) -> list[str]:
    return [entry.kind for entry in await world.entries(incident_id)]


# -- opening ----------------------------------------------------------------------------------


async def test_the_declarer_hears_that_the_channel_was_refused(world: World) -> None:
    incident_id, alice = await _declared(world)
    effect_id = uuid.uuid4()
    await _record(
        world,
        partial(
            record_refused, incident_id=incident_id, error="restricted_action", effect_id=effect_id
        ),
    )
    entry = (await world.entries(incident_id))[-1]
    assert entry.kind == "channel_refused"
    assert entry.content is not None
    assert entry.content["can_use_existing"] is True
    told = await world.effects(TellPerson)
    assert [(one.person_id, one.entry_id) for one in told] == [(alice.person_id, entry.id)]


async def test_a_channel_opened_after_another_was_chosen_is_discarded(world: World) -> None:
    incident_id, alice = await _declared(world)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    await _record(
        world,
        partial(
            record_opened,
            is_private=False,
            incident_id=incident_id,
            channel_id="CLATE",
            channel_name="inc-1",
        ),
    )
    assert (await world.view(incident_id)).channel_id == "CROOM"
    assert [effect.channel_id for effect in await world.effects(DiscardChannel)] == ["CLATE"]


# -- an existing channel ------------------------------------------------------------------------


async def test_the_bot_joins_an_existing_channel_before_using_it(world: World) -> None:
    incident_id, alice = await _declared(world)
    await world.run(
        partial(edit, ref=ById(incident_id), wanted=Edit({"title": "Errors in checkout"})),
        by=alice,
    )
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)

    view = await world.view(incident_id)
    assert (view.channel_id, view.channel_name) == ("CROOM", "database-room")
    opening = (await _rows_of(world, OpenIncidentChannel))[0]
    assert opening.status == EffectStatus.DROPPED
    async with world.database.reading() as session:
        due = await outbox.claim(
            session,
            workspace_id=world.workspace_id,
            holder="test",
            now=world.clock.now(),
            limit=50,
            refreshes=50,
            kinds=[kind.kind for kind in (JoinChannel, PostEntry, RefreshStatusCard)],
        )
    assert [row.kind for row in due] == [JoinChannel.kind]
    said_before = (await _rows_of(world, PostEntry))[0]
    assert said_before.after_effect_id == due[0].id


async def test_choosing_a_channel_unblocks_what_waited_for_the_refused_one(world: World) -> None:
    incident_id, alice = await _declared(world)

    async def refuse(uow: UnitOfWork) -> None:
        row = (await uow.session.execute(_rows("open_incident_channel"))).scalar_one()
        await settling.dead_letter(uow.session, row, now=uow.now, error="restricted_action")

    await world.run(
        partial(edit, ref=ById(incident_id), wanted=Edit({"title": "Other errors"})), by=alice
    )
    await _record(world, refuse)
    assert (await _rows_of(world, PostEntry))[0].status == EffectStatus.BLOCKED
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    assert {row.status for row in await _rows_of(world, PostEntry)} == {EffectStatus.PENDING}


async def test_moving_reposts_the_card_and_says_so_in_the_old_channel(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    entry = (await world.entries(incident_id))[-1]
    assert entry.kind == "channel_linked"
    assert entry.content is not None
    assert entry.content["old_channel_id"] == "C1"
    assert [move.entry_id for move in await world.effects(PostMove)] == [entry.id]
    joining = (await _rows_of(world, JoinChannel))[0].id
    assert joining in {row.after_effect_id for row in await _rows_of(world, RefreshStatusCard)}


@pytest.mark.parametrize(
    ("channel", "problem"),
    [
        (replace(ROOM, is_archived=True), "is_archived"),
        (replace(ROOM, is_everybodys=True), "is_everybodys"),
        (replace(ROOM, id="CTAKEN"), "in_use"),
        (replace(ROOM, id="CANNOUNCE"), "is_announcements"),
    ],
)
async def test_a_channel_that_cannot_be_used_is_refused(
    world: World, channel: ExistingChannel, problem: str
) -> None:
    other, alice = await _declared(world)
    await _open(world, other, "CTAKEN")
    incident_id = await world.declare("Other", by=alice)

    async def announce(uow: UnitOfWork) -> None:
        workspace = await uow.session.get(Workspace, uow.workspace_id)
        assert workspace is not None
        workspace.announcement_channel_id = "CANNOUNCE"

    await _record(world, announce)
    with pytest.raises(InvalidInput) as refused:
        await world.run(partial(use_channel, ref=ById(incident_id), channel=channel), by=alice)
    assert (refused.value.field, refused.value.problem) == ("channel", problem)
    assert (await world.view(incident_id)).channel_id is None


@pytest.mark.parametrize(
    "channel", [ROOM, replace(ROOM, is_private=True, is_shared=True)], ids=["public", "shared"]
)
async def test_a_private_incident_refuses_a_channel_that_others_can_read(
    world: World, channel: ExistingChannel
) -> None:
    incident_id, alice = await _declared(world, is_private=True)
    with pytest.raises(InvalidInput) as refused:
        await world.run(partial(use_channel, ref=ById(incident_id), channel=channel), by=alice)
    assert refused.value.problem == "is_public"
    private = replace(channel, is_private=True, is_shared=False)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=private), by=alice)
    assert (await world.view(incident_id)).channel_id == "CROOM"


async def test_an_outsider_learns_nothing_of_a_private_incident(world: World) -> None:
    incident_id, _ = await _declared(world, is_private=True)
    mallory = await world.person("mallory")
    with pytest.raises(IncidentNotFound):
        await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=mallory)


async def test_the_policy_can_forbid_existing_channels(world: World) -> None:
    incident_id, alice = await _declared(world)
    world.change_policy(channels=replace(world.policy.channels, allow_existing=False))
    with pytest.raises(InvalidInput) as refused:
        await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    assert refused.value.problem == "not_allowed"


async def test_choosing_the_current_channel_is_refused(world: World) -> None:
    incident_id, alice = await _declared(world)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    with pytest.raises(AlreadySo):
        await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)


async def test_members_of_an_existing_channel_see_its_private_incident(world: World) -> None:
    incident_id, alice = await _declared(world, is_private=True)
    bob = await world.person("bob")
    private = replace(ROOM, is_private=True)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=private), by=alice)
    with pytest.raises(IncidentNotFound):
        await world.view(incident_id, viewer=bob)
    await _record(
        world,
        partial(
            record_members,
            incident_id=incident_id,
            channel_id="CROOM",
            members=["UALICE", "UBOB", "UNEW"],
        ),
    )
    assert (await world.view(incident_id, viewer=bob)).id == incident_id


# -- archiving and reopening --------------------------------------------------------------------


async def _cancelled(world: World) -> tuple[uuid.UUID, Actor]:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    return incident_id, alice


async def _archive_reminders(world: World) -> int:
    kinds = [reminder.kind for reminder in await world.pending_reminders()]
    return kinds.count(ReminderKind.CHANNEL_ARCHIVE)


async def test_a_channel_is_archived_some_time_after_the_incident_is_over(world: World) -> None:
    incident_id, _ = await _cancelled(world)
    world.clock.advance(timedelta(days=29, hours=23))
    await world.tick()
    assert await world.effects(ArchiveChannel) == []
    world.clock.advance(timedelta(hours=2))
    await world.tick()
    assert len(await world.effects(ArchiveChannel)) == 1
    row = (await _rows_of(world, ArchiveChannel))[0]
    card = (await _rows_of(world, RefreshStatusCard))[-1]
    assert row.after_effect_id == card.id

    await _record(world, partial(record_archived, incident_id=incident_id, channel_id="C1"))
    assert (await world.view(incident_id)).is_channel_archived
    assert (await world.entries(incident_id))[-1].kind == "channel_archived"


async def test_the_policy_can_keep_channels(world: World) -> None:
    world.change_policy(channels=replace(world.policy.channels, archive_after=None))
    await _cancelled(world)
    assert await _archive_reminders(world) == 0


@pytest.mark.parametrize("archive_existing", [False, True])
async def test_an_existing_channel_is_archived_only_if_the_policy_says_so(
    world: World, *, archive_existing: bool
) -> None:
    channels = replace(world.policy.channels, archive_existing=archive_existing)
    world.change_policy(channels=channels)
    incident_id, alice = await _declared(world)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    world.clock.advance(timedelta(days=31))
    await world.tick()
    assert len(await world.effects(ArchiveChannel)) == (1 if archive_existing else 0)


async def _close(uow: UnitOfWork, incident_id: uuid.UUID) -> Outcome:
    incident = await uow.get_incident(ById(incident_id))
    return await move(uow, incident, StatusChanged(new=IncidentStatus.CLOSED))


async def test_reopening_unarchives_the_channel_before_posting(world: World) -> None:
    incident_id, _ = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(_close, incident_id=incident_id))
    await _record(world, partial(record_archived, incident_id=incident_id, channel_id="C1"))
    assert await world.effects(UnarchiveChannel) == []

    await world.run(partial(reopen, ref=ById(incident_id), reason="errors are back"))
    back = (await _rows_of(world, UnarchiveChannel))[0]
    said = (await _rows_of(world, PostEntry))[-1]
    assert back.lane == said.lane
    assert back.position < said.position
    assert await _archive_reminders(world) == 0

    cards = len(await world.effects(RefreshStatusCard))
    await _carried_out(world, RefreshStatusCard)
    await _record(world, partial(record_unarchived, incident_id=incident_id, channel_id="C1"))
    assert not (await world.view(incident_id)).is_channel_archived
    assert len(await world.effects(RefreshStatusCard)) == cards + 1


async def test_reopening_during_archiving_brings_the_channel_back(world: World) -> None:
    incident_id, _ = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(_close, incident_id=incident_id))
    await world.run(partial(reopen, ref=ById(incident_id), reason="errors are back"))
    await _record(world, partial(record_archived, incident_id=incident_id, channel_id="C1"))
    assert len(await world.effects(UnarchiveChannel)) == 1


# -- what people do with the channel ------------------------------------------------------------


async def test_the_lead_hears_once_of_a_channel_archived_by_hand(world: World) -> None:
    incident_id, alice = await _declared(world)
    bob = await world.person("bob")
    await _open(world, incident_id)
    await world.run(partial(note_archived, channel_id="C1"), by=bob)
    await world.run(partial(note_archived, channel_id="C1"), by=bob)
    kinds = await _kinds(world, incident_id)
    assert kinds.count("channel_archived") == 1
    assert [one.person_id for one in await world.effects(TellPerson)] == [alice.person_id]
    assert await world.effects(UnarchiveChannel) == []

    await world.run(partial(note_unarchived, channel_id="C1"), by=bob)
    assert not (await world.view(incident_id)).is_channel_archived
    assert (await _kinds(world, incident_id))[-1] == "channel_unarchived"


async def test_the_person_who_archived_the_channel_is_not_told(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(note_archived, channel_id="C1"), by=alice)
    assert await world.effects(TellPerson) == []


async def test_a_new_name_of_the_channel_is_recorded(world: World) -> None:
    incident_id, _ = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(note_renamed, channel_id="C1", name="checkout-war"))
    await world.run(partial(note_renamed, channel_id="C1", name="checkout-war"))
    entries = [e for e in await world.entries(incident_id) if e.kind == "channel_renamed"]
    assert [entry.content for entry in entries] == [
        {"channel_id": "C1", "old": "inc-1-errors", "new": "checkout-war"}
    ]
    assert (await world.view(incident_id)).channel_name == "checkout-war"


async def test_a_channel_with_a_new_id_stays_with_its_incident(world: World) -> None:
    incident_id, _ = await _declared(world)
    await _open(world, incident_id)

    async def remember_card(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=incident_id,
            purpose="status_card",
            subject_id=incident_id,
            channel_id="C1",
            message_ts="1.1",
            now=uow.now,
        )

    await _record(world, remember_card)
    await world.run(partial(note_new_id, old_id="C1", new_id="C2"))
    await world.run(partial(note_new_id, old_id="CELSE", new_id="CELSE2"))
    assert (await world.view(incident_id)).channel_id == "C2"
    assert (await _kinds(world, incident_id))[-1] == "channel_id_changed"
    async with world.database.reading() as session:
        card = await find_posted(session, purpose="status_card", subject_id=incident_id)
    assert card is not None
    assert card.channel_id == "C2"


async def test_an_incident_whose_channel_was_deleted_can_have_another(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(note_deleted, channel_id="C1"))
    assert (await world.view(incident_id)).channel_id is None
    assert [one.person_id for one in await world.effects(TellPerson)] == [alice.person_id]
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    assert (await world.view(incident_id)).channel_id == "CROOM"


async def test_removing_the_bot_and_its_return_are_recorded_once_each(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(note_bot_returned, channel_id="C1"))  # the bot's first join
    for _ in range(2):
        await world.run(partial(note_bot_removed, channel_id="C1"))
    assert [one.person_id for one in await world.effects(TellPerson)] == [alice.person_id]
    for _ in range(2):
        await world.run(partial(note_bot_returned, channel_id="C1"))
    kinds = await _kinds(world, incident_id)
    assert kinds.count("bot_removed") == 1
    assert kinds.count("bot_returned") == 1


async def test_a_refusal_from_the_old_channel_leaves_the_new_one_alone(
    world: World,
) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(use_channel, ref=ById(incident_id), channel=ROOM), by=alice)
    lost = partial(record_loss, incident_id=incident_id, channel_id="C1", loss=ChannelLoss.ARCHIVED)
    await _record(world, lost)
    assert not (await world.view(incident_id)).is_channel_archived


async def test_editing_services_renews_bookmarks_but_not_the_topic(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    bookmarks, topics = len(await world.effects(AddBookmarks)), await world.effects(SetChannelTopic)
    await world.run(
        partial(edit, ref=ById(incident_id), wanted=Edit({"services": ("checkout",)})), by=alice
    )
    assert len(await world.effects(AddBookmarks)) == bookmarks + 1
    assert await world.effects(SetChannelTopic) == topics


# -- reading newcomers in -----------------------------------------------------------------------


async def test_a_newcomer_is_read_in_at_most_once_an_hour(world: World) -> None:
    incident_id, _ = await _declared(world)
    await _open(world, incident_id)
    bob = await world.person("bob")
    world.clock.advance(timedelta(minutes=1))
    for _ in range(2):
        await world.run(partial(offer_read_in, channel_id="C1"), by=bob)
    assert [effect.person_id for effect in await world.effects(SendReadIn)] == [bob.person_id]
    world.clock.advance(timedelta(minutes=61))
    await world.run(partial(offer_read_in, channel_id="C1"), by=bob)
    assert len(await world.effects(SendReadIn)) == 2


async def test_a_shadow_gets_a_brief_instead_of_a_read_in(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    await world.run(partial(take_command, ref=ById(incident_id)), by=alice)
    bob = await world.person("bob")
    target = ShadowTarget(mentor=Named(alice.external_id or ""))
    await world.run(partial(start_shadowing, target=target), by=bob)
    assert len(await world.effects(SendShadowBrief)) == 1
    await world.run(partial(offer_read_in, channel_id="C1"), by=bob)
    assert await world.effects(SendReadIn) == []
    world.clock.advance(timedelta(minutes=61))
    await world.run(partial(offer_read_in, channel_id="C1"), by=bob)
    assert len(await world.effects(SendReadIn)) == 1


async def test_bots_and_people_who_join_at_once_are_not_read_in(world: World) -> None:
    incident_id, alice = await _declared(world)
    await _open(world, incident_id)
    robot = await world.person("robot", kind=PersonKind.BOT)
    await world.run(partial(offer_read_in, channel_id="C1"), by=alice)
    await world.run(partial(offer_read_in, channel_id="C1"), by=robot)
    assert await world.effects(SendReadIn) == []
    world.clock.advance(timedelta(minutes=5))
    await world.run(partial(offer_read_in, channel_id="C1"), by=alice)
    assert len(await world.effects(SendReadIn)) == 1


async def test_joining_a_channel_without_an_incident_does_nothing(world: World) -> None:
    bob = await world.person("bob")
    outcome = await world.run(partial(offer_read_in, channel_id="CELSE"), by=bob)
    assert outcome.kind == "no_incident"
    assert await world.effects(SendReadIn) == []
