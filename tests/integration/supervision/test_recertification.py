"""Recertification: a sign-off needs renewal after the policy's months; both are told once."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.core.people import Actor
from incidents.engine.reminders import ReminderKind
from incidents.rights.stages import EVERYTHING, Stage
from incidents.supervision.effects import TellRenewal
from incidents.supervision.policy_record import note_policy
from incidents.supervision.recertification import add_months
from incidents.supervision.stage_changes import SignOff, sign_off
from tests.supervision import NOTE, change, make_mentor, managed, seed, stage
from tests.world import World


@pytest.fixture(autouse=True)
def ana_is_the_manager(world: World) -> None:
    managed(world)


async def _signed_off(world: World) -> tuple[Actor, Actor]:
    jo, ana, max_ = [await world.person(name) for name in ("jo", "ana", "max")]
    await world.run(change(jo, Stage.LEAD), by=ana)
    await make_mentor(world, jo, max_, by=ana)
    await world.run(change(jo, Stage.SOLO, note=NOTE), by=max_)
    return jo, max_


async def test_a_sign_off_is_due_for_renewal_once_and_both_are_told(world: World) -> None:
    seed(world, recertify_after_months=6)
    jo, max_ = await _signed_off(world)
    world.clock.advance(add_months(world.clock.now(), 6) - world.clock.now() - timedelta(hours=1))
    await world.tick()
    assert await world.effects(TellRenewal) == []
    world.clock.advance(timedelta(hours=2))
    await world.tick()
    await world.run(note_policy)  # a start plans again, but tells nobody again
    await world.tick()
    told = await world.effects(TellRenewal)
    assert sorted(str(effect.person_id) for effect in told) == sorted(
        [str(jo.person_id), str(max_.person_id)]
    )
    assert await stage(world, jo) is Stage.SOLO


async def test_a_renewed_sign_off_is_not_asked_for_again_at_the_old_time(world: World) -> None:
    seed(world, recertify_after_months=6)
    jo, max_ = await _signed_off(world)
    world.clock.advance(timedelta(days=150))
    wanted = SignOff(person_id=jo.person_id, stage=Stage.SOLO, scope=EVERYTHING, note=NOTE)  # type: ignore[arg-type]
    await world.run(partial(sign_off, wanted=wanted), by=max_)
    world.clock.advance(timedelta(days=60))
    await world.tick()
    assert await world.effects(TellRenewal) == []
    world.clock.advance(timedelta(days=130))
    await world.tick()
    assert len(await world.effects(TellRenewal)) == 2


async def test_a_policy_with_other_months_moves_the_renewal_at_the_next_start(
    world: World,
) -> None:
    seed(world, recertify_after_months=None)
    await world.run(note_policy)
    await _signed_off(world)
    assert await world.pending_reminders() == []
    seed(world, recertify_after_months=1)
    await world.run(note_policy)
    (reminder,) = await world.pending_reminders()
    assert reminder.kind == ReminderKind.RENEWAL_DUE
    seed(world, recertify_after_months=12)
    world.clock.advance(timedelta(days=40))
    await world.tick()  # before any start under the new policy
    assert await world.effects(TellRenewal) == []
    (reminder,) = await world.pending_reminders()
    assert reminder.due_at > world.clock.now() + timedelta(days=300)


async def test_the_reminder_of_a_renewal_holds_no_details(world: World) -> None:
    await _signed_off(world)
    (reminder,) = await world.pending_reminders()
    assert (reminder.incident_id, reminder.data) == (None, {})
