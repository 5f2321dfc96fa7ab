"""What a declaration that can't be recorded says: the channel to open, and who the policy names."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.features.lifecycle.by_hand import contacts
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef, RotationRef
from incidents.policy.waking.call import CallRule, OnCallPolicy
from incidents.policy.waking.rotations import Handover, Rotation
from tests.policies import built_in

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)


@pytest.fixture
def policy() -> Policy:
    built = built_in().policy
    rules = (CallRule(severity="sev1", backup=PersonRef(user_id="UBACKUP")),)
    services = (
        Service(
            key="checkout",
            name="Checkout",
            tier=1,
            on_call=GroupRef(group_id="SONCALL"),
            owner=PersonRef(email="jo@example.com"),
        ),
        Service(key="mail", name="Mail", tier=3, owner=GroupRef(handle="mail-team")),
    )
    manager = PersonRef(user_id="UMANAGER")
    return replace(
        built,
        call=rules,
        services=services,
        escalation=replace(built.escalation, manager=manager),
    )


def test_the_service_that_the_title_names_comes_first(policy: Policy) -> None:
    assert contacts(policy, "Mail bounces", now=NOW, severity="sev1") == (
        "@\u2060mail-team (owner of Mail)",
        "<@UBACKUP> (backup commander for SEV1)",
        "<@UMANAGER> (manager)",
    )


def test_without_a_named_service_the_most_critical_ones_count(policy: Policy) -> None:
    assert contacts(policy, "All is down", now=NOW)[:2] == (
        "<!subteam^SONCALL> (on call for Checkout)",
        "jo@example.com (owner of Checkout)",
    )


def test_a_policy_without_people_names_nobody() -> None:
    assert contacts(built_in().policy, "All is down", now=NOW) == ()


def test_of_a_rotation_it_names_whose_turn_it_is(policy: Policy) -> None:
    rotation = Rotation(
        key="mail",
        people=(PersonRef(user_id="UKIM"), PersonRef(email="ben@example.com")),
        handover=Handover(0, time(9)),
        every=timedelta(days=7),
        time_zone="UTC",
        starts_on=date(2026, 2, 23),
    )
    mail = replace(policy.services[1], on_call=RotationRef("mail"))
    rotated = replace(policy, services=(mail,), on_call=OnCallPolicy(rotations=(rotation,)))
    assert contacts(rotated, "Mail bounces", now=NOW)[0] == "ben@example.com (on call for Mail)"
