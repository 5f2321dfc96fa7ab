"""The policy's section on supervision: read, checked, and written back the same."""

from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, dump_policy, load_policy
from incidents.policy.policy import Action
from incidents.policy.references import GroupRef, PersonRef, Standing
from incidents.policy.supervision import MentorSeed, Stage, StageRequirement, StageSeed
from tests.policies import built_in

OURS = """\
services:
  checkout: {name: Checkout, tier: 1}
rights:
  actions:
    lower_severity: [senior, mentor]
supervision:
  stages:
    - person: jo@example.com
      stage: observe
    - {person: U0JO, role: scribe, service: checkout, stage: lead}
  mentors:
    - {person: jo@example.com, mentors: [U0MAX, ana@example.com]}
  requirements:
    assist: {observed: 1}
    lead: null
  visible_to: ["@managers"]
  recertify_after_months: null
"""
SCRIBE = "person: U0JO, role: scribe, stage"


def write(folder: Path, text: str) -> Path:
    path = folder / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_stages_mentors_and_requirements_are_read(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, OURS)).policy
    supervision = policy.supervision
    jo = PersonRef(email="jo@example.com")
    assert supervision.stages == (
        StageSeed(person=jo, stage=Stage.OBSERVE),
        StageSeed(
            person=PersonRef(user_id="U0JO"), stage=Stage.LEAD, role="scribe", service="checkout"
        ),
    )
    both = (PersonRef(user_id="U0MAX"), PersonRef(email="ana@example.com"))
    assert supervision.mentors == (MentorSeed(person=jo, mentors=both),)
    # Our requirement merges into the built-in one key by key; null removes one.
    assert supervision.find_requirement(Stage.ASSIST) == StageRequirement(
        stage=Stage.ASSIST, observed=1, debriefs=2
    )
    assert supervision.find_requirement(Stage.LEAD) is None
    assert supervision.visible_to == (GroupRef(handle="managers"),)
    assert supervision.recertify_after_months is None
    assert policy.rights.who_may(Action.LOWER_SEVERITY) == (Standing.SENIOR, Standing.MENTOR)


def test_a_policy_survives_being_written_and_read(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, OURS)).policy
    assert load_policy(write(tmp_path, dump_policy(policy))).policy == policy


def test_by_default_mentors_and_managers_set_stages_and_mentors_sign_off() -> None:
    policy = built_in().policy
    assert policy.rights.who_may(Action.SET_STAGE) == (Standing.MENTOR, Standing.MANAGER)
    assert policy.rights.who_may(Action.SIGN_OFF) == (Standing.MENTOR,)
    assert policy.supervision.visible_to == ()
    assert policy.supervision.stages == ()


@pytest.mark.parametrize(
    ("section", "key_path", "what"),
    [
        ("stages: [{person: U0JO, stage: expert}]", "stages[0].stage", "possible values"),
        ("stages: [{person: U0JO, stage: lead, role: scrib}]", "stages[0].role", "`scribe`"),
        ("stages: [{person: U0JO, stage: lead, service: x}]", "stages[0].service", "no service"),
        ("stages: [{stage: lead}]", "stages[0].person", "is needed"),
        (
            "stages: [{person: j@x.io, stage: lead}, {person: J@x.io, stage: solo}]",
            "stages[1]",
            "same person, role and service as supervision.stages[0] (lead)",
        ),
        (
            f"stages: [{{{SCRIBE}: lead}}, {{person: U0JO, stage: lead}}, {{{SCRIBE}: solo}}]",
            "stages[2]",
            "as supervision.stages[0] (lead); keep one",
        ),
        ("mentors: [{person: U0JO, mentors: [U0JO]}]", "mentors[0].mentors", "their own mentor"),
        ("mentors: [{person: '@group', mentors: []}]", "mentors[0].person", "a person"),
        ("requirements: {observe: {debriefs: 1}}", "requirements.observe", "begins"),
        ("requirements: {solo: {completeness: 101}}", "requirements.solo.completeness", "100"),
        ("requirements: {expert: {led: 1}}", "requirements.expert", "possible values"),
        ("recertify_after_months: 0", "recertify_after_months", "from 1 to 120"),
        ("visible_to: [senior]", "visible_to[0]", "a person"),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_reason(
    tmp_path: Path, section: str, key_path: str, what: str
) -> None:
    with pytest.raises(PolicyErrors) as caught:
        load_policy(write(tmp_path, f"supervision:\n  {section}\n"))
    (problem,) = caught.value.problems
    assert problem.key_path == f"supervision.{key_path}"
    assert what in problem.what
    assert problem.line == 2
