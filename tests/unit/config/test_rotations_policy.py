"""The policy's rotations: read as written, and mistakes are reported with what to do."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, dump_policy, load_policy
from incidents.calling.explain import explain
from incidents.policy.policy import Policy
from incidents.policy.references import Address, RotationRef

GOOD = """
on_call:
  fallback: rotation/checkout-primary
  rotations:
    checkout-primary:
      people: [kim@example.com, ben@example.com]
      handover: monday 09:00
      every: 7d
      time_zone: Europe/Berlin
      starts_on: 2026-11-30
      overrides: [{who: sam@example.com, since: 2026-12-24T09:00, until: "2026-12-27 09:00"}]
services:
  checkout: {name: Checkout, tier: 1, on_call: rotation/checkout-primary,
    steps: [{who: [rotation/checkout-primary, goalert/checkout], wait: 10m}]}
pagers: {goalert: {kind: goalert, url: "https://goalert.example.com"}}
"""


def load(folder: Path, text: str) -> Policy:
    path = folder / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path).policy


def test_a_rotation_is_read_and_named_wherever_somebody_may_be_on_call(tmp_path: Path) -> None:
    policy = load(tmp_path, GOOD)
    rotation = policy.on_call.find_rotation("checkout-primary")
    assert rotation is not None
    assert (str(rotation.handover), rotation.every) == ("monday 09:00", timedelta(days=7))
    assert rotation.starts_on == date(2026, 11, 30)
    assert str(rotation.overrides[0].until) == "2026-12-27 09:00"
    (checkout,) = policy.services
    named = RotationRef("checkout-primary")
    assert policy.on_call.fallback == checkout.on_call == named
    assert checkout.steps[0].who == (named, Address("goalert", "checkout"))
    assert load(tmp_path, dump_policy(policy)) == policy


@pytest.mark.parametrize(
    ("was", "now", "key_path", "what"),
    [
        (
            "fallback: rotation/checkout-primary",
            "fallback: rotation/chekout-primary",
            "on_call.fallback",
            "did you mean `checkout-primary`",
        ),
        (
            "on_call: rotation/checkout-primary",
            "on_call: rotation/search",
            "services.checkout.on_call",
            "there is no rotation `search`",
        ),
        (
            "goalert/checkout]",
            "goalret/checkout]",
            "services.checkout.steps[0]",
            "did you mean `goalert`",
        ),
        (
            "[kim@example.com, ",
            '["@checkout", ',
            "on_call.rotations.checkout-primary.people[0]",
            "has to be a person, not a group",
        ),
        (
            "[kim@example.com, ",
            "[kim, ",
            "on_call.rotations.checkout-primary.people[0]",
            "has to be a person",
        ),
        (
            "[kim@example.com, ben@example.com]",
            "[]",
            "on_call.rotations.checkout-primary.people",
            "at least one person",
        ),
        (
            "monday 09:00",
            "moonday 09:00",
            "on_call.rotations.checkout-primary.handover",
            "a weekday and a time of day",
        ),
        (
            "monday 09:00",
            "monday 24:30",
            "on_call.rotations.checkout-primary.handover",
            "a weekday and a time of day",
        ),
        (
            "      time_zone: Europe/Berlin\n",
            "",
            "on_call.rotations.checkout-primary.time_zone",
            "needed but missing",
        ),
        (
            "Europe/Berlin",
            "Europe/Berln",
            "on_call.rotations.checkout-primary.time_zone",
            "isn't a time zone",
        ),
        (
            "2026-11-30",
            "2026-12-02",
            "on_call.rotations.checkout-primary.starts_on",
            "it is a Wednesday, and handover is on Monday",
        ),
        ("every: 7d", "every: 36h", "on_call.rotations.checkout-primary.every", "whole days"),
        (
            "since: 2026-12-24T09:00",
            "since: 2026-12-28T09:00",
            "on_call.rotations.checkout-primary.overrides[0].until",
            "has to be after since",
        ),
        (
            "since: 2026-12-24T09:00",
            "since: 2026-12-32T09:00",
            "on_call.rotations.checkout-primary.overrides[0].since",
            "a day and a time",
        ),
        (
            "pagers: {goalert:",
            "pagers: {rotation: {kind: ntfy}, goalert:",
            "pagers.rotation",
            "names a rotation",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(
    was: str, now: str, key_path: str, what: str, tmp_path: Path
) -> None:
    assert was in GOOD
    with pytest.raises(PolicyErrors) as caught:
        load(tmp_path, GOOD.replace(was, now))
    found = {problem.key_path: str(problem) for problem in caught.value.problems}
    assert what in found.get(key_path, ""), found


def test_two_rules_that_call_the_same_people_are_explained_as_one_call(tmp_path: Path) -> None:
    rules = "call:\n- {severity: sev2, call: [on_call], by: message}\n- {severity: sev1, call: [on_call]}\n"
    policy = load(tmp_path, GOOD + rules)
    sev1 = policy.find_severity("sev1")
    assert sev1 is not None
    called = [
        one.text for one in explain(policy, sev1, policy.services[0]) if "at once" in one.text
    ]
    assert len(called) == 1
    assert "by their own pagers" in called[0]


def test_it_is_explained_who_of_a_rotation_no_pager_reaches(tmp_path: Path) -> None:
    reached = "people: [{who: kim@example.com, reach: [goalert/kim]}]\n"
    policy = load(tmp_path, GOOD + reached)
    sev1 = policy.find_severity("sev1")
    assert sev1 is not None
    lines = [one.text for one in explain(policy, sev1, policy.services[0])]
    assert (
        "Called at once: rotation/checkout-primary (on call), by direct message in Slack and by "
        "their own pagers; no pager reaches ben@example.com"
    ) in lines
