"""Loads scenarios for practice: those that are built in, with a workspace's own beside them.

A file is read as the policy is: every mistake is found in one reading, each with its line.
"""

import functools
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from config.policy_schema import TreeReader
from config.policy_yaml import PolicyErrors, PolicyProblem, locate, parse_tree
from config.scenario_checks import find_scenario_disagreements
from config.section_rules import RULES
from config.yaml_file import read_yaml_file, unreadable
from incidents.scenarios.scenario import Level, Scenario

BUILT_IN: Final = "config/scenarios"
_SUFFIX: Final = ".yaml"
# What is meant for a scenario, also where its name is refused rather than passed over.
_LIKE_YAML: Final = frozenset({".yaml", ".yml"})
_MAX_BYTES: Final = 200_000
_SETTING: Final = "SITREP_SCENARIOS=./scenarios"
_LEVELS: Final = tuple(Level)

__all__ = ["PolicyErrors", "load_scenarios", "read_scenario"]


def load_scenarios(folder: Path | None = None) -> tuple[Scenario, ...]:
    """Load the built-in scenarios, and those in `folder`, which win over built-in ones they name.

    The easiest come first.

    Raises:
        PolicyErrors: everything that is wrong with any of the files, each with its line.
    """
    found = {scenario.key: scenario for scenario in _built_in()}
    if folder is not None:
        found.update({scenario.key: scenario for scenario in _in_folder(folder)})
    return tuple(sorted(found.values(), key=lambda one: (_LEVELS.index(one.level), one.name)))


def read_scenario(text: str, *, key: str, path: str) -> Scenario:
    """Read one scenario from a file's text; `path` is what errors call the file.

    Raises:
        PolicyErrors: everything that is wrong with it, each with its line.
    """
    tree = parse_tree(text, path=path)
    reader = TreeReader()
    scenario = reader.read(Scenario, tree, given={"key": key})
    problems = list(reader.problems)
    # Of what was refused the references would be missed as well: first things first.
    if scenario is not None and not problems:
        for found in find_scenario_disagreements(scenario):
            at = locate(tree, found.keys)
            problem = PolicyProblem(at.path, at.line, found.key_path, found.what, found.example)
            problems.append(problem)
    if problems or scenario is None:
        raise PolicyErrors(problems)
    return scenario


@functools.cache
def _built_in() -> tuple[Scenario, ...]:
    """Return the built-in scenarios, read once: they are part of the program."""
    folder = files("config") / "scenarios"
    texts = {
        item.name: item.read_text(encoding="utf-8")
        for item in folder.iterdir()
        if item.name.endswith(_SUFFIX)
    }
    return _read_all({name: (f"{BUILT_IN}/{name}", text) for name, text in texts.items()})


def _in_folder(folder: Path) -> tuple[Scenario, ...]:
    if not folder.is_dir():
        what = "is no folder; name the one that your scenarios are in"
        raise unreadable(folder, what, setting=_SETTING)
    texts: dict[str, tuple[str, str]] = {}
    found: tuple[Scenario, ...] = ()
    problems: list[PolicyProblem] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.casefold() not in _LIKE_YAML:
            continue
        problems += _in_name(path)
        try:
            text = read_yaml_file(path, setting=_SETTING, most_bytes=_MAX_BYTES)
            texts[path.name] = (str(path), text)
        except PolicyErrors as errors:
            problems += errors.problems
    try:
        found = _read_all(texts)
    except PolicyErrors as errors:
        problems += errors.problems
    if problems:
        raise PolicyErrors(problems)
    return found


def _in_name(path: Path) -> Iterator[PolicyProblem]:
    """Yield what is wrong with a file's name: without its ending it is the scenario's key."""
    key = path.name.removesuffix(_SUFFIX)
    if key == path.name or not RULES[Scenario, "key"].accepts(key):
        what = (
            "isn't a name for a scenario: people type it in commands, so it begins with a small "
            f"letter, has only small letters, digits and `-`, 40 at most, and ends in `{_SUFFIX}`"
        )
        words = re.findall(r"[a-z0-9]+", path.stem.casefold())
        example = "-".join(words).lstrip("-0123456789")[:40] or "full-disk"
        yield PolicyProblem(str(path), 0, "", what, f"{example}{_SUFFIX}")


def _read_all(texts: dict[str, tuple[str, str]]) -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    problems: list[PolicyProblem] = []
    for name, (path, text) in sorted(texts.items()):
        try:
            found.append(read_scenario(text, key=name.removesuffix(_SUFFIX), path=path))
        except PolicyErrors as errors:
            problems += errors.problems
    if problems:
        raise PolicyErrors(problems)
    return tuple(found)
