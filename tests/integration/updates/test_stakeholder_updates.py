"""Updates, their reminders, snoozing and absences, on a real database."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.hash_chain import instant_text
from incidents.core.ids import new_id
from incidents.core.people import Actor, PersonKind
from incidents.engine.effects import PostEntry, RefreshAnnouncement, TellPerson
from incidents.engine.presence import beat, come_back
from incidents.engine.reminders import Reminder, ReminderKind
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.cadence import find_latest_update
from incidents.incident.incident import ById, save_participant
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.status import cancel, change_status
from incidents.policy.policy import COMMANDER, COMMUNICATIONS_LEAD, DEPUTY
from incidents.registry.rules import RULES
from incidents.storage.database import open_database
from incidents.updates.post import UpdateDraft, post_update, snooze_update
from tests.world import World

CADENCE = timedelta(minutes=30)  # of a SEV2, by the built-in policy


async def take_role(world: World, incident_id: uuid.UUID, who: Actor, role_key: str) -> None:
    async def assign(uow: UnitOfWork) -> Outcome:
        uow.session.add(
            RoleAssignment(
                id=new_id(),
                incident_id=incident_id,
                person_id=who.person_id,
                role_key=role_key,
                role_name=role_key,
                is_exclusive=True,
                started_at=uow.now,
            )
        )
        return Outcome("assigned")

    await world.run(assign)
    world.is_tampered = True  # no entry tells of this role


async def join(world: World, incident_id: uuid.UUID, who: Actor) -> None:
    async def save(uow: UnitOfWork) -> Outcome:
        assert who.person_id is not None
        await save_participant(
            uow.session, incident_id=incident_id, person_id=who.person_id, invited_at=uow.now
        )
        return Outcome("joined")

    await world.run(save)


async def update(world: World, incident_id: uuid.UUID, by: Actor, **draft: object) -> Outcome:
    made = UpdateDraft(**draft)  # type: ignore[arg-type]
    return await world.run(partial(post_update, ref=ById(incident_id), draft=made), by=by)


async def snooze(world: World, incident_id: uuid.UUID, by: Actor, **how: object) -> Outcome:
    settings: dict[str, Any] = {"delay": timedelta(minutes=15), **how}
    return await world.run(partial(snooze_update, ref=ById(incident_id), **settings), by=by)


async def advance(world: World, duration: timedelta) -> None:
    """Let time pass minute by minute, as the running scheduler does."""
    for _ in range(int(duration / timedelta(minutes=1))):
        world.clock.advance(timedelta(minutes=1))
        await world.run(beat)
        await world.tick()


async def entries_of(world: World, incident_id: uuid.UUID, *kinds: str) -> list[TimelineEntry]:
    return [entry for entry in await world.entries(incident_id) if entry.kind in kinds]


async def reminder_of(world: World, kind: ReminderKind) -> Reminder | None:
    pending = await world.pending_reminders()
    return next((reminder for reminder in pending if reminder.kind == kind), None)


async def steps(world: World, incident_id: uuid.UUID) -> list[str]:
    """Return the steps of the ladder that were recorded, in order."""
    kinds = ("update_reminded", "update_missed")
    found = await entries_of(world, incident_id, *kinds)
    return [(entry.content or {}).get("step", "missed") for entry in found]


async def test_an_update_is_posted_shown_and_restarts_the_clock(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    world.clock.advance(timedelta(minutes=10))
    before = len(await world.effects(RefreshAnnouncement))
    await update(world, incident_id, alice, text="We are rolling back", impact="EU checkouts")

    view = await world.view(incident_id)
    assert view.last_update_at == world.clock.now()
    assert view.next_update_due_at == world.clock.now() + CADENCE
    assert view.impact == "EU checkouts"
    assert view.latest_update is not None
    assert view.latest_update.headline == "We are rolling back"
    (entry,) = await entries_of(world, incident_id, "update_posted")
    assert entry.content is not None
    assert entry.content["changes"] == {"impact": {"old": "", "new": "EU checkouts"}}
    assert entry.id in {effect.entry_id for effect in await world.effects(PostEntry)}
    assert len(await world.effects(RefreshAnnouncement)) >= before
    reminder = await reminder_of(world, ReminderKind.UPDATE_DUE)
    assert reminder is not None
    assert reminder.due_at == world.clock.now() + CADENCE


async def test_next_sets_the_time_of_the_next_update(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Slow search", by=alice, severity_key="sev4")
    assert (await world.view(incident_id)).next_update_due_at is None
    await update(world, incident_id, alice, text="Looking", next_in=timedelta(minutes=20))
    await advance(world, timedelta(minutes=20))
    assert await steps(world, incident_id) == ["due"]
    with pytest.raises(InvalidInput):
        await update(world, incident_id, alice, text="Looking", next_in=timedelta(seconds=5))


async def test_the_status_given_with_an_update_changes_in_the_same_transaction(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await update(world, incident_id, alice, text="Rolled back", status=IncidentStatus.MITIGATED)
    kinds = [entry.kind for entry in await world.entries(incident_id)]
    assert kinds == ["declared", "status_changed", "update_posted"]
    view = await world.view(incident_id)
    assert view.status is IncidentStatus.MITIGATED
    assert view.next_update_due_at == world.clock.now() + 2 * CADENCE


async def test_updates_are_numbered_and_the_newest_is_found(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    for number, text in enumerate(("one", "two", "three"), start=1):
        await update(world, incident_id, alice, text=text)
        async with world.database.reading() as session:
            newest = await find_latest_update(session, incident_id)
        assert newest is not None
        assert (newest.number, newest.text) == (number, text)


async def test_updates_that_are_empty_by_guests_or_after_the_end_are_refused(
    world: World,
) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput):
        await update(world, incident_id, alice, text="  ")
    await take_role(world, incident_id, guest, COMMANDER)
    await join(world, incident_id, guest)
    with pytest.raises(NotPermitted):
        await update(world, incident_id, guest, text="hello")
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    with pytest.raises(AlreadySo):
        await update(world, incident_id, alice, text="hello")
    assert await entries_of(world, incident_id, "update_posted") == []


async def test_the_ladder_asks_the_lead_then_tells_command_then_records_the_miss(
    world: World,
) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await take_role(world, incident_id, alice, COMMANDER)
    await take_role(world, incident_id, bob, DEPUTY)
    await take_role(world, incident_id, carol, COMMUNICATIONS_LEAD)

    await advance(world, timedelta(minutes=30))
    assert await steps(world, incident_id) == ["due"]
    (due,) = await entries_of(world, incident_id, "update_reminded")
    assert due.content is not None
    assert [person["name"] for person in due.content["to"]] == ["carol"]
    assert due.id in {effect.entry_id for effect in await world.effects(PostEntry)}

    await advance(world, timedelta(minutes=15))
    assert await steps(world, incident_id) == ["due", "late"]
    told = {effect.person_id for effect in await world.effects(TellPerson)}
    assert told == {alice.person_id, bob.person_id}

    await advance(world, timedelta(minutes=15))
    assert await steps(world, incident_id) == ["due", "late", "missed"]
    (missed,) = await entries_of(world, incident_id, "update_missed")
    assert missed.content is not None
    assert missed.content["is_bots"] is False
    assert missed.id in {effect.entry_id for effect in await world.effects(PostEntry)}


async def test_after_two_misses_further_ones_are_only_recorded(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(hours=3))
    missed = await entries_of(world, incident_id, "update_missed")
    assert len(missed) == 5
    posted = {effect.entry_id for effect in await world.effects(PostEntry)}
    assert [entry.id in posted for entry in missed] == [True, True, False, False, False]


async def test_without_a_commander_only_the_channel_is_asked(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await world.gather(incident_id, alice)
    await advance(world, timedelta(minutes=50))
    assert await steps(world, incident_id) == ["due"]
    assert await world.effects(TellPerson) == []


async def test_an_update_ends_the_ladder_and_a_resolved_incident_has_none(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(minutes=40))
    await update(world, incident_id, alice, text="Still looking")
    await advance(world, timedelta(minutes=29))
    assert await steps(world, incident_id) == ["due"]
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    await advance(world, timedelta(hours=2))
    assert await steps(world, incident_id) == ["due"]
    assert await reminder_of(world, ReminderKind.UPDATE_DUE) is None


async def test_a_change_of_status_repeats_no_reminder(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(minutes=32))
    to_identified = partial(change_status, ref=ById(incident_id), target=IncidentStatus.IDENTIFIED)
    await world.run(to_identified, by=alice)
    await advance(world, timedelta(minutes=10))
    assert await steps(world, incident_id) == ["due"]


async def test_a_reminder_can_be_snoozed_once(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(minutes=30))
    shown = (await world.view(incident_id)).next_update_due_at
    assert shown is not None
    await snooze(world, incident_id, alice, due_at=instant_text(shown), reason="rolling back")
    assert (await world.view(incident_id)).next_update_due_at == world.clock.now() + timedelta(
        minutes=15
    )
    with pytest.raises(AlreadySo):
        await snooze(world, incident_id, alice)
    await advance(world, timedelta(minutes=14))
    assert await steps(world, incident_id) == ["due"]
    await advance(world, timedelta(minutes=1))
    assert await steps(world, incident_id) == ["due", "due"]
    await update(world, incident_id, alice, text="Rolled back")
    await snooze(world, incident_id, alice)
    assert len(await entries_of(world, incident_id, "update_snoozed")) == 2


async def test_an_old_snooze_button_does_nothing_after_an_update(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    old = (await world.view(incident_id)).next_update_due_at
    assert old is not None
    await advance(world, timedelta(minutes=31))
    await update(world, incident_id, alice, text="Rolled back")
    with pytest.raises(Superseded):
        await snooze(world, incident_id, alice, due_at=instant_text(old))
    with pytest.raises(InvalidInput):
        await snooze(world, incident_id, alice, delay=timedelta(days=2))


async def test_after_an_absence_only_the_highest_step_is_sent_and_misses_are_the_bots(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await world.run(come_back)
    world.clock.advance(timedelta(hours=5))
    await world.run(come_back)
    await world.tick()
    await world.tick()
    assert await steps(world, incident_id) == ["missed"]
    (missed,) = await entries_of(world, incident_id, "update_missed")
    assert missed.content is not None
    assert (missed.content["is_bots"], missed.content["is_quiet"]) == (True, False)
    assert missed.content["count"] == 9


async def test_a_quick_restart_is_no_absence(world: World) -> None:
    await world.run(come_back)
    world.clock.advance(timedelta(seconds=50))
    outcome = await world.run(come_back)
    assert outcome.data["away_seconds"] == 50
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(minutes=60))
    (missed,) = await entries_of(world, incident_id, "update_missed")
    assert missed.content is not None
    assert missed.content["is_bots"] is False


async def test_reminders_continue_after_a_restart(world: World, database_url: str) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")
    await advance(world, timedelta(minutes=30))
    await world.database.close()

    again = open_database(database_url)
    world.database = again
    world.transactions = Transactions(again, clock=world.clock, policy=world.policy, rules=RULES)
    await world.run(come_back)
    await take_role(world, incident_id, alice, COMMANDER)
    await advance(world, timedelta(minutes=30))
    found = await steps(world, incident_id)
    await again.close()
    assert found == ["due", "late", "missed"]
