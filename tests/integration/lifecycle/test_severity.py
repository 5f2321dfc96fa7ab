"""Severity: old → new, the cadence of updates, who is invited, who may change it."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted
from incidents.engine.effects import InvitePolicyPeople
from incidents.engine.reminders import ReminderKind
from incidents.incident.incident import ById
from incidents.lifecycle.severity import change_severity
from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule
from tests.world import World

MINUTE = timedelta(minutes=1)


def with_invite(key: str, user_id: str) -> dict[str, object]:
    return {"call": (CallRule(severity=key, invite=(PersonRef(user_id=user_id),)),)}


async def test_a_worse_severity_brings_the_next_update_forward(world: World) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev3"
    )
    world.clock.advance(10 * MINUTE)
    await world.run(
        partial(change_severity, ref=ById(incident_id), severity_key="SEV1", reason="Payments too")
    )
    view = await world.view(incident_id)
    assert (view.severity_key, view.severity_name, view.severity_rank) == ("sev1", "SEV1", 1)
    assert view.next_update_due_at == world.clock.now() + 15 * MINUTE
    due = [r.due_at for r in await world.pending_reminders() if r.kind == ReminderKind.UPDATE_DUE]
    assert due == [view.next_update_due_at]
    content = (await world.entries(incident_id))[-1].content or {}
    assert (content["old"], content["new"], content["reason"]) == ("SEV3", "SEV1", "Payments too")


async def test_an_update_due_sooner_stays_due_then(world: World) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev2"
    )
    due_at = (await world.view(incident_id)).next_update_due_at
    world.clock.advance(25 * MINUTE)
    await world.run(partial(change_severity, ref=ById(incident_id), severity_key="sev1"))
    assert (await world.view(incident_id)).next_update_due_at == due_at


async def test_a_lesser_severity_counts_from_the_last_update_or_the_declaration(
    world: World,
) -> None:
    incident_id = await world.declare(
        "Checkout errors", by=await world.person("alice"), severity_key="sev1"
    )
    declared_at = world.clock.now()
    world.clock.advance(10 * MINUTE)
    await world.run(
        partial(change_severity, ref=ById(incident_id), severity_key="sev3", reason="Few affected")
    )
    assert (await world.view(incident_id)).next_update_due_at == declared_at + 60 * MINUTE


async def test_a_severity_without_cadence_ends_the_reminders_until_it_changes_back(
    world: World,
) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await world.run(
        partial(change_severity, ref=ById(incident_id), severity_key="sev4", reason="Few affected")
    )
    assert (await world.view(incident_id)).next_update_due_at is None
    kinds = [reminder.kind for reminder in await world.pending_reminders()]
    assert ReminderKind.UPDATE_DUE not in kinds
    world.clock.advance(90 * MINUTE)
    await world.run(
        partial(change_severity, ref=ById(incident_id), severity_key="sev3", reason="Few affected")
    )
    assert (await world.view(incident_id)).next_update_due_at == world.clock.now() + 60 * MINUTE


@pytest.mark.parametrize(
    ("details", "expected"),
    [({}, [("UBOSS",)]), ({"is_private": True}, []), ({"is_drill": True}, [])],
)
async def test_a_worse_severity_invites_people_named_in_the_policy(
    world: World, details: dict[str, bool], expected: list[tuple[str, ...]]
) -> None:
    world.change_policy(**with_invite("sev1", "UBOSS"))
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"), **details)
    await world.run(partial(change_severity, ref=ById(incident_id), severity_key="sev1"))
    assert [effect.people for effect in await world.effects(InvitePolicyPeople)] == expected


async def test_anyone_raises_the_severity_and_only_responders_lower_it(world: World) -> None:
    bob = await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await world.run(
        partial(change_severity, ref=ById(incident_id), severity_key="sev2", reason="Few affected"),
        by=bob,
    )
    with pytest.raises(NotPermitted):
        await world.run(
            partial(
                change_severity, ref=ById(incident_id), severity_key="sev4", reason="Few affected"
            ),
            by=bob,
        )


async def test_the_same_or_an_unknown_severity_changes_nothing(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    with pytest.raises(AlreadySo):
        await world.run(
            partial(
                change_severity, ref=ById(incident_id), severity_key="sev3", reason="Few affected"
            )
        )
    with pytest.raises(InvalidInput) as caught:
        await world.run(partial(change_severity, ref=ById(incident_id), severity_key="sev9"))
    assert "sev1" in caught.value.example
    assert [entry.kind for entry in await world.entries(incident_id)] == ["declared"]
