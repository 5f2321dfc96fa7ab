"""Loads the policy: the built-in file with the workspace's own laid over it, and back to YAML."""

from dataclasses import dataclass, is_dataclass, replace
from datetime import date, timedelta
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Final, get_args, get_type_hints

import yaml

from config.disagreements import Disagreement
from config.policy_checks import find_disagreements
from config.policy_rules import format_duration
from config.policy_schema import TreeReader
from config.policy_shapes import KEY_FIELDS, VALUE_FIELDS
from config.policy_yaml import (
    Mapping,
    PolicyErrors,
    PolicyProblem,
    Position,
    lay_over,
    locate,
    parse_tree,
)
from config.yaml_file import read_yaml_file
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef, RoleRef

BUILT_IN: Final = "config/policy.yaml"
_MAX_BYTES: Final = 1_000_000

__all__ = ["LoadedPolicy", "PolicyErrors", "PolicyProblem", "dump_policy", "load_policy"]


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """The effective policy, its digest, and in words where it came from."""

    policy: Policy
    digest: str
    source: str


def load_policy(overlay_path: Path | None = None) -> LoadedPolicy:
    """Load the built-in policy, with the file at `overlay_path` laid over it if there is one.

    Raises:
        PolicyErrors: everything that is wrong with the file, each with its line.
    """
    built_in = (files("config") / "policy.yaml").read_text(encoding="utf-8")
    tree = parse_tree(built_in, path=BUILT_IN)
    source = "built-in policy"
    if overlay_path is not None:
        overlay = parse_tree(_read(overlay_path), path=str(overlay_path))
        tree = lay_over(tree, overlay)
        source = f"built-in policy with {overlay_path}"
    policy = _build(tree)
    return LoadedPolicy(policy, policy.digest, source)


def dump_policy(policy: Policy) -> str:
    """Write a policy as YAML that, used as an overlay, gives the same policy again."""
    built_in = _fields_to_yaml(load_policy().policy)
    written = _with_removals(_fields_to_yaml(policy), built_in)
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100)


def _read(path: Path) -> str:
    return read_yaml_file(path, setting="SITREP_POLICY=./policy.yaml", most_bytes=_MAX_BYTES)


def _build(tree: Mapping) -> Policy:
    reader = TreeReader()
    policy = reader.read(Policy, tree)
    problems = list(reader.problems)
    if policy is not None:
        for found in find_disagreements(policy, dropped=reader.dropped):
            at = _place(tree, found)
            problem = PolicyProblem(at.path, at.line, found.key_path, found.what, found.example)
            problems.append(problem)
    if problems or policy is None:
        raise PolicyErrors(problems)
    ranked = tuple(sorted(policy.severities, key=lambda severity: severity.rank))
    return replace(policy, severities=ranked)


def _place(tree: Mapping, found: Disagreement) -> Position:
    """Return the line to show: the one people wrote, when only the other one is built in."""
    at = locate(tree, found.keys)
    other = locate(tree, found.other) if found.other else at
    return other if at.path == BUILT_IN and other.path != BUILT_IN else at


def _to_yaml(value: object) -> object:
    match value:
        case PersonRef() | GroupRef() | RoleRef():
            return str(value)
        case timedelta():
            return format_duration(value)
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [_to_yaml(item) for item in value]
        case _ if is_dataclass(value):
            return _fields_to_yaml(value)
        case _:
            return value


def _fields_to_yaml(value: object) -> dict[str, object]:
    """Return what is written under a value's key: its fields, without those that are None."""
    hints = get_type_hints(type(value))
    written: dict[str, object] = {}
    for name, hint in hints.items():
        part = getattr(value, name)
        if any(option in KEY_FIELDS for option in get_args(hint)):
            written[name] = dict(_entry(item) for item in part)
        elif part is not None:
            written[name] = _to_yaml(part)
    return written


def _entry(item: object) -> tuple[str, object]:
    """Return one entry of a map in the file: its key, and what is written under it."""
    cls = type(item)
    written = _fields_to_yaml(item)
    key = str(written.pop(KEY_FIELDS[cls]))
    return key, written[VALUE_FIELDS[cls]] if cls in VALUE_FIELDS else written


def _with_removals(upper: dict[str, object], lower: object) -> dict[str, object]:
    """Add the nulls that take away what the lower file has and this one doesn't."""
    if not isinstance(lower, dict):
        return upper
    merged = {
        key: _with_removals(value, lower.get(key)) if isinstance(value, dict) else value
        for key, value in upper.items()
    }
    return merged | {key: None for key in lower if key not in upper}
