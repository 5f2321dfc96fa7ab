"""The policy's section on escalation, and the people to call for a service."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, dump_policy, load_policy
from incidents.escalation.calls import wait_of
from incidents.escalation.tables import Wanted
from incidents.escalation.targets import LadderInputs, build_ladder, pick_service
from incidents.policy.escalation import (
    AbsentPerson,
    EscalationTemplate,
    LadderStep,
    Relation,
    ServiceLink,
)
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef, RoleRef
from tests.policies import built_in

Load = Callable[[str], Policy]

SERVICES = """
services:
  checkout:
    name: Checkout
    tier: 1
    owner: jo@example.com
    on_call: "@checkout-oncall"
    steps:
      - sam@example.com
      - [U0KIM, commander]
      - who: manager
        wait: 2m
    runbook_url: https://wiki.example.com/checkout
    runbooks:
      Restart the workers: https://wiki.example.com/restart
  search: {name: Search, tier: 2}
escalation:
  manager: boss@example.com
  absent:
    - who: jo@example.com
      since: 2026-12-24
      until: "2027-01-02"
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def _load(text: str) -> Policy:
        path = tmp_path / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path).policy

    return _load


def named(policy: Policy, template_key: str, service_key: str) -> list[tuple[str, ...]]:
    """Return the names of the ladder's steps."""
    template = policy.escalation.find_template(template_key)
    assert template is not None
    inputs = LadderInputs(
        policy=policy,
        severity_key="sev2",
        template=template,
        service=policy.find_service(service_key),
    )
    return [tuple(one.name for one in step.wanted) for step in build_ladder(inputs, None)]


def test_seven_kinds_ship_and_name_nobody() -> None:
    section = built_in().policy.escalation
    assert [template.key for template in section.templates] == [
        "service_owner",
        "platform",
        "database",
        "network",
        "security",
        "manager",
        "vendor",
    ]
    for template in section.templates:
        assert {PacketField.ASK, PacketField.SYMPTOMS} <= set(template.fields)
        steps = (LadderStep(who=template.reaches), *template.steps)
        assert all(isinstance(callee, Relation) for step in steps for callee in step.who)
    assert [one.key for one in section.templates if one.may_move_to_private] == ["security"]
    assert section.find_template("Database") is not None


def test_waits_follow_the_severity_and_are_fifteen_minutes_otherwise() -> None:
    policy = built_in().policy
    waits = [
        wait_of(policy, severity_key=severity.key, template=None, step_wait=None)
        for severity in policy.severities
    ]
    assert [wait // timedelta(minutes=1) for wait in waits] == [3, 5, 15, 15, 15]


def test_the_most_specific_wait_applies() -> None:
    policy = built_in().policy
    slow = EscalationTemplate(
        key="slow", name="Slow", meaning="No hurry", fields=(), wait=timedelta(hours=1)
    )
    given = {"severity_key": "sev1", "template": slow}
    assert wait_of(policy, step_wait=None, **given) == timedelta(hours=1)  # type: ignore[arg-type]
    assert wait_of(policy, step_wait=timedelta(minutes=7), **given) == timedelta(minutes=7)  # type: ignore[arg-type]


def test_steps_are_written_short_or_with_a_wait(load: Load) -> None:
    policy = load(SERVICES)
    checkout = policy.find_service("checkout")
    assert checkout is not None
    assert checkout.steps == (
        LadderStep(who=(PersonRef(email="sam@example.com"),)),
        LadderStep(who=(PersonRef(user_id="U0KIM"), RoleRef("commander"))),
        LadderStep(who=(Relation.MANAGER,), wait=timedelta(minutes=2)),
    )
    assert checkout.on_call == GroupRef(handle="checkout-oncall")
    assert policy.escalation.absent == (
        AbsentPerson(
            who=PersonRef(email="jo@example.com"), since=date(2026, 12, 24), until=date(2027, 1, 2)
        ),
    )
    assert checkout.all_runbooks == (
        ServiceLink(title="Checkout runbook", url="https://wiki.example.com/checkout"),
        ServiceLink(title="Restart the workers", url="https://wiki.example.com/restart"),
    )
    assert checkout.all_dashboards == ()


def test_a_ladder_is_template_then_service_then_the_common_end_with_nobody_twice(
    load: Load,
) -> None:
    policy = load(SERVICES)
    assert named(policy, "service_owner", "checkout") == [
        ("@checkout-oncall",),
        ("jo@example.com",),
        ("sam@example.com",),
        ("U0KIM", "Incident commander"),
        ("boss@example.com",),
    ]
    assert named(policy, "manager", "search") == [("boss@example.com",), ("Incident commander",)]
    assert named(built_in().policy, "database", "none") == [("Incident commander",)]


def test_a_template_can_place_the_services_steps(load: Load) -> None:
    text = f"{SERVICES}  templates: {{platform: {{steps: [service_steps, owner]}}}}\n"
    assert named(load(text), "platform", "checkout") == [
        ("@checkout-oncall",),
        ("sam@example.com",),
        ("U0KIM", "Incident commander"),
        ("boss@example.com",),
        ("jo@example.com",),
    ]


def test_of_several_affected_services_the_most_critical_one_counts(load: Load) -> None:
    policy = load(SERVICES)
    picked = pick_service(policy, "", affected=["unknown", "search", "checkout"])
    assert picked is not None
    assert picked.key == "checkout"
    assert pick_service(policy, "", affected=["unknown"]) is None


def test_two_names_for_the_same_group_are_one() -> None:
    assert Wanted("group", "@DB", "x").identity == Wanted("group", "@db", "y").identity


def test_a_policy_survives_being_written_and_read(load: Load) -> None:
    policy = load(SERVICES)
    assert load(dump_policy(policy)) == policy


WRONG = [
    ("escalation:\n  wait: 5s", 2, "escalation.wait", "between 30s and 1d"),
    ("escalation:\n  default_template: databse", 2, "escalation.default_template", "`database`"),
    ("escalation:\n  steps: [manger]", 2, "escalation.steps[0]", "did you mean `manager`?"),
    ("escalation:\n  steps: [anyone]", 2, "escalation.steps[0]", "a role's key, a person"),
    ("escalation:\n  steps:\n  - who: []", 3, "escalation.steps[0].who", "has to name somebody"),
    (
        "escalation:\n  templates:\n    network:\n      fields: [symptoms]",
        4,
        "escalation.templates.network.fields",
        "has to hold ask",
    ),
    (
        "escalation:\n  templates:\n    network:\n      fields: [ask, symptom]",
        4,
        "escalation.templates.network.fields[1]",
        "did you mean `symptoms`?",
    ),
    (
        "escalation:\n  templates:\n    network:\n      questions:\n        scope: Where?",
        5,
        "escalation.templates.network.questions.scope",
        "the name of a field",
    ),
    (
        "escalation:\n  absent:\n  - {who: U0JO, since: tomorrow, until: 2026-12-24}",
        3,
        "escalation.absent[0].since",
        "year-month-day",
    ),
    (
        "escalation:\n  absent:\n  - {who: U0JO, since: 2026-12-24, until: 2026-12-23}",
        3,
        "escalation.absent[0].until",
        "can't be before since",
    ),
    (
        "services:\n  web:\n    name: Web\n    tier: 1\n    steps: [service_steps]",
        5,
        "services.web.steps[0]",
        "can't lead to themselves",
    ),
    (
        "services:\n  web:\n    name: Web\n    tier: 1\n    runbooks: {Restart: the wiki}",
        5,
        "services.web.runbooks.Restart",
        "web address",
    ),
    (
        "roles:\n  owner: {name: O, exclusive: true, duties: [Own it], checklist: [Own it]}",
        2,
        "roles.owner",
        "take another",
    ),
]


@pytest.mark.parametrize(("text", "line", "key_path", "words"), WRONG)
def test_a_mistake_names_its_line_and_key(
    tmp_path: Path, text: str, line: int, key_path: str, words: str
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyErrors) as caught:
        load_policy(path)
    (found,) = caught.value.problems
    assert (found.key_path, found.line) == (key_path, line)
    assert words in found.what
