"""Alert rules, dashboard and runbooks: they name metrics, labels and headings that exist."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bot.__main__ import make_cli
from bot.operations.telemetry import METRICS, Metric, MetricKind
from tests.architecture.sources import ROOT, require

FOLDER = ROOT / "docs" / "operations"
RUNBOOKS = "docs/operations/runbooks.md"
OPERATORS = "docs/operators.md"
# Prometheus adds these to whatever it scrapes.
TARGET_LABELS = frozenset({"instance", "job"})
_WORDS = frozenset({"and", "by", "on", "or", "unless", "without"})
_FUNCTIONS = frozenset(
    {"absent", "histogram_quantile", "increase", "max", "max_over_time", "min", "rate", "sum"}
    | {"topk", "vector"}
)
_SELECTOR = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r'\s*(\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*')
_GROUPING = re.compile(r"\b(by|on|without)\s*\(([^)]*)\)")
_DURATION = re.compile(r"\[\d+[smhd]\]")
_NAME = re.compile(r"[a-zA-Z_]\w*")
_NUMBER = re.compile(r"\b\d[\d.]*(?:e\d+)?\b")


def series_of(metric: Metric) -> Mapping[str, frozenset[str]]:
    """Return the labels of the series that a metric is scraped as, by their names."""
    labels = frozenset(metric.labels) | TARGET_LABELS
    match metric.kind:
        case MetricKind.COUNTER:
            return {f"{metric.name}_total": labels}
        case MetricKind.GAUGE:
            return {metric.name: labels}
        case MetricKind.HISTOGRAM:
            bucket = {f"{metric.name}_bucket": labels | {"le"}}
            return bucket | {f"{metric.name}_{end}": labels for end in ("sum", "count")}


@cache
def exported() -> Mapping[str, frozenset[str]]:
    """The labels of every series that is scraped, by its name."""
    return {name: labels for metric in METRICS for name, labels in series_of(metric).items()}


def faults_of(expression: str) -> Iterator[str]:
    """Find metrics, labels and words of an expression that don't exist."""
    for name, selector in re.findall(rf"({_NAME.pattern})\s*{_SELECTOR.pattern}", expression):
        left = _MATCHER.sub("", selector).replace(",", "")
        if left:
            yield f"can't read {{{selector}}}"
        for label in _MATCHER.findall(selector):
            if label not in exported().get(name, frozenset()):
                yield f"{name} has no label {label}"
    bare = _DURATION.sub("", _SELECTOR.sub("", expression))
    groupings = _GROUPING.findall(bare)
    names = set(_NAME.findall(_NUMBER.sub("", _GROUPING.sub("", bare)))) - _WORDS - _FUNCTIONS
    yield from (f"no metric {name}" for name in names - set(exported()))
    if not names:
        yield "no metric at all"
    known = frozenset().union(*(exported().get(name, frozenset()) for name in names))
    for _, labels in groupings:
        for label in _NAME.findall(labels):
            if label not in known:
                yield f"no label {label}"
    if expression.count("(") != expression.count(")"):
        yield "brackets that don't match"


def kept_labels(expression: str) -> frozenset[str]:
    """Return the labels that an expression's result has."""
    groupings = [labels for word, labels in _GROUPING.findall(expression) if word == "by"]
    if groupings:
        return frozenset(_NAME.findall(groupings[0]))
    if re.match(r"(absent|histogram_quantile|max|min|sum)\b", expression):
        return frozenset()
    names = set(_NAME.findall(_SELECTOR.sub("", expression))) & set(exported())
    return frozenset().union(*(exported()[name] for name in names))


def alerts() -> list[dict[str, Any]]:
    """The rules of the alerts' file."""
    loaded = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def targets() -> list[tuple[str, dict[str, Any]]]:
    """The queries of the dashboard, each with its panel's title."""
    board = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return [(panel["title"], target) for panel in board["panels"] for target in panel["targets"]]


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_alerts_and_dashboard_name_metrics_and_labels_that_are_exported() -> None:
    expressions = {rule["alert"]: rule["expr"] for rule in alerts()}
    given = [*expressions.items(), *((title, target["expr"]) for title, target in targets())]
    require(
        (f"{name}: {fault} in {text}" for name, text in given for fault in faults_of(text)),
        rule="Alerts and dashboard name what bot/operations/telemetry.py exports.",
        instead="correct the expression, or declare the metric and measure it.",
    )


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for _, target in targets() for name in _NAME.findall(target["expr"])}
    assert [metric.name for metric in METRICS if not shown & set(series_of(metric))] == []


def test_the_operators_page_explains_every_metric_and_no_other() -> None:
    page = (ROOT / OPERATORS).read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(sitrep_\w+)` \| ", page, re.MULTILINE)
    assert sorted(explained) == sorted(metric.name for metric in METRICS)


def test_the_operators_commands_to_docker_fit_the_image() -> None:
    page = (ROOT / OPERATORS).read_text(encoding="utf-8")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (volume,) = re.findall(r"^VOLUME (\S+)$", image, re.MULTILINE)
    (port,) = re.findall(r"^EXPOSE (\d+)$", image, re.MULTILINE)
    assert f"--volume sitrep-data:{volume} sitrep" in page
    assert f":{port}:{port}`" in page


def test_the_service_runs_a_command_that_exists_as_the_page_installs_it() -> None:
    unit = (FOLDER / "sitrep.service").read_text(encoding="utf-8")
    page = (ROOT / OPERATORS).read_text(encoding="utf-8")
    (binary, command) = re.findall(r"^ExecStart=(\S+) (.+)$", unit, re.MULTILINE)[0]
    assert is_command(command.split())
    folder = binary.removesuffix("/bin/sitrep")
    assert f"python3 -m venv {folder}\n" in page
    (settings,) = re.findall(r"^EnvironmentFile=(\S+)$", unit, re.MULTILINE)
    (database,) = re.findall(r"^Environment=(DATABASE_URL=\S+)$", unit, re.MULTILINE)
    assert settings in page
    assert database in page


def test_an_alert_says_what_happens_and_where_to_read_on() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))
    for rule in alerts():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}, rule
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "0s")), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url"}, rule["alert"]
        page, _, anchor = notes["runbook_url"].partition("#")
        assert page == RUNBOOKS, rule["alert"]
        assert anchor in anchors(page), f"{rule['alert']}: no heading {anchor}"


def test_links_within_the_runbooks_lead_to_headings() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", (ROOT / RUNBOOKS).read_text(encoding="utf-8"))
    assert links
    assert set(links) <= anchors(RUNBOOKS)


@pytest.mark.parametrize("page", [RUNBOOKS, OPERATORS, "docs/auditors.md"])
def test_the_commands_of_a_page_exist_with_their_options(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    inline = re.findall(r"`(?:docker exec sitrep )?sitrep ([a-z][^`\n]*)`", text)
    typed = inline + re.findall(r"^sitrep ([a-z][^\n]*)$", text, re.MULTILINE)
    assert len(typed) > 4
    wrong = [line for line in typed if not is_command(line.split())]
    assert wrong == []


def is_command(words: list[str]) -> bool:
    """Tell whether words after `sitrep` are a command with options that it has."""
    command: Any = get_command(make_cli())
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {option for one in command.params for option in one.opts}
    is_complete = not getattr(command, "commands", {})
    return is_complete and all(word in options for word in words if word.startswith("--"))


def test_words_of_alerts_and_legends_use_labels_that_are_left() -> None:
    for rule in alerts():
        words = " ".join(rule["annotations"].values())
        used = set(re.findall(r"\$labels\.(\w+)", words))
        assert used <= kept_labels(rule["expr"]), rule["alert"]
    for title, target in targets():
        used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        text = target["expr"]
        assert used <= kept_labels(text), f"{title}: {text}"


def test_every_alert_is_named_in_the_runbooks() -> None:
    page = (ROOT / RUNBOOKS).read_text(encoding="utf-8")
    assert [rule["alert"] for rule in alerts() if f"`{rule['alert']}`" not in page] == []


@pytest.mark.parametrize(
    "expression",
    [
        "sitrep_request_seconds",
        "sitrep_effects",
        "sitrep_sockets_open > 1",
        'sitrep_ready{part="database"}',
        "sum by (method) (sitrep_ready)",
        "median(sitrep_ready)",
        "sum(sitrep_ready",
        "1 > 0",
    ],
)
def test_an_expression_that_prometheus_would_answer_with_nothing_is_found(expression: str) -> None:
    assert list(faults_of(expression))
