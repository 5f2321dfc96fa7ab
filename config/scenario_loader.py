"""Loads scenarios for drills: the built-in ones and the workspace's own.

Files are read like the policy: one reading finds every mistake, each with its line.
"""

import functools
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from config.tree_reader import disagreements_in, read_tree
from config.yaml_tree import PolicyErrors, PolicyProblem, parse_tree, read_yaml_file, refused
from incidents.scenarios.scenario import KEY, Level, Scenario

BUILT_IN: Final = "config/scenarios"
_SUFFIX: Final = ".yaml"
# Files meant as scenarios; a wrong name among them is an error rather than ignored.
_LIKE_YAML: Final = frozenset({".yaml", ".yml"})
_MAX_BYTES: Final = 200_000
_LONGEST_TEXT: Final = 1500
_SETTING: Final = "SITREP_SCENARIOS=./scenarios"
_LEVELS: Final = tuple(Level)

__all__ = ["PolicyErrors", "load_scenarios", "read_scenario"]


def load_scenarios(folder: Path | None = None) -> tuple[Scenario, ...]:
    """Load the built-in scenarios and those in `folder`, easiest first.

    A scenario in `folder` replaces the built-in one of the same name.

    Raises:
        PolicyErrors: everything wrong with any of the files, each problem with its line.
    """
    found = {scenario.key: scenario for scenario in _built_in()}
    if folder is not None:
        found.update({scenario.key: scenario for scenario in _in_folder(folder)})
    return tuple(sorted(found.values(), key=lambda one: (_LEVELS.index(one.level), one.name)))


def read_scenario(text: str, *, key: str, path: str) -> Scenario:
    """Read one scenario from a file's text; errors name the file by `path`.

    Raises:
        PolicyErrors: everything wrong with it, each problem with its line.
    """
    tree = parse_tree(text, path=path)
    reading = read_tree(Scenario, tree, longest_text=_LONGEST_TEXT, key=key)
    # References to refused values would look wrong too, so refusals come first.
    problems = reading.problems or tuple(disagreements_in(reading, tree))
    if problems or reading.value is None:
        raise PolicyErrors(problems)
    return reading.value


@functools.cache
def _built_in() -> tuple[Scenario, ...]:
    """Return the built-in scenarios, cached: they are part of the program."""
    texts = (
        (f"{BUILT_IN}/{item.name}", item.read_text(encoding="utf-8"))
        for item in (files("config") / "scenarios").iterdir()
        if item.name.endswith(_SUFFIX)
    )
    return tuple(read_scenario(text, key=_key_of(path), path=path) for path, text in texts)


def _in_folder(folder: Path) -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    problems: list[PolicyProblem] = []
    for path in _files_in(folder):
        if path.suffix.casefold() in _LIKE_YAML:
            problems += _in_name(path)
            try:
                text = read_yaml_file(path, setting=_SETTING, most_bytes=_MAX_BYTES)
                found.append(read_scenario(text, key=_key_of(path.name), path=str(path)))
            except PolicyErrors as errors:
                problems += errors.problems
    if problems:
        raise PolicyErrors(problems)
    return tuple(found)


def _files_in(folder: Path) -> list[Path]:
    try:
        if folder.is_dir():
            return sorted(folder.iterdir())
    except OSError as error:
        raise refused(folder, 0, f"can't be read: {error.strerror}", _SETTING) from error
    what = "isn't a folder; name the one that holds your scenarios"
    raise refused(folder, 0, what, _SETTING)


def _key_of(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(_SUFFIX)


def _in_name(path: Path) -> Iterator[PolicyProblem]:
    """Yield what is wrong with a file's name, which without its ending is the scenario's key."""
    if path.name.endswith(_SUFFIX) and KEY.accepts(_key_of(path.name)):
        return
    what = (
        "isn't a name for a scenario: people type it in commands, so it begins with a small "
        f"letter, has only small letters, digits and `-`, 40 at most, and ends in `{_SUFFIX}`"
    )
    words = re.findall(r"[a-z0-9]+", path.stem.casefold())
    example = "-".join(words).lstrip("-0123456789")[:40] or "full-disk"
    yield PolicyProblem(str(path), 0, "", what, f"{example}{_SUFFIX}")
