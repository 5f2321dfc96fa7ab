"""Settings: read from the environment and `.env`, checked all at once, revealing no secret."""

import logging
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config.settings import (
    ConfigurationErrors,
    LogFormat,
    LogLevel,
    Settings,
    load_settings,
)
from config.variable_names import Problem

SECRET = "hunter2-very-secret"
SERVING = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def problems(environ: dict[str, str], *, serving: bool = False) -> dict[str, Problem]:
    """Load settings that must be refused; return what was wrong, by key."""
    with pytest.raises(ConfigurationErrors) as refusal:
        load_settings(environ, serving=serving)
    return {problem.key: problem for problem in refusal.value.problems}


def test_an_empty_environment_gives_a_local_bot_on_sqlite() -> None:
    settings = load_settings({})

    assert settings.slack_bot_token is None
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.database_url == "sqlite+aiosqlite:///data/sitrep.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.ops_host, settings.ops_port) == ("127.0.0.1", 8081)
    assert settings.log_level is LogLevel.INFO
    assert settings.log_format is LogFormat.JSON
    assert settings.sitrep_policy is None


def test_every_key_of_the_environment_is_read() -> None:
    settings = load_settings(
        {
            "SLACK_BOT_TOKEN": "xoxb-bot",
            "SLACK_APP_TOKEN": "xapp-app",
            "SLACK_SIGNING_SECRET": "0a1b",
            "SLACK_API_URL": "http://127.0.0.1:9000/api",
            "DATABASE_URL": "sqlite:////var/lib/sitrep.db",
            "SITREP_POLICY": "./policy.yaml",
            "SITREP_SCENARIOS": "./scenarios",
            "SITREP_SECRETS": "./secrets.yaml",
            "SITREP_PUBLIC_URL": "https://sitrep.example.com",
            "HOST": "0.0.0.0",  # noqa: S104 - what the image sets
            "PORT": "80",
            "OPS_HOST": "::1",
            "OPS_PORT": "81",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "Console",
        }
    )

    assert settings.slack_bot_token == SecretStr("xoxb-bot")
    assert settings.slack_app_token == SecretStr("xapp-app")
    assert settings.slack_signing_secret == SecretStr("0a1b")
    assert settings.slack_api_url == "http://127.0.0.1:9000/api/"
    assert settings.database_url == "sqlite+aiosqlite:////var/lib/sitrep.db"
    assert settings.sitrep_policy == Path("policy.yaml")
    assert settings.sitrep_scenarios == Path("scenarios")
    assert settings.sitrep_secrets == Path("secrets.yaml")
    assert settings.sitrep_public_url == "https://sitrep.example.com/"
    assert (settings.port, settings.ops_host, settings.ops_port) == (80, "::1", 81)
    assert settings.log_level is LogLevel.DEBUG
    assert settings.log_format is LogFormat.CONSOLE


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({})

    with pytest.raises(ValidationError):
        settings.port = 1


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_value_counts_as_unset(empty: str) -> None:
    settings = load_settings({"SLACK_BOT_TOKEN": empty, "PORT": empty, "DATABASE_URL": empty})

    assert settings == load_settings({})


def test_space_around_a_value_is_dropped() -> None:
    settings = load_settings({"SLACK_BOT_TOKEN": " xoxb-1\n", "PORT": " 90 "})

    assert settings.slack_bot_token == SecretStr("xoxb-1")
    assert settings.port == 90


def test_settings_built_directly_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "4242")

    assert Settings().port == 8080
    assert load_settings().port == 4242


def test_all_errors_are_reported_at_once_with_key_reason_and_example() -> None:
    found = problems(
        {
            "SLACK_BOT_TOKEN": "nonsense",
            "SLACK_APP_TOKEN": "nonsense",
            "SLACK_API_URL": "slack.com/api",
            "DATABASE_URL": "mysql://localhost/x",
            "PORT": "eighty",
            "OPS_PORT": "65536",
            "LOG_LEVEL": "loud",
            "LOG_FORMAT": "xml",
        }
    )

    assert {key: problem.what for key, problem in found.items()} == {
        "SLACK_BOT_TOKEN": "must start with xoxb-",
        "SLACK_APP_TOKEN": "must start with xapp-",
        "SLACK_API_URL": "must be an address that starts with https:// or http://",
        "DATABASE_URL": ("must be an address of PostgreSQL (postgresql://) or SQLite (sqlite:///)"),
        "PORT": "must be a port number, 0 to 65535",
        "OPS_PORT": "must be a port number, 0 to 65535",
        "LOG_LEVEL": "must be one of DEBUG, INFO, WARNING, ERROR",
        "LOG_FORMAT": "must be one of json, console",
    }
    assert all(problem.example.startswith(f"{key}=") for key, problem in found.items())


def test_every_example_except_secrets_is_accepted(tmp_path: Path) -> None:
    wrong = {"SLACK_API_URL": "x", "PORT": "x", "OPS_PORT": "x", "LOG_LEVEL": "x", "HOST": "a b"}
    file = tmp_path / ".env"
    file.write_text("\n".join(problem.example for problem in problems(wrong).values()))

    assert load_settings({}, env_file=file) == load_settings({})


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1", "holds an app-level token; it belongs in SLACK_APP_TOKEN"),
        ("SLACK_BOT_TOKEN", "xoxp-1", "holds a user token, which Sitrep doesn't use"),
        ("SLACK_APP_TOKEN", "xoxb-1", "holds a bot token; it belongs in SLACK_BOT_TOKEN"),
        ("SLACK_SIGNING_SECRET", "xoxb-1", "holds a bot token; it belongs in SLACK_BOT_TOKEN"),
    ],
)
def test_a_token_under_the_wrong_key_is_named(key: str, value: str, what: str) -> None:
    assert problems({key: value})[key].what == what


@pytest.mark.parametrize("broken", ["xoxb-a b", "xoxb-a\r\nX-Header: 1", "xoxb-ä"])
def test_a_token_that_no_header_can_carry_is_refused(broken: str) -> None:
    assert "no Slack secret has" in problems({"SLACK_BOT_TOKEN": broken})["SLACK_BOT_TOKEN"].what


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h/db", "postgresql+asyncpg://u:p@h/db"),
        ("postgresql://u:p@h:5433/db", "postgresql+asyncpg://u:p@h:5433/db"),
        ("postgresql+asyncpg://h/db", "postgresql+asyncpg://h/db"),
        ("postgresql://u:p%40%2F@h/db", "postgresql+asyncpg://u:p%40%2F@h/db"),
        ("postgresql://h/db?sslmode=require", "postgresql+asyncpg://h/db?ssl=require"),
        (
            "postgresql://h/db?sslmode=require&channel_binding=require",
            "postgresql+asyncpg://h/db?ssl=require",
        ),
        ("postgresql:///db?host=/run/pg", "postgresql+asyncpg:///db?host=%2Frun%2Fpg"),
        ("sqlite:///data/x.db", "sqlite+aiosqlite:///data/x.db"),
        ("sqlite:////srv/x.db", "sqlite+aiosqlite:////srv/x.db"),
    ],
)
def test_a_plain_database_address_gets_its_async_driver(given: str, used: str) -> None:
    assert load_settings({"DATABASE_URL": given}).database_url == used


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("DATABASE_URL", "mysql://h/db"),
        ("DATABASE_URL", "postgresql+psycopg2://h/db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file:data/x.db"),
        ("DATABASE_URL", "sqlite:///data/x.db?mode=ro"),
        ("DATABASE_URL", "sqlite:///~/x.db"),
        ("DATABASE_URL", "sqlite://data/x.db"),
        ("DATABASE_URL", "just words"),
        ("DATABASE_URL", "postgresql://h:port/db"),
        ("DATABASE_URL", "postgresql://h/db?sslmode=always"),
        ("DATABASE_URL", "postgresql://h/db?colour=blue"),
        ("SLACK_API_URL", "ftp://slack.com/api/"),
        ("SLACK_API_URL", "https://"),
        ("SLACK_API_URL", "https://user:pw@slack.com/api/"),
        ("SLACK_API_URL", "https://h/?x=1"),
        ("SLACK_API_URL", "https://h:99999/"),
    ],
)
def test_an_unsupported_address_is_refused(key: str, refused: str) -> None:
    assert problems({key: refused}).keys() == {key}


@pytest.mark.parametrize(
    "environ",
    [
        {"SLACK_BOT_TOKEN": SECRET},
        {"SLACK_APP_TOKEN": f"xoxb-{SECRET}"},
        {"SLACK_SIGNING_SECRET": f"{SECRET} {SECRET}"},
        {"DATABASE_URL": f"mysql://u:{SECRET}@h/db"},
        {"DATABASE_URL": f"postgresql://u:{SECRET}@h:port/db"},
        {"DATABASE_URL": f"postgresql://u:p@{SECRET}@h/db"},
        {"DATABASE_URL": f"{SECRET}"},
        {"SLACK_API_URL": f"https://u:{SECRET}@h/"},
    ],
)
def test_an_error_repeats_no_secret_not_even_in_its_traceback(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationErrors) as refusal:
        load_settings(environ)

    told = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value)
    assert SECRET not in told


def test_settings_print_no_secret() -> None:
    settings = load_settings(
        {
            "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
            "SLACK_APP_TOKEN": f"xapp-{SECRET}",
            "SLACK_SIGNING_SECRET": SECRET,
            "DATABASE_URL": f"postgresql://sitrep:{SECRET}@db:5432/sitrep?password={SECRET}",
        }
    )

    assert SECRET not in repr(settings) + str(settings) + settings.safe_database_url
    assert settings.safe_database_url == "postgresql://sitrep:***@db:5432/sitrep"


def test_a_validation_error_of_settings_built_directly_hides_the_value() -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(slack_bot_token=SecretStr(SECRET), database_url=f"mysql://u:{SECRET}@h/db")

    assert SECRET not in str(refusal.value)


def test_the_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=90\nOPS_PORT=91\n# a comment\nSOMETHING_ELSE=x\nLOG_LEVEL=\n")

    settings = load_settings({"PORT": "92", "OPS_PORT": ""}, env_file=file)

    assert (settings.port, settings.ops_port) == (92, 91)
    assert settings.log_level is LogLevel.INFO


def test_the_env_file_of_the_current_folder_is_read_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=90\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)

    assert load_settings().port == 90
    assert load_settings({}).port == 8080


def test_a_broken_env_file_is_reported_without_quoting_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"SLACK_BOT_TOKEN=" + SECRET.encode() + b"\xff\n")

    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationErrors) as refusal:
        load_settings({"PORT": "x"}, env_file=file)

    assert {problem.key for problem in refusal.value.problems} == {str(file), "PORT"}
    told = "".join(traceback.format_exception(refusal.value)) + caplog.text
    assert SECRET not in told


def test_an_unreadable_line_of_the_env_file_is_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{SECRET} is: the [password\nPORT=90\n")

    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationErrors) as refusal:
        load_settings({}, env_file=file)

    assert f"{file}:1 isn't KEY=value" in str(refusal.value)
    assert SECRET not in caplog.text + str(refusal.value)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("SITREP_POLCY", "SITREP_POLICY"),
        ("SITREP_POLICIES", "SITREP_POLICY"),
        ("SITREP_SIGNKEY", "SITREP_SIGNING_KEY"),
        ("SITREP_DATABASE_URL", "DATABASE_URL"),
        ("sitrep_polcy", "SITREP_POLICY"),
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_SIGNING_SECERT", "SLACK_SIGNING_SECRET"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_right_one(
    name: str, right: str, tmp_path: Path
) -> None:
    assert problems({name: SECRET})[name].what == f"isn't a setting; {right} is"
    file = tmp_path / ".env"
    file.write_text(f"# ours\n{name}={SECRET}\n")
    with pytest.raises(ConfigurationErrors) as refusal:
        load_settings({}, env_file=file)
    assert f"{file}:2: {name} isn't a setting; {right} is" in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_in_our_own_file_names_without_our_prefix_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LOG_LEVL=debug\nPORT\nPOSTGRES_PASSWORD=x\nCOMPOSE_PROJECT_NAME=y\n")
    with pytest.raises(ConfigurationErrors) as refusal:
        load_settings({}, env_file=file)
    assert [problem.key for problem in refusal.value.problems] == [
        f"{file}:1: LOG_LEVL",
        f"{file}:2",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITREP_PORT", "tcp://10.0.0.1:8080"),
        ("SITREP_SERVICE_HOST", "10.0.0.1"),
        ("SITREP_FREEZE_FOLDER", "build"),
        ("SITREP_WRITE_GOLDEN", "1"),
        ("SLACK_TOKEN", "of another program"),
        ("SLACK_CLIENT_SECRET", "x"),
        ("DATABASE_URI", "x"),
        ("LOGLEVEL", "x"),
        ("SITREP_POLCY", ""),
    ],
)
def test_names_of_others_in_the_environment_are_left_alone(name: str, value: str) -> None:
    assert load_settings({name: value}) == load_settings({})


def test_a_missing_env_file_is_no_problem(tmp_path: Path) -> None:
    assert load_settings({}, env_file=tmp_path / "none") == load_settings({})


def test_serving_without_tokens_says_what_is_missing_and_how_to_get_it() -> None:
    found = problems({}, serving=True)

    assert found.keys() == {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"}
    for key, problem in found.items():
        assert len(problem.help) == 3
        first, *others = str(problem).split("\n  ")
        assert first.startswith(f"{key} is missing. To get ")
        assert others == [*problem.help, f"for example {problem.example}"]


def test_other_commands_need_no_token() -> None:
    assert load_settings({}).problems_for_serving() != ()


@pytest.mark.parametrize("way", [{"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "0a"}])
def test_one_way_to_reach_slack_is_enough(way: dict[str, str]) -> None:
    settings = load_settings({"SLACK_BOT_TOKEN": "xoxb-1", **way}, serving=True)

    assert settings.problems_for_serving() == ()


def test_missing_and_wrong_settings_are_reported_together() -> None:
    found = problems({"PORT": "x", "SLACK_BOT_TOKEN": "wrong"}, serving=True)

    assert found.keys() == {
        "PORT",
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET",
    }
    assert found["SLACK_BOT_TOKEN"].what == "must start with xoxb-"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - what the image sets
def test_metrics_on_the_port_for_slacks_requests_are_refused(host: str) -> None:
    found = problems(SERVING | {"HOST": host, "PORT": "9000", "OPS_PORT": "9000"}, serving=True)

    assert found.keys() == {"OPS_PORT"}
    assert found["OPS_PORT"].example == "OPS_PORT=9001"


def test_one_port_number_on_two_addresses_or_any_free_port_is_fine() -> None:
    same = SERVING | {"HOST": "10.0.0.1", "PORT": "9000", "OPS_PORT": "9000"}
    free = SERVING | {"PORT": "0", "OPS_PORT": "0"}

    assert load_settings(same, serving=True).port == 9000
    assert load_settings(free, serving=True).ops_port == 0


def test_the_policys_path_may_start_with_the_home_folder() -> None:
    assert load_settings({"SITREP_POLICY": "~/p.yaml"}).sitrep_policy == Path.home() / "p.yaml"
