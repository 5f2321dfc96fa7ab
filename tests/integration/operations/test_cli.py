"""The command line as people use it: every command in its own process."""

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from incidents.people.assignable import Named
from incidents.rights.stages import Stage
from incidents.storage.database import open_database
from incidents.supervision.stage_changes import StageChange, change_stage
from tests.program import Program, environment, run
from tests.slack_server import SlackServer
from tests.supervision import managed
from tests.world import World

EXIT_CONFIGURATION = 2


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A Slack for the doctor to check."""
    async with SlackServer() as server:
        server.add_channel("incidents", members=[server.bot])
        yield server


def connected(slack: SlackServer, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a fully configured bot."""
    given = {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite:///{folder}/sitrep.db",
    }
    return environment(**{**given, **more})


async def test_all_errors_of_settings_policy_and_scenarios_are_reported_at_once(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("severities:\n  sev9:\n    rnak: 9\n")
    environ = environment(
        SITREP_POLICY=str(policy),
        SITREP_SCENARIOS=str(tmp_path / "nowhere"),
        PORT="eighty",
        SLACK_BOT_TOKEN="xapp-1-secretsecret",
        DATABASE_URL="mysql://root:hunter2@db/sitrep",
    )
    code, output = await run("serve", environ=environ, folder=tmp_path)
    assert code == EXIT_CONFIGURATION
    for expected in ("PORT must be", "SLACK_BOT_TOKEN", "DATABASE_URL", "policy.yaml:3", "rnak"):
        assert expected in output
    assert "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is missing" in output
    assert "isn't a folder; name the one that holds your scenarios" in output
    assert "for example PORT=8080" in output
    assert "a file .env in this folder" in output
    assert "secretsecret" not in output
    assert "hunter2" not in output
    assert "Traceback" not in output


async def test_a_port_in_use_is_reported(slack: SlackServer, tmp_path: Path) -> None:
    port = slack.api_url.split(":")[2].split("/")[0]
    environ = connected(slack, tmp_path, PORT=port)
    code, output = await run("serve", environ=environ, folder=tmp_path)
    assert code == 1
    assert f"Can't listen on 127.0.0.1:{port}" in output
    assert "Traceback" not in output


async def test_missing_scopes_are_reported_at_startup(slack: SlackServer, tmp_path: Path) -> None:
    slack.backend.scopes = slack.backend.scopes - {"pins:write"}
    environ = connected(slack, tmp_path)
    program = await Program.start("serve", environ=environ, folder=tmp_path)
    try:
        warning = await program.said("scopes_missing")
        assert warning["scopes"] == ["pins:write"]
        program.signal()
        assert await program.ended() == 0
    finally:
        await program.end()


async def test_an_env_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / ".env").write_bytes, b"SLACK_BOT_TOKEN=\xff\n")
    code, output = await run("doctor", environ=environment(), folder=tmp_path)
    assert code == EXIT_CONFIGURATION
    assert ".env can't be read: it isn't text in UTF-8" in output
    assert "Traceback" not in output


# -- manifest and policy ----------------------------------------------------------------------


async def test_the_manifest_needs_no_tokens(tmp_path: Path) -> None:
    code, output = await run("manifest", environ=environment(), folder=tmp_path)
    manifest = json.loads(output)
    assert code == 0
    assert manifest["settings"]["socket_mode_enabled"] is True
    url = "https://sitrep.example.com"
    code, output = await run("manifest", "--url", url, environ=environment(), folder=tmp_path)
    assert json.loads(output)["features"]["slash_commands"][0]["url"] == f"{url}/slack/events"


async def test_the_policy_shown_is_the_one_in_force(tmp_path: Path) -> None:
    overlay = tmp_path / "policy.yaml"
    overlay.write_text("command: /outage\n")
    environ = environment(SITREP_POLICY=str(overlay))
    code, checked = await run("policy", "check", environ=environ, folder=tmp_path)
    assert code == 0
    digest = checked.split()[-1]
    code, shown = await run("policy", "show", environ=environ, folder=tmp_path)
    assert (code, "command: /outage" in shown) == (0, True)
    assert digest in shown

    copied = tmp_path / "copied.yaml"
    copied.write_text(shown)
    code, again = await run("policy", "check", str(copied), environ=environment(), folder=tmp_path)
    assert (code, again.split()[-1]) == (0, digest)


async def test_a_wrong_policy_file_is_refused_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("command: /outage\nchannnels: {}\n")
    code, output = await run("policy", "check", str(wrong), environ=environment(), folder=tmp_path)
    assert code == EXIT_CONFIGURATION
    assert "wrong.yaml:2" in output


async def test_a_missing_file_named_on_the_command_line_blames_no_setting(tmp_path: Path) -> None:
    code, output = await run("policy", "check", "no.yaml", environ=environment(), folder=tmp_path)
    assert code == EXIT_CONFIGURATION
    assert "no.yaml: there is no such file; check its name" in output
    assert "SITREP_POLICY" not in output


def _make_foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE incidents (what TEXT)")


# -- migrate and serve ------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_postgresql_is_migrated_by_command_and_never_by_serving(
    slack: SlackServer, tmp_path: Path, database_url: str
) -> None:
    environ = connected(slack, tmp_path, DATABASE_URL=database_url)
    await _execute(database_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    code, output = await run("serve", environ=environ, folder=tmp_path)
    assert code == 1
    assert "The database is empty" in output
    assert "sitrep migrate" in output

    code, output = await run("migrate", environ=environ, folder=tmp_path)
    assert code == 0
    assert "is now at schema" in output
    code, output = await run("migrate", environ=environ, folder=tmp_path)
    assert (code, "already" in output) == (0, True)
    code, output = await run("migrate", "--to", "base", environ=environ, folder=tmp_path)
    assert (code, "There's no older schema base; nothing was changed." in output) == (1, True)

    await _execute(database_url, "UPDATE alembic_version SET version_num = '29991231_0000'")
    for command in ("serve", "migrate"):
        code, output = await run(command, environ=environ, folder=tmp_path)
        assert code == 1
        assert "29991231_0000, which this version doesn't know" in output


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.write_bytes(b"no database" * 100), "file is not a database"),
        (lambda path: path.mkdir(), "unable to open database file"),
        (_make_foreign, "another program's tables"),
    ],
)
async def test_a_file_that_is_no_database_is_refused_at_once(
    slack: SlackServer, tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    make(tmp_path / "sitrep.db")
    for command in ("serve", "migrate"):
        code, output = await run(command, environ=connected(slack, tmp_path), folder=tmp_path)
        assert code == 1
        assert expected in output
        assert "waiting_for_database" not in output
        assert "Traceback" not in output


async def test_a_read_only_database_is_refused_before_anything_starts(
    slack: SlackServer, tmp_path: Path, sqlite_url: str
) -> None:
    # Tests may run as root, which ignores file modes.
    await _execute(
        sqlite_url,
        "CREATE TRIGGER read_only BEFORE UPDATE ON alembic_version "
        "BEGIN SELECT RAISE(ABORT, 'this is read-only'); END",
    )
    environ = connected(slack, tmp_path, DATABASE_URL=sqlite_url)
    code, output = await run("serve", environ=environ, folder=tmp_path)
    assert code == 1
    assert "The database can't be used: this is read-only" in output

    (file := Path(sqlite_url.partition("///")[2])).chmod(0o400)
    code, output = await run("doctor", environ=environ, folder=tmp_path, obeys_modes=True)
    assert (code, f"this user may not write to {file}" in output) == (1, True), output


async def test_a_folder_that_cannot_be_created_is_reported(
    slack: SlackServer, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("in the way")
    environ = connected(slack, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/data/sitrep.db")
    for command in ("serve", "migrate", "doctor"):
        code, output = await run(command, environ=environ, folder=tmp_path)
        assert code == 1
        assert "data" in output
        assert "DATABASE_URL" in output
        assert "Traceback" not in output


# -- doctor -----------------------------------------------------------------------------------


async def test_the_doctor_finds_everything_in_order(slack: SlackServer, tmp_path: Path) -> None:
    slack.add_person("alice")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "private: {invite: [alice@example.com]}\n"
        "escalation: {manager: alice@example.com}\n"
        "call:\n- {severity: sev2, backup: alice@example.com}\n- {severity: sev1, call: [on_call]}\n"
        "on_call: {fallback: alice@example.com}\n"
    )
    environ = connected(slack, tmp_path, SITREP_POLICY=str(policy))
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert "!!" not in output
    assert code == 0
    for expected in ("bot token is valid", "app token", "#incidents is there", "1 person"):
        assert expected in output
    assert slack.bot_token not in output
    assert "slack_called" not in output  # log lines belong to the log of a bot


async def test_the_doctor_says_what_is_wrong_and_what_to_do(
    slack: SlackServer, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        'announcement:\n  channel: "#nowhere"\n'
        'private:\n  invite: [bob@example.com, U0NOBODY, "@ghosts"]\n'
    )
    slack.backend.scopes = slack.backend.scopes - {"pins:write", "im:history"}
    slack.fail("apps.connections.open", error="invalid_auth")
    environ = connected(slack, tmp_path, SITREP_POLICY=str(policy))
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    wrong = [line for line in output.splitlines() if line.startswith("!!")]
    assert all(" → " in line for line in wrong)
    for expected in (
        "#nowhere",
        "bob@example.com",
        "U0NOBODY",
        "@ghosts",
        "2 scopes are missing: im:history (for",
        "app token",
    ):
        assert any(expected in line for line in wrong), expected
    assert sum("scope" in line for line in wrong) == 1
    slack.backend.names_scopes = False
    _, output = await run("doctor", environ=environ, folder=tmp_path)
    assert "ok scopes not checked: the server didn't say which ones the token has" in output


async def test_the_doctor_says_which_address_or_handle_names_nobody(
    slack: SlackServer, tmp_path: Path
) -> None:
    for name in ("kim", "kim2"):
        slack.add_person(name, email="kim@example.com")
    slack.add_person("gus", guest=True)
    eve = slack.add_person("eve", external_team="T0OTHER")
    slack.deactivate(slack.add_person("lea"))
    for _ in range(2):
        slack.add_group("sre", [])
    names = f'kim@example.com, gus@example.com, {eve.id}, lea@example.com, "@sre"'
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"private:\n  invite: [{names}]\n")
    environ = connected(slack, tmp_path, SITREP_POLICY=str(policy))
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    wrong = [line for line in output.splitlines() if line.startswith("!!")]
    for expected in (
        "kim@example.com belongs to 2 active members",
        "gus@example.com isn't an active member: a guest",
        f"{eve.id} isn't an active member: from another workspace",
        "lea@example.com isn't an active member: deactivated",
        "@sre is the handle of 2 user groups",
    ):
        assert any(expected in line for line in wrong), expected


async def test_a_token_of_a_whole_organisation_is_refused_with_the_reason(
    slack: SlackServer, tmp_path: Path
) -> None:
    slack.ws.enterprise_id, slack.ws.is_org_wide = "E0ORG", True
    environ = connected(slack, tmp_path)
    for command in ("doctor", "serve"):
        code, output = await run(command, environ=environ, folder=tmp_path)
        assert code == 1, command
        assert "belongs to a whole organisation (E0ORG), not to one workspace" in output
        assert "install the app in the workspace" in output


async def test_the_doctor_checks_what_it_can_without_tokens(tmp_path: Path) -> None:
    environ = environment(DATABASE_URL=f"sqlite:///{tmp_path}/sitrep.db")
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    assert "!! SLACK_BOT_TOKEN is missing" in output
    assert "doesn't exist yet; `sitrep serve` creates it" in output
    assert not (tmp_path / "sitrep.db").exists()


async def test_the_doctor_sees_that_the_database_is_another_programs(tmp_path: Path) -> None:
    await asyncio.to_thread(_make_foreign, tmp_path / "theirs.db")
    environ = environment(DATABASE_URL=f"sqlite:///{tmp_path}/theirs.db")
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    assert "!! the database holds another program's tables" in output


async def test_a_database_that_can_not_be_looked_at_is_said(tmp_path: Path) -> None:
    # No file system has names of this length; somebody else's file is refused alike.
    environ = environment(DATABASE_URL=f"sqlite:///{tmp_path}/{'x' * 300}.db")
    commands = (("verify",), ("export", "INC-1"), ("audit",), ("doctor",))
    for command in commands:
        code, output = await run(*command, environ=environ, folder=tmp_path)
        assert code == 1
        assert re.search(r"can't be (read|used): File name too long", output)
        assert "check DATABASE_URL" in output.replace("Check", "check")
        assert "Traceback" not in output


async def test_the_doctor_blames_no_token_while_slack_is_down(tmp_path: Path) -> None:
    environ = environment(
        SLACK_API_URL="http://127.0.0.1:1/",
        SLACK_BOT_TOKEN="xoxb-1",
        SLACK_APP_TOKEN="xapp-1",
        DATABASE_URL=f"sqlite:///{tmp_path}/sitrep.db",
    )
    code, output = await run("doctor", environ=environ, folder=tmp_path)
    assert code == 1
    wrong = [line for line in output.splitlines() if line.startswith("!!") and "Slack" in line]
    wrong = [line for line in wrong if "calls nobody" not in line]
    assert len(wrong) == 2
    assert all("check the network and SLACK_API_URL" in line for line in wrong)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_doctor_says_where_a_learner_has_no_mentor(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await _set_stages(world)
    environ = environment(DATABASE_URL=database_url)
    _, output = await run("doctor", environ=environ, folder=tmp_path)
    assert "!! no mentor for jo → name one under supervision.mentors" in output


async def test_the_doctor_notices_clocks_that_differ(tmp_path: Path) -> None:
    async with SlackServer(clock=lambda: datetime.now(UTC) + timedelta(minutes=4)) as slack:
        slack.add_channel("incidents", members=[slack.bot])
        code, output = await run("doctor", environ=connected(slack, tmp_path), folder=tmp_path)
    assert code == 1
    assert re.search(r"!! this machine's clock is 2\d\d s behind Slack's", output)


# -- the record -------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_incident_is_exported_and_verified(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    code, output = await run("export", "INC-1", environ=environ, folder=tmp_path)
    assert (code, "Checkout errors" in output) == (0, True)
    arguments = ("export", "inc-1", "--format", "json", "--output", str(tmp_path))
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert code == 0
    written = Path(output.split("Written to ")[1])
    assert written.parent == tmp_path
    assert json.loads(await asyncio.to_thread(written.read_text))
    code, output = await run("verify", "INC-1", environ=environ, folder=tmp_path)
    assert code == 0
    assert "entries are as they were recorded" in output

    world.is_tampered = True
    await _execute(
        database_url,
        "DROP TRIGGER timeline_entries_only_redact",
        "UPDATE timeline_entries SET actor_name = 'Mallory' WHERE sequence = 1",
    )
    code, output = await run("verify", "INC-1", environ=environ, folder=tmp_path)
    assert code == 1
    assert "entry 1: it was changed after it was recorded" in output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("export", "INC-7"), "INC-7 isn't in sqlite:///"),
        (("verify", "DRILL-7"), "DRILL-7 isn't in sqlite:///"),
        (("export", "seven"), "write INC-12"),
        (("export", "INC-1", "--workspace", "T0OTHER"), "there is no workspace T0OTHER"),
        (("audit", "--output", "none/a.md"), "Choose a folder that exists"),
    ],
)
async def test_a_refused_export_says_why(
    world: World,
    database_url: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    environ = environment(DATABASE_URL=database_url)
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert code == 1
    assert expected in output
    assert "Traceback" not in output


async def test_both_databases_are_exported_and_checked(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    for command in (("export", "INC-1"), ("verify", "INC-1"), ("verify",), ("person", "UALICE")):
        code, output = await run(*command, environ=environ, folder=tmp_path)
        assert code == 0, output


async def test_reading_creates_no_database(tmp_path: Path) -> None:
    environ = environment(DATABASE_URL=f"sqlite:///{tmp_path}/data/sitrep.db")
    for command in ("export", "verify"):
        code, output = await run(command, "INC-1", environ=environ, folder=tmp_path)
        assert code == 1
        assert "doesn't exist yet" in output
    code, output = await run("migrate", "--to", "20250101_0000", environ=environ, folder=tmp_path)
    assert (code, "doesn't exist. Check DATABASE_URL." in output) == (1, True)
    assert not (tmp_path / "data").exists()

    empty = tmp_path / "empty.db"
    empty.touch()
    environ = environment(DATABASE_URL=f"sqlite:///{empty}")
    for arguments in (("verify",), ("backup", "copy.db"), ("outbox", "list")):
        code, output = await run(*arguments, environ=environ, folder=tmp_path)
        assert (code, "empty.db is empty (0 bytes)" in output) == (1, True), output
    assert empty.stat().st_size == 0


async def _execute(url: str, *statements: str) -> None:
    database = open_database(url)
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await database.close()


# -- the audit log ----------------------------------------------------------------------------


async def _set_stages(world: World) -> None:
    ana, jo = await world.person("ana"), await world.person("jo")
    managed(world)
    for stage in (Stage.OBSERVE, Stage.ASSIST):
        change = StageChange(person=Named(jo.external_id or ""), stage=stage, note="Keen eye.")
        await world.run(partial(change_stage, change=change), by=ana)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_audit_log_is_exported_in_each_format(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await _set_stages(world)
    environ = environment(DATABASE_URL=database_url)
    for form, expected in (("md", "Set jo to assist"), ("csv", "stage_set"), ("json", '"salt"')):
        code, output = await run("audit", "--format", form, environ=environ, folder=tmp_path)
        assert (code, expected in output) == (0, True)
        # A mentor's note stays between the two.
        assert "Keen eye" not in output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            (
                "DROP TRIGGER audit_entries_only_redact",
                "UPDATE audit_entries SET actor_name = 'Mallory' WHERE sequence = 1",
            ),
            "entry 1: it was changed after it was recorded",
        ),
        (
            ("UPDATE stage_records SET stage = 'solo' WHERE position = 2",),
            "entry 2: the stored stage isn't the one that it recorded",
        ),
        (
            ("UPDATE stage_records SET note = 'Hopeless.' WHERE position = 2",),
            "entry 2: the stored stage isn't the one that it recorded",
        ),
        (
            ("DELETE FROM stage_records WHERE position = 2",),
            "entry 2: the stage that it recorded is missing",
        ),
    ],
)
async def test_verifying_without_an_incident_checks_everything(
    world: World,
    database_url: str,
    tmp_path: Path,
    statements: tuple[str, ...],
    expected: str,
) -> None:
    await _set_stages(world)
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 0
    assert "INC-1: all" in output
    assert "Audit log: all 2 entries are as they were recorded" in output
    world.is_tampered = True
    await _execute(database_url, *statements)
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 1
    assert expected in output
    assert "INC-1: all" in output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_audit_entry_is_erased_and_the_log_still_proves(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await _set_stages(world)
    environ = environment(DATABASE_URL=database_url)
    arguments = ("audit", "--redact", "1", "--reason", "a name")
    code, output = await run(*arguments[:3], environ=environ, folder=tmp_path)
    assert (code, "Say why" in output) == (1, True)
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert (code, "Erased the text and names in entry 1" in output) == (0, True)
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert (code, "was erased before" in output) == (1, True)
    code, output = await run("audit", environ=environ, folder=tmp_path)
    assert "Erased the text and names in entry 1 (stage set). a name" in output
    code, output = await run(
        "audit", "--redact", "9", "--reason", "x", environ=environ, folder=tmp_path
    )
    assert (code, "no entry 9" in output) == (1, True)
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 0, output


# -- a restored backup ------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_restored_from_a_snapshot_goes_on_after_what_it_lost(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    arguments = ("restore", "--last", "INC-3", "--last", "DRILL-1", "--reason", "disk")
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert code == 0, output
    assert "Lost: incidents 2 to 3." in output
    assert "Lost: drill 1." in output
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 0, output
    assert "are there. A restore lost 3 more: see the audit log." in output
    code, output = await run("audit", environ=environ, folder=tmp_path)
    assert "Recorded a restored backup. Lost incidents 2 to 3." in output


# -- one person -------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_operator_exports_a_person_and_erases_who_has_left(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    code, output = await run("person", "UALICE", environ=environ, folder=tmp_path)
    assert (code, "Checkout errors" in output) == (0, True)
    code, output = await run("person", "UNOBODY", environ=environ, folder=tmp_path)
    assert (code, "isn't in the database" in output) == (1, True)
    code, output = await run("person", "UALICE", "--erase", environ=environ, folder=tmp_path)
    assert (code, "still active in Slack" in output) == (1, True)
    await _execute(database_url, "UPDATE people SET is_active = false")
    code, output = await run("person", "UALICE", "--erase", environ=environ, folder=tmp_path)
    assert (code, "Their name stays in entries" in output) == (0, True)
    code, output = await run("person", "UALICE", environ=environ, folder=tmp_path)
    assert '"name": "Former member"' in output
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 0, output
