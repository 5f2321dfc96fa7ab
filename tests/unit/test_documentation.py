"""The pages match the code: commands, keys, figures, buttons and examples."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from bot.__main__ import make_cli
from bot.features import all_features
from bot.framework.slash_commands import Command, Grammar
from config.policy_loader import load_policy
from config.scenario_loader import load_scenarios
from config.secrets_file import load_secrets
from incidents.escalation.packet import FIELDS, Packet, rate
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy
from incidents.policy.proposals import GuardedAction
from incidents.policy.schema import shape_of
from incidents.policy.supervision import Stage, StageRequirement
from tests.policies import built_in

ROOT = Path(__file__).parents[2]
LEARNING = ("docs/juniors.md", "docs/mentors.md", "docs/policy.md")
RUNNING = ("docs/operators.md", "docs/beside-your-tools.md")
PAGES = (*LEARNING, *RUNNING, "docs/scenarios.md", "README.md", "CHANGELOG.md")
MOVING = "docs/on-call.md"
LINKED = (*PAGES, MOVING, "docs/architecture.md", "docs/auditors.md", "docs/operations/runbooks.md")
TYPED = (*LINKED, "docs/proof.md", "CONTRIBUTING.md", "SECURITY.md")
SLASH = "/incident"

_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_KEY = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+")
# Endings of names with a dot that aren't keys: files and addresses.
_ENDINGS = frozenset({".md", ".py", ".yaml", ".db", ".svg", ".j2", ".com"})
_FIGURE = re.compile(rf"(\d+) ([a-z]+) \(`({_KEY.pattern})`")
_LABEL = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_UNITS = {"minutes": "m", "day": "d"}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", text_of(page))


def rows_of(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


# -- commands ---------------------------------------------------------------------------------


def commands_in(page: str) -> Iterator[str]:
    """Each command as it would be typed, without `/incident`; notation becomes plain words."""
    for line in prose_of(page).splitlines():
        for cell in re.split(r"(?<!\\)\|", line) if line.startswith("|") else [line]:
            codes = _CODE.findall(cell)
            # In a table, only the first has the prefix: `/incident show`, `list`.
            is_listing = line.startswith("|") and codes[:1] and codes[0].startswith(SLASH)
            for code in codes:
                if is_listing or code.startswith(f"{SLASH} "):
                    yield re.sub(r"\\?\||[\[\]]", _plain, code.removeprefix(SLASH)).strip()


def _plain(match: re.Match[str]) -> str:
    return "|" if match[0].endswith("|") else " "


@cache
def grammar() -> Grammar:
    return Grammar(command for feature in all_features() for command in feature.commands)


def first_words(command: Command) -> set[str]:
    """The first words that a command's usage lists, if any."""
    choice = re.search(r"(?:^\w+ |\[)([a-z-]+(?:\|[a-z-]+)+)", command.usage)
    return set(choice[1].split("|")) if choice else set()


@pytest.mark.parametrize(
    "page", [page for page in TYPED if page != "CHANGELOG.md" and f"`{SLASH} " in text_of(page)]
)
def test_the_bot_accepts_every_command_in_a_page(page: str) -> None:
    found = list(commands_in(page))
    assert found
    for typed in found:
        command, words = grammar().parse(typed)
        assert command is not None, typed
        if command.name not in {"proposal", "escalation", "prompts", "status"}:
            continue
        rest = re.sub(r"^\d+ *", "", words.text)
        given = set(rest.split(maxsplit=1)[0].split("|")) - {"…"} if rest else set()
        assert given <= first_words(command), typed


def test_the_readme_lists_every_command() -> None:
    listed = {grammar().parse(typed)[1].verb for typed in commands_in("README.md")}
    assert {command.name for command in grammar().commands} <= listed


def typed_in_a_shell(page: str) -> Iterator[list[str]]:
    """The words of each line for a shell that begins with `sitrep`, without that."""
    text = text_of(page)
    fenced = [line.strip() for _, block in _FENCED.findall(text) for line in block.splitlines()]
    for line in (*fenced, *_CODE.findall(prose_of(page))):
        if line.startswith("sitrep "):
            yield line.split()[1:]


@pytest.mark.parametrize("page", [page for page in TYPED if any(typed_in_a_shell(page))])
def test_the_command_line_has_every_command_and_option_in_a_page(page: str) -> None:
    for words in typed_in_a_shell(page):
        command: Any = typer.main.get_command(make_cli())
        for word in words:
            if not hasattr(command, "commands"):
                break
            if not word.startswith("-"):
                assert word in command.commands, words
                command = command.commands[word]
        known = {name for param in command.params for name in param.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, words


# -- the policy -------------------------------------------------------------------------------


def find_key(policy: Policy, dotted: str) -> object:
    """The policy's value under a key. Raises: LookupError."""
    value: object = policy
    for name in dotted.split("."):
        value = _inside(value, name)
    return value


def _inside(value: object, name: str) -> object:
    if is_dataclass(value) and name in {item.name for item in fields(value)}:
        return getattr(value, name)
    if isinstance(value, tuple):
        for item in value:
            shape = shape_of(type(item)) if is_dataclass(item) else None
            if shape and shape.key and str(getattr(item, shape.key)) == name:
                return getattr(item, shape.value) if shape.value else item
    raise LookupError(name)


def keys_in(page: str) -> Iterator[str]:
    for code in _CODE.findall(prose_of(page)):
        if _KEY.fullmatch(code) and Path(code).suffix not in _ENDINGS:
            yield code


@pytest.mark.parametrize("page", PAGES)
def test_every_key_of_the_policy_in_a_page_exists(page: str) -> None:
    missing = []
    for key in keys_in(page):
        try:
            find_key(built_in().policy, key)
        except LookupError:
            missing.append(key)
    assert missing == []


def laid_over(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path).policy


def differing_from_default(tmp_path: Path, told: dict[str, object]) -> list[str]:
    """The keys whose default differs from the page."""
    tree: dict[str, object] = {}
    for dotted, value in told.items():
        *path, last = dotted.split(".")
        place: Any = tree
        for name in path:
            place = place.setdefault(name, {})
        place[last] = value
    policy = laid_over(tmp_path, yaml.safe_dump(tree))
    return [key for key in told if find_key(policy, key) != find_key(built_in().policy, key)]


@pytest.mark.parametrize("page", ["docs/juniors.md", "docs/mentors.md"])
def test_a_figure_with_its_key_is_the_default(page: str, tmp_path: Path) -> None:
    told: dict[str, object] = {
        key: f"{number}{_UNITS[unit]}" if unit in _UNITS else int(number)
        for number, unit, key in _FIGURE.findall(prose_of(page))
    }
    assert told
    assert differing_from_default(tmp_path, told) == []


def test_the_table_of_defaults_shows_the_defaults(tmp_path: Path) -> None:
    table = text_of("docs/policy.md").partition("## The defaults")[2]
    told = {row[0].strip("`"): yaml.safe_load(row[1]) for row in rows_of(table) if "." in row[0]}
    assert told
    assert differing_from_default(tmp_path, told) == []


def examples() -> list[str]:
    found = _FENCED.findall(text_of("docs/policy.md") + text_of(MOVING))
    return [text for kind, text in found if kind == "yaml"]


def test_the_example_of_a_file_of_secrets_is_accepted(tmp_path: Path) -> None:
    for page in ("docs/operators.md", MOVING):
        blocks = [text for _, text in _FENCED.findall(text_of(page)) if "webhook_secret" in text]
        for number, block in enumerate(blocks):
            path = tmp_path / f"{number}.yaml"
            path.write_text(block, encoding="utf-8")
            path.chmod(0o600)
            assert load_secrets(path).find_phone("kim@example.com")
        assert blocks


@pytest.mark.parametrize("number", range(len(examples())))
def test_every_example_of_a_policy_is_accepted_and_changes_something(
    number: int, tmp_path: Path
) -> None:
    assert laid_over(tmp_path, examples()[number]) != built_in().policy


def test_each_larger_section_has_an_example() -> None:
    shown = {key for text in examples() for key in yaml.safe_load(text)}
    wanted = {"services", "escalation", "proposals", "rights", "guidance", "supervision"}
    assert shown >= {*wanted, "shadowing", "handover", "severities"}


# -- what Slack shows -------------------------------------------------------------------------


@cache
def shown_words() -> frozenset[str]:
    """Every text in the bot's source, and the titles of the first minutes' steps."""
    found = {
        node.value.strip()
        for path in (ROOT / "bot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    checklists = built_in().policy.guidance.checklists
    return frozenset(found | {step.title for one in checklists for step in one.steps})


@pytest.mark.parametrize("page", LEARNING[:2])
def test_every_button_named_in_a_page_exists(page: str) -> None:
    labels = set(_LABEL.findall(_CODE.sub("", prose_of(page))))
    assert labels
    assert labels - shown_words() == set()


# -- what the pages say -----------------------------------------------------------------------


def test_the_example_packet_has_the_score_shown() -> None:
    page = text_of("docs/juniors.md").partition("### A good packet")[2]
    page = page.partition("\n### ")[0]
    said = {row[0]: row[1] for row in rows_of(page) if row[0]}
    by_name = {words.name: field for field, words in FIELDS.items()}
    assert {by_name[name] for name in said} == set(PacketField)
    values = {str(by_name[name]): text for name, text in said.items()}
    values.pop("answer_by")
    packet = Packet(**values, answer_by=datetime(2026, 11, 2, 14, 30, tzinfo=UTC))  # type: ignore[arg-type]
    escalation = built_in().policy.escalation
    template = escalation.find_template(escalation.default_template)
    assert template is not None
    assert f"It scores {rate(packet, template).score} of 100" in page
    bare = Packet(ask=packet.ask, symptoms=packet.symptoms)
    assert f"With only ask and symptoms it scores {rate(bare, template).score}," in page


def test_the_pages_requirements_for_a_stage_match_the_policy() -> None:
    page = text_of("docs/juniors.md").partition("## What the next stage asks for")[2]
    told = {
        row[0].strip("`"): {key: int(count) for key, count in re.findall(r"`(\w+)` (\d+)", row[1])}
        for row in rows_of(page.partition("\n## ")[0])
        if row[0].startswith("`")
    }
    names = [item.name for item in fields(StageRequirement) if item.name != "stage"]
    wanted = {
        str(item.stage): {name: getattr(item, name) for name in names if getattr(item, name)}
        for item in built_in().policy.supervision.requirements
    }
    assert told == wanted


def test_the_page_lists_the_commands_that_need_agreement_in_each_stage() -> None:
    named = {
        "lowering the severity": GuardedAction.LOWER_SEVERITY,
        "resolving": GuardedAction.RESOLVE,
        "cancelling": GuardedAction.CANCEL,
        "closing": GuardedAction.CLOSE,
        "stakeholder updates": GuardedAction.POST_UPDATE,
    }
    proposals = built_in().policy.proposals
    rows = {row[0].strip("`"): row[2] for row in rows_of(text_of("docs/mentors.md")) if row[2:]}
    for stage in Stage:
        told = {named[words] for words in rows[stage].split(", ") if words != "none"}
        assert told == {one for one in GuardedAction if proposals.guards(one, stage=stage)}, stage


def test_every_scenario_is_named_with_its_level() -> None:
    page = text_of("docs/juniors.md")
    told = {
        key: level
        for keys, level in re.findall(r"((?:`[\w-]+`(?: and )?)+) \((st\w+)\)", page)
        for key in _CODE.findall(keys)
    }
    assert told == {scenario.key: scenario.level.value for scenario in load_scenarios(None)}


def test_the_commands_of_drills_in_a_page_name_existing_things() -> None:
    scenarios = {scenario.key: scenario for scenario in load_scenarios(None)}
    first = scenarios["bad-deploy"]
    known = {
        "drill": set(scenarios),
        "check": {check.key for check in first.checks},
        "act": {action.key for action in first.actions},
    }
    told: dict[str, set[str]] = {verb: set() for verb in known}
    for page in LEARNING:
        for typed in commands_in(page):
            words = grammar().parse(typed)[1]
            if words.verb in known and words.text:
                told[words.verb].add(words.text.split()[0])
    assert all(told.values())
    assert [verb for verb in known if not told[verb] <= known[verb]] == []


@pytest.mark.parametrize("page", LINKED)
def test_every_internal_link_leads_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    assert [link for link in _LINK.findall(text_of(page)) if not (here / link).exists()] == []
