"""The policy's section on proposals: what is refused, and what a workspace can change."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, load_policy
from incidents.policy.proposals import GuardedAction, Need
from incidents.policy.supervision import Stage

WRONG = [
    ("  expires_after: 10s", "proposals.expires_after", "between 1m and 7d"),
    ("  objections: 1s", "proposals.objections", "between 10s and 1h"),
    ("  escalates_as: managr", "proposals.escalates_as", "did you mean `manager`?"),
    ("  answer_within_by_severity: {sev9: 1m}", "proposals.answer_within_by_severity.sev9", "sev"),
    ("  commands: {resolve: chnge}", "proposals.commands.resolve", "did you mean `change`?"),
    ("  commands: {resolve: safe}", "proposals.commands.resolve", "needs nobody's approval"),
    ("  commands: {resolve: null}", "proposals.commands.resolve", "has to stay"),
    ("  commands: {declare: change}", "proposals.commands.declare", "isn't one of the possible"),
    ("  supervised_actions: {solo: [close]}", "proposals.supervised_actions.solo", "remove it"),
    (
        "  supervised_actions: {lead: [declare]}",
        "proposals.supervised_actions.lead[0]",
        "isn't one",
    ),
    ("  classes: {risky: {name: R, needs: nobody}}", "proposals.classes.risky.meaning", "needed"),
    ("  classes: {Risky: {}}", "proposals.classes.Risky", "isn't a key"),
]


@pytest.mark.parametrize(("text", "key_path", "what"), WRONG)
def test_a_wrong_value_is_named_with_what_to_do(
    tmp_path: Path, text: str, key_path: str, what: str
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"proposals:\n{text}", encoding="utf-8")
    with pytest.raises(PolicyErrors) as caught:
        load_policy(path)
    found = [problem for problem in caught.value.problems if problem.key_path == key_path]
    assert found, [problem.key_path for problem in caught.value.problems]
    assert what in f"{found[0].what} {found[0].example}"


def test_a_workspace_defines_its_own_classes_and_who_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        """
proposals:
  answer_within_by_severity: {sev2: 4m}
  classes:
    money: {name: Costs money, meaning: Buys or books something., needs: major, words: [buy]}
  commands: {cancel: money}
  supervised_actions: {lead: []}
""",
        encoding="utf-8",
    )
    proposals = load_policy(path).policy.proposals
    assert proposals.wait_at("sev2") == timedelta(minutes=4)
    assert proposals.wait_at("sev1") == timedelta(minutes=3)
    found = proposals.class_of("mark_duplicate")
    assert found is not None
    assert (found.key, found.needs) == ("money", Need.MAJOR)
    assert not proposals.guards(GuardedAction.CANCEL, stage=Stage.LEAD)
    assert proposals.guards(GuardedAction.CANCEL, stage=Stage.ASSIST)
    assert proposals.find_class("Costs money") == found
