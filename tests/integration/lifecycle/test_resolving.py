"""Resolving: required fields, plausible times, one transaction; and corrected milestones."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial

import pytest

from incidents.core.errors import (
    AlreadySo,
    InformationMissing,
    InvalidInput,
    NotPermitted,
    TransitionRefused,
)
from incidents.core.people import Actor
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus, closing_blockers
from incidents.lifecycle.milestones import Moments, set_milestones
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import change_status
from tests.world import World

MINUTE = timedelta(minutes=1)


async def resolved(
    world: World, incident_id: uuid.UUID, resolution: Resolution, *, by: Actor | None = None
) -> Outcome:
    use_case = partial(resolve, ref=ById(incident_id), resolution=resolution)
    return await world.run(use_case, by=by)


async def set_to(world: World, incident_id: uuid.UUID, moments: Moments) -> Outcome:
    return await world.run(partial(set_milestones, ref=ById(incident_id), moments=moments))


async def test_resolving_says_what_is_missing_and_changes_nothing(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    with pytest.raises(InformationMissing) as caught:
        await resolved(world, incident_id, Resolution(text="Rolled back"))
    assert caught.value.fields == ("impact_started_at", "impact_ended_at")
    view = await world.view(incident_id)
    assert (view.status, view.resolution) == (IncidentStatus.TRIAGE, "")
    assert len(await world.entries(incident_id)) == 1


async def test_resolving_records_impact_and_fix_and_ends_the_reminders(world: World) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev1"
    )
    start = world.clock.now() - 20 * MINUTE
    world.clock.advance(10 * MINUTE)
    end = world.clock.now()
    resolution = Resolution(text="Rolled back", impact_started_at=start, impact_ended_at=end)
    await resolved(world, incident_id, resolution)

    view = await world.view(incident_id)
    assert (view.status, view.resolved_at) == (IncidentStatus.RESOLVED, end)
    assert (view.impact_started_at, view.impact_ended_at) == (start, end)
    assert (view.resolution, view.next_update_due_at) == ("Rolled back", None)
    entries = await world.entries(incident_id)
    moments = [entry for entry in entries if entry.kind == "milestone_set"]
    assert [entry.occurred_at for entry in moments] == [start, end]
    step = next(entry for entry in entries if entry.kind == "status_changed")
    assert (step.content or {})["resolution"] == "Rolled back"
    kinds = {reminder.kind for reminder in await world.pending_reminders()}
    assert not kinds & {ReminderKind.UPDATE_DUE, ReminderKind.COMMANDER_MISSING}


async def test_without_customer_impact_no_times_are_needed(world: World) -> None:
    incident_id = await world.declare("Practice", by=await world.person("alice"), is_drill=True)
    await resolved(world, incident_id, Resolution(text="Practised", has_customer_impact=False))
    view = await world.view(incident_id)
    assert (view.status, view.has_customer_impact) == (IncidentStatus.RESOLVED, False)
    assert (view.impact_started_at, view.impact_ended_at) == (None, None)


async def test_what_resolving_needs_depends_on_customer_impact() -> None:
    missing = closing_blockers(impact_started_at=None, impact_ended_at=None, resolution=" ")
    assert missing == ("impact_started_at", "impact_ended_at", "resolution")
    missing = closing_blockers(
        impact_started_at=None, impact_ended_at=None, resolution="", has_customer_impact=False
    )
    assert missing == ("resolution",)


@pytest.mark.parametrize(
    ("start", "end", "field", "problem"),
    [(-5, -10, "impact_ended_at", "order"), (5, 6, "impact_started_at", "future")],
)
async def test_impossible_times_of_impact_are_refused_by_field(
    world: World, start: int, end: int, field: str, problem: str
) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    now = world.clock.now()
    resolution = Resolution(
        text="x", impact_started_at=now + start * MINUTE, impact_ended_at=now + end * MINUTE
    )
    with pytest.raises(InvalidInput) as caught:
        await resolved(world, incident_id, resolution)
    assert (caught.value.field, caught.value.problem) == (field, problem)


async def test_of_two_who_resolve_at_once_one_wins_and_the_other_is_told_who(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    done = Resolution(text="Fixed", has_customer_impact=False)
    results = await asyncio.gather(
        resolved(world, incident_id, done),
        resolved(world, incident_id, done),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, TransitionRefused)]
    assert [(error.current, error.by) for error in refused] == [("resolved", "Sitrep")]
    kinds = [entry.kind for entry in await world.entries(incident_id)]
    assert kinds.count("status_changed") == 1


async def test_only_responders_resolve(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    done = Resolution(text="Fixed", has_customer_impact=False)
    with pytest.raises(NotPermitted):
        await resolved(world, incident_id, done, by=await world.person("bob"))


async def test_each_corrected_milestone_is_an_entry_with_old_and_new(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    detected = world.clock.now()
    earlier = detected - 7 * MINUTE
    await set_to(world, incident_id, {"detected_at": earlier, "impact_started_at": None})
    view = await world.view(incident_id)
    assert view.detected_at == earlier
    entry = (await world.entries(incident_id))[-1]
    content = entry.content or {}
    assert (entry.kind, entry.occurred_at) == ("milestone_set", earlier)
    assert (content["name"], content["old"][:16]) == ("detected_at", "2026-03-02T09:00")


async def test_the_same_minute_again_keeps_the_seconds_and_changes_nothing(world: World) -> None:
    world.clock.advance(timedelta(seconds=37))
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    chosen = world.clock.now().replace(second=0)
    with pytest.raises(AlreadySo):
        await set_to(world, incident_id, {"detected_at": chosen})


@pytest.mark.parametrize(
    ("moments", "field", "problem"),
    [
        ({"detected_at": None}, "detected_at", "empty"),
        ({"detected_at": 1}, "detected_at", "future"),
        ({"mitigated_at": None}, "mitigated_at", "empty"),
        ({"mitigated_at": -90}, "mitigated_at", "order"),
        ({"resolved_at": -1}, "resolved_at", "not_reached"),
        ({"impact_started_at": -5, "impact_ended_at": -6}, "impact_ended_at", "order"),
    ],
)
async def test_impossible_milestones_are_refused_by_field(
    world: World, moments: dict[str, int | None], field: str, problem: str
) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    world.clock.advance(30 * MINUTE)
    await world.run(partial(change_status, ref=ById(incident_id), target=IncidentStatus.MITIGATED))
    now = world.clock.now()
    wanted = {
        name: None if shift is None else now + shift * MINUTE for name, shift in moments.items()
    }
    with pytest.raises(InvalidInput) as caught:
        await set_to(world, incident_id, wanted)
    assert (caught.value.field, caught.value.problem) == (field, problem)
