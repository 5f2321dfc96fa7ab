"""Loads the policy: the built-in file with the workspace's overlay; also writes it as YAML."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

from config.template_files import template_names
from config.tree_reader import disagreements_in, read_tree
from config.yaml_tree import (
    Node,
    PolicyErrors,
    PolicyProblem,
    lay_over,
    locate,
    parse_tree,
    read_yaml_file,
)
from incidents.policy.policy import Policy
from incidents.policy.schema import as_written

BUILT_IN: Final = "config/policy.yaml"
_MAX_BYTES: Final = 1_000_000
_LONGEST_TEXT: Final = 500

__all__ = ["LoadedPolicy", "PolicyErrors", "PolicyProblem", "dump_policy", "load_policy"]


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """The effective policy, its digest, and a description of its source."""

    policy: Policy
    digest: str
    source: str
    # Where each rule of `call` stands: file and line.
    rules_at: tuple[str, ...] = ()


def load_policy(
    overlay_path: Path | None = None, *, setting: str = "SITREP_POLICY=./policy.yaml"
) -> LoadedPolicy:
    """Load the built-in policy with the overlay at `overlay_path`, if one is given.

    `setting` is an example of naming another file; empty if no setting named this one.

    Raises:
        PolicyErrors: everything wrong with the file, each problem with its line.
    """
    built_in = (files("config") / "policy.yaml").read_text(encoding="utf-8")
    tree = parse_tree(built_in, path=BUILT_IN)
    source = "built-in policy"
    if overlay_path is not None:
        text = read_yaml_file(overlay_path, setting=setting, most_bytes=_MAX_BYTES)
        tree = lay_over(tree, parse_tree(text, path=str(overlay_path)))
        source = f"built-in policy with {overlay_path}"
    reading = read_tree(Policy, tree, longest_text=_LONGEST_TEXT)
    policy, problems = reading.value, [*reading.problems]
    if policy is not None:
        problems += disagreements_in(reading, tree)
        problems += _without_template(policy, tree)
    if problems or policy is None:
        raise PolicyErrors(problems)
    ranked = tuple(sorted(policy.severities, key=lambda severity: severity.rank))
    policy = replace(policy, severities=ranked)
    rules = [locate(tree, ("call", place)) for place in range(len(policy.call))]
    rules_at = tuple(f"{node.path}:{node.line}" for node in rules)
    return LoadedPolicy(policy, policy.digest, source, rules_at)


def dump_policy(policy: Policy) -> str:
    """Write a policy as YAML that gives the same policy when used as an overlay."""
    written = _with_removals(as_written(policy), as_written(load_policy().policy))
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100)


def _without_template(policy: Policy, tree: Node) -> Iterator[PolicyProblem]:
    """Yield a postmortem template that doesn't exist: only this package knows the files."""
    name, keys = policy.postmortem.template, ("postmortem", "template")
    if not name.endswith(".md.j2") or name not in template_names():
        what = "isn't a file of config/templates"
        yield locate(tree, keys).problem(keys, what, "postmortem.md.j2")


def _with_removals(upper: dict[str, object], lower: object) -> dict[str, object]:
    """Add a null for each key that the lower file has and this one doesn't."""
    if not isinstance(lower, dict):
        return upper
    merged = {
        key: _with_removals(value, lower.get(key)) if isinstance(value, dict) else value
        for key, value in upper.items()
    }
    return merged | {key: None for key in lower if key not in upper}
