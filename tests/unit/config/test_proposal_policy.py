"""The policy's section on approvals: what is refused, and what a workspace can make of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, load_policy
from incidents.policy.proposals import GuardedAction, Need
from incidents.policy.supervision import Stage

WRONG = [
    ("  expires_after: 10s", "approvals.expires_after", "between 1m and 7d"),
    ("  objections: 1s", "approvals.objections", "between 10s and 1h"),
    ("  escalates_as: managr", "approvals.escalates_as", "did you mean `manager`?"),
    ("  answer_within_by_severity: {sev9: 1m}", "approvals.answer_within_by_severity.sev9", "sev"),
    ("  commands: {resolve: chnge}", "approvals.commands.resolve", "did you mean `change`?"),
    ("  commands: {resolve: safe}", "approvals.commands.resolve", "needs nobody's agreement"),
    ("  commands: {resolve: null}", "approvals.commands.resolve", "has to stay"),
    ("  commands: {declare: change}", "approvals.commands.declare", "isn't one of the possible"),
    ("  supervised_actions: {solo: [close]}", "approvals.supervised_actions.solo", "remove it"),
    (
        "  supervised_actions: {lead: [declare]}",
        "approvals.supervised_actions.lead[0]",
        "isn't one",
    ),
    ("  classes: {risky: {name: R, needs: nobody}}", "approvals.classes.risky.meaning", "needed"),
    ("  classes: {Risky: {}}", "approvals.classes.Risky", "isn't a key"),
]


@pytest.mark.parametrize(("text", "key_path", "what"), WRONG)
def test_a_value_that_doesnt_fit_is_named_with_what_to_do(
    tmp_path: Path, text: str, key_path: str, what: str
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"approvals:\n{text}", encoding="utf-8")
    with pytest.raises(PolicyErrors) as caught:
        load_policy(path)
    found = [problem for problem in caught.value.problems if problem.key_path == key_path]
    assert found, [problem.key_path for problem in caught.value.problems]
    assert what in f"{found[0].what} {found[0].example}"


def test_a_workspace_makes_its_own_classes_and_decides_who_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        """
approvals:
  answer_within_by_severity: {sev2: 4m}
  classes:
    money: {name: Costs money, meaning: Buys or books something., needs: major, words: [buy]}
  commands: {cancel: money}
  supervised_actions: {lead: []}
""",
        encoding="utf-8",
    )
    approvals = load_policy(path).policy.approvals
    assert approvals.wait_at("sev2") == timedelta(minutes=4)
    assert approvals.wait_at("sev1") == timedelta(minutes=3)
    found = approvals.class_of("mark_duplicate")
    assert found is not None
    assert (found.key, found.needs) == ("money", Need.MAJOR)
    assert not approvals.guards(GuardedAction.CANCEL, stage=Stage.LEAD)
    assert approvals.guards(GuardedAction.CANCEL, stage=Stage.ASSIST)
    assert approvals.find_class("Costs money") == found
