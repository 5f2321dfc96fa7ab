"""`sitrep import`: what Opsgenie and PagerDuty exported becomes a policy, and the rest is said."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.operations.importing.opsgenie import import_opsgenie
from bot.operations.importing.pagerduty import import_pagerduty
from bot.operations.importing.policy_text import all_leftovers, policy_text
from bot.operations.importing.reading import Product, read_export
from config.policy_loader import load_policy
from tests.program import environment, run

EXPORTS = Path(__file__).parent / "exports"
IMPORTS = {Product.OPSGENIE: import_opsgenie, Product.PAGERDUTY: import_pagerduty}
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


async def imported(folder: Path, *words: str, product: str = "opsgenie") -> tuple[int, str]:
    return await run("import", product, *words, environ=environment(COLUMNS="200"), folder=folder)


def written(
    product: Product, folder: Path, changed: Mapping[str, Any] | None = None, now: datetime = NOW
) -> tuple[Mapping[str, Any], str]:
    """The policy and the leftovers of a fixture, with some lists changed."""
    found = json.loads((EXPORTS / f"{product}.json").read_text()) | (changed or {})
    file = folder / "changed.json"
    file.write_text(json.dumps(found))
    result = IMPORTS[product](read_export(file, product), now=now)
    leftovers = "\n".join(f"{one.what} → {one.todo}" for one in all_leftovers(result, product))
    return yaml.safe_load(policy_text(result, product)), leftovers


@pytest.mark.parametrize("product", ["opsgenie", "pagerduty"])
async def test_an_export_becomes_a_policy_that_sitrep_accepts(product: str, tmp_path: Path) -> None:
    export = str(EXPORTS / f"{product}.json")
    code, output = await imported(tmp_path, export, "--output", "mine.yaml", product=product)
    assert code == 0, output
    assert "What I couldn't carry over as it was, and what to do about it" in output
    policy = load_policy(tmp_path / "mine.yaml").policy
    assert "checkout" in {one.key for one in policy.services}
    checked, said = await run(
        "policy", "check", "mine.yaml", environ=environment(), folder=tmp_path
    )
    assert (checked, said[:2]) == (0, "ok"), said


def test_opsgenies_service_calls_by_its_teams_default_rule(tmp_path: Path) -> None:
    policy, _ = written(Product.OPSGENIE, tmp_path)
    checkout = policy["services"]["checkout"]
    assert checkout["owner"] == "kim@example.com"
    assert checkout["on_call"] == "rotation/payments-schedule"
    # After 5 minutes, then 10 minutes later: delays there count from the beginning.
    assert checkout["steps"][0] == {"who": ["rotation/payments-schedule"], "wait": "10m"}
    assert checkout["steps"][1] == ["kim@example.com", "ben@example.com"]
    rotation = policy["on_call"]["rotations"]["payments-schedule"]
    assert rotation["handover"] == "monday 09:00"
    assert (rotation["every"], rotation["time_zone"]) == ("7d", "Europe/Berlin")
    assert [one["who"] for one in rotation["overrides"]] == ["sam@example.com"]


def test_pagerduty_calls_the_layer_that_counts_and_pages_its_own_service(tmp_path: Path) -> None:
    policy, leftovers = written(Product.PAGERDUTY, tmp_path)
    rotations = policy["on_call"]["rotations"]
    assert set(rotations["payments-primary"]["people"]) == {"kim@example.com", "ben@example.com"}
    assert rotations["payments-secondary"]["every"] == "14d"
    checkout = policy["services"]["checkout"]
    assert checkout["steps"] == [
        {"who": ["sam@example.com"], "wait": "10m"},
        {"who": ["rotation/payments-secondary"], "wait": "15m"},
        {"who": ["kim@example.com", "ana@example.com"], "wait": "30m"},
    ]
    assert checkout["reach"] == ["pagerduty/checkout"]
    assert "Covered" not in leftovers


@pytest.mark.parametrize(
    ("product", "said"),
    [
        (
            Product.OPSGENIE,
            [
                "Payments_schedule, Office hours: sam@example.com only Monday 09:00 to Friday 17:30",
                "Follow the sun, Tokyo: sam@example.com only 00:00 to 12:00",
                "it may wake people at night",
                "Last year's is switched off",
                "Payments routes alerts by rules",
                "Payments_escalation repeats",
                "calls the next person on call of Payments_schedule",
                "the team Payments, which is 2 people",
                "Pager robot is on call, but has no e-mail address",
                "404 calls nobody → set on_call under services.404",
                "Checkout 5m",
            ],
        ),
        (
            Product.PAGERDUTY,
            [
                "Payments primary, Lunch: sam@example.com only 12:00 for 1 hour;",
                "Half days, Layer 1 hands over every 12 hours",
                "Payments calls its people in turn (round robin)",
                "Lee Gone is on call, but has no e-mail address",
                "Night batch is urgent only in its support hours",
                "Checkout called sam@example.com together with rotation/payments-primary",
                "Checkout 10m",
            ],
        ),
    ],
)
def test_what_couldnt_be_carried_over_is_said(
    product: Product, said: list[str], tmp_path: Path
) -> None:
    _, leftovers = written(product, tmp_path)
    missing = [one for one in said if one not in leftovers]
    assert not missing, leftovers


@pytest.mark.parametrize("product", list(Product))
def test_nobodys_turn_changes_by_the_import(product: Product, tmp_path: Path) -> None:
    """Week by week through two years, summer time included, by the wall clock."""
    key, zone, people = {
        Product.OPSGENIE: ("payments-schedule", "Europe/Berlin", ["kim", "ben"]),
        Product.PAGERDUTY: ("payments-primary", "America/New_York", ["kim", "ben"]),
    }[product]
    first = {Product.OPSGENIE: date(2025, 3, 3), Product.PAGERDUTY: date(2025, 1, 6)}[product]
    # Adding to a time with a zone moves its wall clock.
    begins = datetime.combine(first, time(9), ZoneInfo(zone))
    for week in range(104):
        handover = begins + timedelta(weeks=week)
        for late in (timedelta(0), timedelta(days=6, hours=23, minutes=59)):
            moment = handover + late
            policy, _ = written(product, tmp_path, now=moment.astimezone(UTC))
            rotation = policy["on_call"]["rotations"][key]
            assert rotation["people"][0] == f"{people[week % 2]}@example.com", moment
            assert rotation["starts_on"] == handover.date(), moment


def test_teams_become_services_if_there_are_none(tmp_path: Path) -> None:
    policy, leftovers = written(Product.OPSGENIE, tmp_path, {"services": []})
    assert list(policy["services"]) == ["payments", "platform"]
    assert "each team became one" in leftovers


def test_parts_of_the_wrong_kind_end_in_the_list_and_not_in_a_crash(tmp_path: Path) -> None:
    junk: list[Any] = [None, 7, [], {}, {"name": 5, "id": None, "rules": 3, "rotations": [{}]}]
    for product in Product:
        for name in ("users", "teams", "schedules", "services", "escalations"):
            policy, leftovers = written(product, tmp_path, {name: junk})
            assert "call" in policy
            assert leftovers


def test_peoples_text_stays_text(tmp_path: Path) -> None:
    nasty = 'x: [&a "\\ \x1b[31m\n  evil: true # 🚀'
    found = json.loads((EXPORTS / "pagerduty.json").read_text())
    services = [one | {"name": nasty, "teams": [{"summary": nasty}]} for one in found["services"]]
    schedules = [one | {"name": nasty} for one in found["schedules"]]
    changed = {"services": services, "schedules": schedules}
    policy, leftovers = written(Product.PAGERDUTY, tmp_path, changed)
    assert [one["name"].startswith("x: [&a") for one in policy["services"].values()] == [True, True]
    assert not any("evil" in part for part in policy)
    assert "\x1b" not in leftovers


async def test_wrong_files_are_refused_with_what_they_are(tmp_path: Path) -> None:
    opsgenie, pagerduty = (
        (EXPORTS / f"{name}.json").read_text() for name in ("opsgenie", "pagerduty")
    )
    wrong = {
        "cut.json": (opsgenie[:3000], "breaks off in line"),
        "broken.json": (opsgenie.replace('"teams":', '"teams"', 1), "isn't valid JSON in line"),
        "other.json": (pagerduty, "is from PagerDuty. Type sitrep import pagerduty other.json"),
        "page.html": ("<!doctype html><title>Log in</title>", "is a web page, not JSON"),
        "users.csv": ("id,username\n1,kim@example.com\n", "but a table (CSV)"),
        "list.json": ("[]", "is one list"),
        "empty.json": ("", "is empty"),
        "none.json": ("{}", "holds none of these lists"),
        "error.json": ('{"message": "Key format is not valid!"}', '"Key format is not valid!"'),
        "deep.json": ('{"users": ' + "[" * 100_000, "nested too deep"),
        "first.json": ('{"users": {"data": [], "paging": {"next": "x"}}}', "only the first page"),
        "nothing.json": ('{"users": []}', "nothing to import"),
    }
    for name, (content, said) in wrong.items():
        (tmp_path / name).write_text(content)
        code, output = await imported(tmp_path, name, "--output", "p.yaml")
        assert (code, said in output) == (1, True), output
    (tmp_path / "zip.json").write_bytes(b"PK\x03\x04\xff\xfe\x80")
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(60_000_000)
    for name, said in (
        ("zip.json", "isn't text"),
        ("huge.json", "has 60 MB"),
        (".", "can't be read"),
        ("missing.json", "can't be read: No such file"),
    ):
        code, output = await imported(tmp_path, name, "--output", "p.yaml")
        assert (code, said in output) == (1, True), output
    assert not (tmp_path / "p.yaml").exists()


async def test_a_policy_that_is_there_is_kept_unless_force_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    words = (str(EXPORTS / "opsgenie.json"), "--output", "mine.yaml")
    code, output = await imported(tmp_path, *words)
    assert (code, "Add --force to overwrite it" in output) == (1, True), output
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    code, _ = await imported(tmp_path, *words, "--force")
    assert (code, (tmp_path / "mine.yaml").read_text() == "mine") == (0, False)
