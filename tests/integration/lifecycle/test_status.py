"""Moving an incident through its lifecycle: entries, milestones, cadence and refusals."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial

import pytest

from incidents.core.errors import (
    IncidentNotFound,
    InformationMissing,
    InvalidInput,
    NotPermitted,
    TransitionRefused,
)
from incidents.core.ids import Reference
from incidents.core.people import PersonKind
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import StatusChanged
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, change_status, close, mark_duplicate, reopen
from incidents.people.assignable import Named
from incidents.roles.assign import assign_role
from tests.world import World

MINUTE = timedelta(minutes=1)


async def resolve_now(world: World, incident_id: uuid.UUID) -> None:
    resolution = Resolution(
        text="Rolled back", impact_started_at=world.clock.now(), impact_ended_at=world.clock.now()
    )
    await world.run(partial(resolve, ref=ById(incident_id), resolution=resolution))


async def test_a_status_change_is_an_entry_with_old_new_and_text(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    step = partial(
        change_status,
        ref=ById(incident_id),
        target=IncidentStatus.IDENTIFIED,
        text=" Bad deploy\r\n1.2 ",
    )
    await world.run(step, by=alice)

    entry = (await world.entries(incident_id))[-1]
    assert entry.kind == "status_changed"
    assert entry.actor_name == "alice"
    step_taken = StatusChanged(old="triage", new="identified", text="Bad deploy\n1.2")
    assert StatusChanged.read(entry.content) == step_taken
    assert (await world.view(incident_id)).status is IncidentStatus.IDENTIFIED


async def test_a_refused_step_says_what_is_possible_and_who_was_first(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    step = partial(change_status, ref=ById(incident_id), target=IncidentStatus.IDENTIFIED)
    await world.run(step, by=alice)
    with pytest.raises(TransitionRefused) as caught:
        await world.run(step, by=bob)
    assert (caught.value.current, caught.value.target) == ("identified", "identified")
    assert caught.value.possible == (
        IncidentStatus.MITIGATED,
        IncidentStatus.RESOLVED,
        IncidentStatus.CANCELLED,
    )
    assert (caught.value.by, caught.value.at) == ("alice", world.clock.now())


async def test_of_two_who_mitigate_at_once_one_wins_and_the_other_is_told_who(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    step = partial(change_status, ref=ById(incident_id), target=IncidentStatus.MITIGATED)
    results = await asyncio.gather(
        world.run(step, by=alice), world.run(step, by=bob), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, TransitionRefused)]
    entries = await world.entries(incident_id)
    assert len(refused) == 1
    assert refused[0].by == entries[-1].actor_name
    assert [entry.kind for entry in entries].count("status_changed") == 1


async def test_mitigating_doubles_the_time_from_the_last_update_to_the_next(
    world: World,
) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev2"
    )
    declared_at = world.clock.now()
    world.clock.advance(10 * MINUTE)
    await world.run(partial(change_status, ref=ById(incident_id), target=IncidentStatus.MITIGATED))

    view = await world.view(incident_id)
    assert view.mitigated_at == world.clock.now()
    assert view.next_update_due_at == declared_at + 60 * MINUTE
    due = [r.due_at for r in await world.pending_reminders() if r.kind == ReminderKind.UPDATE_DUE]
    assert due == [declared_at + 60 * MINUTE]


async def test_a_mitigation_that_slips_clears_its_time_but_stays_on_record(
    world: World,
) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev2"
    )
    mitigated_at = world.clock.now()
    await world.run(partial(change_status, ref=ById(incident_id), target=IncidentStatus.MITIGATED))
    world.clock.advance(50 * MINUTE)
    await world.run(
        partial(change_status, ref=ById(incident_id), target=IncidentStatus.INVESTIGATING)
    )

    view = await world.view(incident_id)
    assert view.mitigated_at is None
    assert view.next_update_due_at == mitigated_at + 60 * MINUTE  # sooner than 30 min from now
    content = (await world.entries(incident_id))[-1].content or {}
    assert content["milestones"]["mitigated_at"]["old"].startswith("2026-03-02T09:00:00")


async def test_a_step_that_moves_no_due_time_leaves_the_reminder_alone(world: World) -> None:
    async def update_due() -> list[uuid.UUID]:
        pending = await world.pending_reminders()
        return [one.id for one in pending if one.kind == ReminderKind.UPDATE_DUE]

    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    before = await update_due()
    await world.run(
        partial(change_status, ref=ById(incident_id), target=IncidentStatus.INVESTIGATING)
    )
    assert len(before) == 1
    assert await update_due() == before


@pytest.mark.parametrize("reason", ["", "  \n"])
async def test_cancelling_and_reopening_need_a_reason(world: World, reason: str) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    with pytest.raises(InvalidInput) as caught:
        await world.run(partial(cancel, ref=ById(incident_id), reason=reason))
    assert (caught.value.field, caught.value.problem) == ("reason", "empty")
    await resolve_now(world, incident_id)
    with pytest.raises(InvalidInput):
        await world.run(partial(reopen, ref=ById(incident_id), reason=reason))


async def test_a_cancelled_incident_has_no_reminders_and_stays_cancelled(
    world: World,
) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await world.run(partial(cancel, ref=ById(incident_id), reason="False alarm"))
    view = await world.view(incident_id)
    assert (view.status, view.cancelled_at) == (IncidentStatus.CANCELLED, world.clock.now())
    kinds = {reminder.kind for reminder in await world.pending_reminders()}
    assert not kinds & {ReminderKind.UPDATE_DUE, ReminderKind.COMMANDER_MISSING}
    with pytest.raises(TransitionRefused) as caught:
        await world.run(partial(reopen, ref=ById(incident_id), reason="Was real"))
    assert caught.value.possible == ()


async def test_only_a_resolved_incident_can_be_closed(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    with pytest.raises(TransitionRefused):
        await world.run(partial(close, ref=ById(incident_id)))
    await resolve_now(world, incident_id)
    await world.run(partial(close, ref=ById(incident_id)))
    view = await world.view(incident_id)
    assert (view.status, view.closed_at) == (IncidentStatus.CLOSED, world.clock.now())


async def test_reopening_restarts_the_cadence_and_the_clocks(world: World) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev2"
    )
    await resolve_now(world, incident_id)
    await world.run(partial(close, ref=ById(incident_id)))
    world.clock.advance(timedelta(hours=5))
    await world.run(partial(reopen, ref=ById(incident_id), reason="Errors are back"))

    view = await world.view(incident_id)
    assert view.status is IncidentStatus.INVESTIGATING
    assert (view.resolved_at, view.closed_at, view.impact_ended_at) == (None, None, None)
    assert view.resolution == ""
    assert view.next_update_due_at == world.clock.now() + 30 * MINUTE
    kinds = {reminder.kind for reminder in await world.pending_reminders()}
    assert {ReminderKind.UPDATE_DUE, ReminderKind.COMMANDER_MISSING} <= kinds
    content = (await world.entries(incident_id))[-1].content or {}
    assert (content["reason"], content["previous_resolution"]) == (
        "Errors are back",
        "Rolled back",
    )


async def test_moving_a_resolved_incident_to_investigating_is_reopening_it(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await resolve_now(world, incident_id)
    with pytest.raises(InvalidInput):
        await world.run(
            partial(change_status, ref=ById(incident_id), target=IncidentStatus.INVESTIGATING)
        )


async def test_an_open_incident_cannot_be_reopened(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    with pytest.raises(TransitionRefused) as caught:
        await world.run(partial(reopen, ref=ById(incident_id), reason="Why not"))
    assert caught.value.target == "reopened"


async def test_a_duplicate_is_cancelled_with_a_link(world: World) -> None:
    alice = await world.person("alice")
    first = await world.declare("Checkout errors", by=alice)
    second = await world.declare("Payments fail", by=alice)
    use_case = partial(mark_duplicate, ref=ById(second), original=Reference(1))
    with pytest.raises(NotPermitted):  # the same right as cancelling
        await world.run(use_case, by=await world.person("eve"))
    await world.run(use_case)
    view = await world.view(second)
    assert (view.status, view.duplicate_of_id) == (IncidentStatus.CANCELLED, first)
    content = (await world.entries(second))[-1].content or {}
    assert content["duplicate_of"] == "INC-1"


async def test_an_incident_cannot_duplicate_itself_or_its_own_duplicate(
    world: World,
) -> None:
    alice = await world.person("alice")
    ids = [await world.declare(f"Outage {number}", by=alice) for number in range(3)]
    with pytest.raises(InvalidInput) as caught:
        await world.run(partial(mark_duplicate, ref=ById(ids[0]), original=Reference(1)))
    assert caught.value.problem == "same"
    await world.run(partial(mark_duplicate, ref=ById(ids[0]), original=Reference(2)))
    await world.run(partial(mark_duplicate, ref=ById(ids[1]), original=Reference(3)))
    with pytest.raises(InvalidInput) as caught:
        await world.run(partial(mark_duplicate, ref=ById(ids[2]), original=Reference(1)))
    assert caught.value.problem == "its_duplicate"


async def test_a_private_original_is_unknown_to_others_and_never_named(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await world.declare("Leak", by=alice, is_private=True)
    public = await world.declare("Odd logins", by=alice)
    use_case = partial(mark_duplicate, ref=ById(public), original=Reference(1))
    with pytest.raises(IncidentNotFound) as hidden:
        await world.run(use_case, by=bob)
    with pytest.raises(IncidentNotFound) as unknown:
        await world.run(partial(mark_duplicate, ref=ById(public), original=Reference(77)), by=bob)
    assert (hidden.value.reference, unknown.value.reference) == ("INC-1", "INC-77")
    as_scribe = partial(assign_role, role="scribe", person=Named(alice.external_id or ""))
    await world.run(partial(as_scribe, ref=ById(public)), by=alice)
    await world.run(use_case, by=alice)
    assert "INC-1" not in str((await world.entries(public))[-1].content)


async def test_guests_change_no_status_and_only_responders_cancel(world: World) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(IncidentNotFound):
        await world.run(
            partial(change_status, ref=ById(incident_id), target=IncidentStatus.IDENTIFIED),
            by=guest,
        )
    with pytest.raises(NotPermitted):
        await world.run(
            partial(cancel, ref=ById(incident_id), reason="Noise"), by=await world.person("bob")
        )
    assert (await world.view(incident_id)).status is IncidentStatus.TRIAGE


async def test_what_was_said_of_the_impact_is_asked_again_after_reopening(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    ref = ById(incident_id)
    given = Resolution(text="A near miss", has_customer_impact=False)
    await world.run(partial(resolve, ref=ref, resolution=given))
    await world.run(partial(reopen, ref=ref, reason="Customers call"))
    with pytest.raises(InformationMissing) as missing:
        await world.run(partial(resolve, ref=ref, resolution=Resolution(text="Rolled back")))
    assert set(missing.value.fields) == {"impact_started_at", "impact_ended_at"}
    await world.run(partial(resolve, ref=ref, resolution=given))
    assert (await world.view(incident_id)).has_customer_impact is False
