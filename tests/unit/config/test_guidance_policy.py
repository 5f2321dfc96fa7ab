"""The policy's section on guidance: which checklist applies, and mistakes in one."""

from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, dump_policy, load_policy
from incidents.policy.guidance import StepAnswer
from incidents.policy.policy import Policy

OURS = """
services:
  checkout: {name: Checkout, tier: 1}
guidance:
  time_box: 5m
  triggers: {severity_rank: null, answers: [no_runbook], confidence: []}
  checklists:
    severe:
      severities: [sev1]
      steps: [{key: call, title: Call, text: Call the desk., answers: [done]}]
    checkout:
      services: [checkout]
      steps: [{key: pay, title: Pay, text: Try to pay., answers: [done, skip], note: Paid.}]
    both:
      services: [checkout]
      severities: [sev1]
      steps: [{key: both, title: Both, text: Do both., answers: [done]}]
"""


def load(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path).policy


@pytest.mark.parametrize(
    ("services", "severity", "expected"),
    [
        ((), "sev3", "default"),
        ((), "sev1", "severe"),
        (("checkout",), "sev3", "checkout"),
        (("search", "checkout"), "sev1", "both"),
        (("search",), "sev2", "default"),
    ],
)
def test_the_most_specific_checklist_applies(
    tmp_path: Path, services: tuple[str, ...], severity: str, expected: str
) -> None:
    guidance = load(tmp_path, OURS).guidance
    found = guidance.checklist_for(services, severity)
    assert found is not None
    assert found.key == expected


def test_the_section_survives_being_written_and_read(tmp_path: Path) -> None:
    policy = load(tmp_path, OURS)
    assert load(tmp_path, dump_policy(policy)) == policy
    assert policy.guidance.triggers.severity_rank is None
    assert policy.guidance.triggers.answers == (StepAnswer.NO_RUNBOOK,)


_STEP = "{key: one, title: One, text: Do one., answers: [done]}"


@pytest.mark.parametrize(
    ("checklist", "key_path", "what"),
    [
        ("steps: []", "steps", "at least one step"),
        (f"steps: [{_STEP}, {_STEP}]", "steps[0].key", "more than once"),
        ("steps: [{key: a, title: A, text: A., answers: []}]", "steps[0].answers", "needs at"),
        ("steps: [{key: a, title: A, text: A., answers: [done, done]}]", "steps[0].answers", "twi"),
        ("steps: [{key: a, title: A, text: A., answers: [yes]}]", "steps[0].answers[0]", "isn't"),
        (f"severities: [sev9]\n      steps: [{_STEP}]", "severities", "no severity `sev9`"),
        (f"services: [shop]\n      steps: [{_STEP}]", "services", "no service `shop`"),
    ],
)
def test_a_mistake_in_a_checklist_names_its_place(
    tmp_path: Path, checklist: str, key_path: str, what: str
) -> None:
    text = f"guidance:\n  checklists:\n    ours:\n      {checklist}\n"
    with pytest.raises(PolicyErrors) as caught:
        load(tmp_path, text)
    problems = {problem.key_path: problem.what for problem in caught.value.problems}
    assert what in problems[f"guidance.checklists.ours.{key_path}"]


@pytest.mark.parametrize("wrong", ["time_box: 10s", "unanswered: 0", "time_box: 2d"])
def test_a_figure_out_of_range_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(PolicyErrors):
        load(tmp_path, f"guidance:\n  {wrong}\n")
