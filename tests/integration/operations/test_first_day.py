"""The first day: `sitrep init` writes a policy that works, and never over one that is there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from bot.__main__ import make_cli
from bot.operations.reach import gaps
from config.policy_loader import load_policy
from incidents.policy.references import GroupRef, PersonRef
from tests.program import environment, run
from tests.slack_server import SlackServer


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A workspace with two services that have people on call."""
    async with SlackServer() as server:
        server.add_channel("incidents", members=[server.bot])
        kim = server.add_person("kim", tz="Europe/Berlin")
        server.add_person("pat", name="Pat\n# Kim")
        for handle in ("search-oncall", "search-team", "checkout-on-call", "marketing"):
            server.add_group(handle, [kim])
        yield server


def given(slack: SlackServer) -> dict[str, str]:
    return environment(SLACK_API_URL=slack.api_url, SLACK_BOT_TOKEN=slack.bot_token)


async def test_a_policy_is_suggested_from_slack_that_reaches_somebody_in_every_service(
    slack: SlackServer, tmp_path: Path
) -> None:
    words = ("--yes", "--manager", "pat@example.com", "--backup", "pat@example.com")
    code, output = await run("init", *words, environ=given(slack), folder=tmp_path)
    assert (code, "!!" in output, "Make a public channel" in output) == (0, False, False)
    text = (tmp_path / "policy.yaml").read_text()
    assert len(text.splitlines()) <= 30
    policy = load_policy(tmp_path / "policy.yaml").policy
    assert [(one.key, one.name) for one in policy.services] == [
        ("checkout", "Checkout"),
        ("search", "Search"),
    ]
    search = policy.services[1]
    assert isinstance(search.on_call, GroupRef)
    assert search.on_call.group_id
    assert "# @search-oncall, @search-team" in text
    assert policy.reminders.holidays_country == "DE"
    assert policy.escalation.manager == policy.backup_for("sev1", ())
    assert list(gaps(policy)) == []


async def test_what_slack_refuses_is_said_and_the_rest_goes_on(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.fail("usergroups.list", error="missing_scope", times=9)
    slack.fail("conversations.list", error="missing_scope", times=9)
    words = ("--yes", "--service", "Search=@search-oncall", "--channel", "ops")
    code, output = await run("init", *words, environ=given(slack), folder=tmp_path)
    assert code == 0
    assert "Slack didn't tell about the user groups (missing_scope)" in output
    assert "Slack didn't tell about the channels (missing_scope)" in output
    policy = load_policy(tmp_path / "policy.yaml").policy
    assert policy.announcement.channel == "#ops"
    assert policy.services[0].on_call == GroupRef(handle="search-oncall")


async def test_a_name_that_fits_nobody_in_slack_writes_nothing(
    slack: SlackServer, tmp_path: Path
) -> None:
    for words, said in (
        (("--manager", "nobody@example.com"), "nobody@example.com isn't an active member"),
        (("--service", "Search=@serach-oncall"), "There is no user group @serach-oncall"),
        (("--holidays", "XX"), "isn't a country code that we know holidays for"),
    ):
        code, output = await run("init", "--yes", *words, environ=given(slack), folder=tmp_path)
        assert (code, said in output) == (1, True), output
    assert not (tmp_path / "policy.yaml").exists()


def test_without_slack_the_questions_are_enough_and_ask_again_what_they_dont_understand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = "", "Search", "bob", "kim@example.com", "", "pat@example.com", "@sre", "U0PAT123", ""
    logging = structlog.get_config()
    try:
        asked = CliRunner().invoke(
            make_cli(), ["init", "--offline"], input="\n".join((*answers, ""))
        )
    finally:
        structlog.configure(**logging)  # commands let the log end with their output
    assert asked.exit_code == 0, asked.output
    assert "`bob` names nobody: write an address" in asked.output
    assert "@sre is a group: name one person" in asked.output
    policy = load_policy(tmp_path / "policy.yaml").policy
    assert policy.announcement.channel == "#incidents"
    assert policy.services[0].on_call == PersonRef(email="kim@example.com")
    assert policy.backup_for("sev2", ()) == PersonRef(user_id="U0PAT123")


async def test_every_name_of_a_service_becomes_a_key_of_its_own(tmp_path: Path) -> None:
    names = ("No", "404", "null", "支付", "検索", "Search", "search!", 'Münze 🚀 "a" \\ b: {c}')
    words = [word for name in names for word in ("--service", f"{name}=@pay-oncall")]
    code, output = await run(
        "init", "--yes", "--offline", *words, environ=environment(), folder=tmp_path
    )
    assert code == 0, output
    services = load_policy(tmp_path / "policy.yaml").policy.services
    assert tuple(one.name for one in services) == names
    assert [one.key for one in services[:7]] == [
        *("no", "404", "null", "service", "service-2", "search", "search-2")
    ]


def test_what_the_policy_would_refuse_is_asked_again_before_anything_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = "a,b", "ops", "Pay, Pay", "", "", "", "", "XX", "de"
    logging = structlog.get_config()
    try:
        asked = CliRunner().invoke(
            make_cli(), ["init", "--offline"], input="\n".join((*answers, ""))
        )
    finally:
        structlog.configure(**logging)
    assert asked.exit_code == 0, asked.output
    assert "`a,b` isn't a channel" in asked.output
    assert "`XX` isn't a country code that we know holidays for" in asked.output
    policy = load_policy(tmp_path / "policy.yaml").policy
    assert [one.name for one in policy.services] == ["Pay"]
    assert policy.reminders.holidays_country == "DE"


async def test_a_policy_that_is_there_is_overwritten_only_by_force(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("default_severity: sev2\n")
    code, output = await run("init", "--yes", "--offline", environ=environment(), folder=tmp_path)
    assert (code, "Add --force to overwrite it" in output) == (1, True)
    assert file.read_text() == "default_severity: sev2\n"
    code, output = await run(
        "init", "--yes", "--offline", "--force", environ=environment(), folder=tmp_path
    )
    assert code == 0
    assert "!! an incident that names no service calls nobody → set escalation.manager" in output


async def test_the_doctor_says_which_incidents_call_nobody(
    slack: SlackServer, tmp_path: Path
) -> None:
    empty = slack.add_group("empty-oncall", [])
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "call: []\n"
        f"services:\n  search: {{name: Search, tier: 1, on_call: {empty.id}}}\n"
        '  checkout: {name: Checkout, tier: 1, on_call: "@checkout-on-call"}\n'
    )
    environ = {**given(slack), "SITREP_POLICY": str(policy)}
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    assert "!! @empty-oncall has no members" in output
    assert "!! an incident in Search calls nobody → set on_call" in output
    assert "!! if nobody takes command of a SEV1 or SEV2, Sitrep calls nobody → add" in output
    assert "!! a SEV1 that names no service wakes nobody when it is declared → set" in output
    assert "in Checkout calls nobody" not in output
