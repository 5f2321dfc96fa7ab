"""Mistakes in the policy's section on shadowing are reported with what to do."""

from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, load_policy

SERVICE = "services: {checkout: {name: Checkout, tier: 1}}\n"


def _load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(SERVICE + text, encoding="utf-8")
    load_policy(path)


@pytest.mark.parametrize(
    ("text", "key_path", "what"),
    [
        ("shadowing: {ask_every: 5s}", "shadowing.ask_every", "between"),
        ("shadowing: {questions: []}", "shadowing.questions", "1 to 5"),
        (
            (
                "shadowing:\n  schedule:\n  - {person: jo@example.com, role: commander, "
                "service: checkout, starts_on: 2026-03-02, ends_on: 2026-03-06}"
            ),
            "shadowing.schedule[0].mentor",
            "exactly one",
        ),
        (
            (
                "shadowing:\n  schedule:\n  - {person: jo@example.com, role: comander, "
                "starts_on: 2026-03-02, ends_on: 2026-03-06}"
            ),
            "shadowing.schedule[0].role",
            "did you mean `commander`",
        ),
        (
            (
                "shadowing:\n  schedule:\n  - {person: jo@example.com, mentor: jo@example.com, "
                "starts_on: 2026-03-06, ends_on: 2026-03-02}"
            ),
            "shadowing.schedule[0].ends_on",
            "can't be before",
        ),
        (
            (
                "shadowing:\n  rotations:\n  - {shadows: [jo@example.com], starts_on: 2026-03-02, "
                "turn: 7d}"
            ),
            "shadowing.rotations[0].mentors",
            "either mentors or a service",
        ),
        (
            (
                "shadowing:\n  rotations:\n  - {shadows: [jo@example.com], service: chekout, "
                "starts_on: 2026-03-02, turn: 7d}"
            ),
            "shadowing.rotations[0].service",
            "did you mean `checkout`",
        ),
        ("handover: {remind_after: soon}", "handover.remind_after", "duration"),
    ],
)
def test_a_mistake_names_its_key_and_what_to_do(
    tmp_path: Path, text: str, key_path: str, what: str
) -> None:
    with pytest.raises(PolicyErrors) as caught:
        _load(tmp_path, text)
    found = {problem.key_path: problem.what for problem in caught.value.problems}
    assert what in found[key_path]


def test_the_examples_of_the_built_in_file_are_read(tmp_path: Path) -> None:
    _load(
        tmp_path,
        "shadowing:\n"
        "  schedule:\n"
        "  - {person: jo@example.com, mentor: alex@example.com, starts_on: 2026-12-01, "
        "ends_on: 2026-12-14}\n"
        "  rotations:\n"
        "  - {shadows: [jo@example.com, kim@example.com], mentors: [alex@example.com], "
        "starts_on: 2026-11-30, turn: 7d}\n",
    )
