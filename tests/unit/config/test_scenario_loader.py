"""Scenarios: the built-in ones load, and a file's mistakes are all found, each with its line."""

from pathlib import Path

import pytest
import yaml

from config.scenario_loader import PolicyErrors, load_scenarios, read_scenario
from config.yaml_tree import parse_tree
from incidents.policy.schema import as_json, from_json
from incidents.scenarios.scenario import Level, Scenario

CONFIG = Path(__file__).parents[3] / "config"
GOOD = """\
name: Full disk
level: starter
summary: A disk fills up. Find by what.
title: Uploads fail
severity: sev3
service: Uploads
time_limit: 30m
briefing: You are on call for uploads.
fixed_when: [freed]
signals:
  page:
    source: Pager
    after: 0s
    text: uploads-disk is full.
checks:
  disk:
    name: Disk usage
    results:
      - when: [freed]
        output: 40 % used
      - output: 100 % used
actions:
  clean-up:
    name: Delete old thumbnails
    risk: Low. They are built again.
    undo: Nothing to undo.
    results:
      - output: 60 % freed
        verdict: helps
        sets: [freed]
mentor:
  story: Thumbnails are never deleted.
  first_move: Look at what grew.
  wrong_trail: None.
  makes_worse: Nothing.
  questions: ["What grew?"]
"""


def problems(text: str) -> dict[int, str]:
    """Return what is wrong with a file, by line."""
    with pytest.raises(PolicyErrors) as caught:
        read_scenario(text, key="full-disk", path="full-disk.yaml")
    assert all(problem.path == "full-disk.yaml" for problem in caught.value.problems)
    return {
        problem.line: f"{problem.key_path}: {problem.what}" for problem in caught.value.problems
    }


def line_of(text: str, start: str) -> int:
    """Return the number of the first line that starts with this text, ignoring its indent."""
    return next(
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip().startswith(start)
    )


def test_five_scenarios_are_built_in_the_easiest_first() -> None:
    scenarios = load_scenarios()
    assert [scenario.key for scenario in scenarios] == [
        "bad-deploy",
        "expired-certificate",
        "queue-backlog",
        "upstream-outage",
        "database-connections",
    ]
    assert {scenario.level for scenario in scenarios} == set(Level)


@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda scenario: scenario.key)
def test_a_scenario_survives_being_stored(scenario: object) -> None:
    assert from_json(Scenario, as_json(scenario)) == scenario


@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda scenario: scenario.key)
def test_built_in_scenarios_link_to_nobody_real(scenario: object) -> None:
    addresses = [word for word in str(as_json(scenario)).split() if "://" in word]
    assert all("example.com" in address or "10.20.0." in address for address in addresses)


def test_a_small_scenario_is_complete() -> None:
    scenario = read_scenario(GOOD, key="full-disk", path="full-disk.yaml")
    assert scenario.key == "full-disk"
    assert scenario.escalation is None
    assert scenario.find_check("Disk Usage") is scenario.checks[0]
    assert scenario.find_action("clean up") is scenario.actions[0]


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("level: starter", "level: hard", "level:", "isn't one of the possible values"),
        ("time_limit: 30m", "time_limit: 1m", "time_limit:", "has to be between 5m and 3h"),
        ("summary: A disk", "sumary: A disk", "sumary:", "did you mean `summary`?"),
        ("    after: 0s", "    after: soon", "after:", "has to be a duration"),
        ("    after: 0s", "    after: 1m", "signals:", "comes at once"),
        ("    after: 0s", "    after: 40m", "after:", "after the time limit"),
        ("- when: [freed]", "- when: [fred]", "- when:", "did you mean `freed`?"),
        ("- when: [freed]", "- when: [is freed]", "- when:", "isn't a condition"),
        ("fixed_when: [freed]", "fixed_when: [mended]", "fixed_when:", "nothing sets the fact"),
        (
            "fixed_when: [freed]",
            "fixed_when: [not freed]",
            "fixed_when:",
            "already holds at the start",
        ),
        ("verdict: helps", "verdict: harmless", "actions:", "none of them helps"),
        ("sets: [freed]", "sets: [freed, start]", "sets:", "is told by the record"),
        ('questions: ["What grew?"]', "questions: []", "questions:", "at least one question"),
        ("output: 100 % used", "output: '```'", "- output:", "can't hold ```"),
        ("      - output: 100 % used\n", "", "- when:", "must always hold"),
        ("- when: [freed]\n        output: 40 % used", "- 40 % used", "- 40 %", "never shown"),
    ],
)
def test_a_mistake_names_its_line(old: str, new: str, at: str, said: str) -> None:
    text = GOOD.replace(old, new, 1)
    found = problems(text)
    assert said in found[line_of(text, at)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("- also shown", "always holds"),
        ("- {when: [fred], output: also}", "did you mean `freed`?"),
        (f"- {{when: [freed], output: {1400 * 'x'}}}\n" * 2, "more than one screen"),
    ],
)
def test_additional_output_is_checked_too(line: str, said: str) -> None:
    additional = "".join(f"      {one}\n" for one in line.splitlines())
    text = GOOD.replace("actions:\n", f"    also:\n{additional}actions:\n", 1)
    assert any(said in problem for problem in problems(text).values())


def test_all_mistakes_are_reported_at_once() -> None:
    text = GOOD.replace("level: starter", "level: hard").replace("    undo: N", "    undone: N")
    found = problems(text)
    assert {line_of(text, "level:"), line_of(text, "undone:")} <= set(found)


def test_the_parser_in_c_reads_the_same_as_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {path.name: path.read_text() for path in CONFIG.rglob("*.yaml")}
    assert len(texts) > len(load_scenarios())
    quickly = {name: parse_tree(text, path=name) for name, text in texts.items()}
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert quickly == {name: parse_tree(text, path=name) for name, text in texts.items()}


def test_a_folder_adds_scenarios_and_replaces_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "full-disk.yaml").write_text(GOOD)
    (tmp_path / "bad-deploy.yaml").write_text(GOOD.replace("Full disk", "Our own bad deploy"))
    names = {scenario.key: scenario.name for scenario in load_scenarios(tmp_path)}
    assert names["full-disk"] == "Full disk"
    assert names["bad-deploy"] == "Our own bad deploy"
    assert len(names) == len(load_scenarios()) + 1


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Bad Name.yaml", "bad-name.yaml"),
        ("full_disk.yaml", "full-disk.yaml"),
        ("2-disks.yaml", "disks.yaml"),
        ("full-disk.yml", "full-disk.yaml"),
        ("???.yaml", "full-disk.yaml"),
    ],
)
def test_a_file_name_that_nobody_could_type_is_refused(
    tmp_path: Path, name: str, better: str
) -> None:
    (tmp_path / "README.md").write_text("Ours")
    (tmp_path / "other.yaml").write_text(GOOD.replace("level: starter", "level: hard"))
    (tmp_path / name).write_text(GOOD)
    with pytest.raises(PolicyErrors) as caught:
        load_scenarios(tmp_path)
    by_file = {Path(problem.path).name: str(problem) for problem in caught.value.problems}
    assert by_file.keys() == {name, "other.yaml"}
    assert "small letters, digits and `-`" in by_file[name]
    assert by_file[name].endswith(f"Example: {better}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "full-disk.yaml").write_bytes(b"name: Full disk\nlevel: \xff\n")
    with pytest.raises(PolicyErrors, match=r"full-disk\.yaml:2: isn't text in UTF-8"):
        load_scenarios(tmp_path)
    with pytest.raises(PolicyErrors, match="isn't a folder"):
        load_scenarios(tmp_path / "nowhere")


def test_a_folder_that_can_not_be_looked_at_is_refused(tmp_path: Path) -> None:
    # No file system has names of this length; a folder of somebody else's is refused alike.
    with pytest.raises(PolicyErrors, match=r"can't be read|isn't a folder") as refusal:
        load_scenarios(tmp_path / ("x" * 300))
    assert "SITREP_SCENARIOS" in str(refusal.value)
