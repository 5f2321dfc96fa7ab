"""Settings from the environment and `.env`, as one frozen value; all errors come at once."""

import os
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import make_url

from config.settings_checks import (
    absolute_http_url,
    app_token,
    async_database_url,
    bot_token,
    expanded_path,
    signing_key,
    signing_secret,
)
from config.variable_names import (
    Problem,
    certificate_problems,
    env_file_problems,
    misspelt,
)
from incidents.core.signing import SigningKey, key_bytes

DEFAULT_DATABASE_URL: Final = "sqlite+aiosqlite:///data/sitrep.db"
SLACK_OWN_API_URL: Final = "https://slack.com/api/"

BOT_TOKEN_HELP: Final = (
    (
        "1. `sitrep manifest` prints an app manifest: paste it at api.slack.com/apps, "
        "Create New App, From a manifest."
    ),
    "2. On the app's page choose Install App and install it to your workspace.",
    "3. The same page now shows the Bot User OAuth Token; it starts with xoxb-.",
)
CONNECTION_HELP: Final = (
    (
        "1. Socket Mode, no public address needed: on the app's page, Basic Information, App-Level "
        "Tokens, generate one with the scope connections:write; it starts with xapp-."
    ),
    (
        "2. Or HTTP: Basic Information, App Credentials, Signing Secret; "
        "Slack must then reach https://…/slack/events."
    ),
    "3. One of them is enough; both may be set.",
)


class LogLevel(StrEnum):
    """The least severe level of log lines that are written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """The form of a log line: one JSON object, or coloured text for a terminal."""

    JSON = "json"
    CONSOLE = "console"


class ConfigurationErrors(Exception):
    """Everything wrong with the configuration; it carries no secrets."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Store the problems, in the order in which people should read them."""
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


_BotToken = Annotated[SecretStr, AfterValidator(bot_token)]
_AppToken = Annotated[SecretStr, AfterValidator(app_token)]
_SigningSecret = Annotated[SecretStr, AfterValidator(signing_secret)]
_SigningKey = Annotated[SecretStr, AfterValidator(signing_key)]
_Path = Annotated[Path, AfterValidator(expanded_path)]
# People see the description when a value is refused.
_Port = Annotated[int, Field(ge=0, le=65535, description="must be a port number, 0 to 65535")]
_Host = Annotated[
    str, Field(pattern=r"^\S+$", description="must be a host name or an address to listen on")
]
_Level = Annotated[
    LogLevel,
    BeforeValidator(lambda value: str(value).upper()),
    Field(description=f"must be one of {', '.join(LogLevel)}"),
]
_Format = Annotated[
    LogFormat,
    BeforeValidator(lambda value: str(value).lower()),
    Field(description=f"must be one of {', '.join(LogFormat)}"),
]


class Settings(BaseSettings):
    """The settings; a field's name in capitals is its environment variable.

    Error messages show a field's example, or else its default. `load_settings` builds this; built
    directly, for tests, it reads no environment.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slack_bot_token: _BotToken | None = Field(default=None, examples=["xoxb-…"])
    slack_app_token: _AppToken | None = Field(default=None, examples=["xapp-…"])
    slack_signing_secret: _SigningSecret | None = Field(
        default=None, examples=["0123456789abcdef0123456789abcdef"]
    )
    slack_api_url: Annotated[str, AfterValidator(absolute_http_url)] = SLACK_OWN_API_URL
    # Keeps its password out of the repr.
    database_url: Annotated[str, AfterValidator(async_database_url)] = Field(
        default=DEFAULT_DATABASE_URL,
        repr=False,
        examples=["sqlite:///data/sitrep.db or postgresql://sitrep:…@localhost/sitrep"],
    )
    sitrep_policy: _Path | None = Field(default=None, examples=["./policy.yaml"])
    sitrep_scenarios: _Path | None = Field(default=None, examples=["./scenarios"])
    sitrep_secrets: _Path | None = Field(default=None, examples=["./secrets.yaml"])
    sitrep_public_url: Annotated[str, AfterValidator(absolute_http_url)] | None = Field(
        default=None, examples=["https://sitrep.example.com"]
    )
    sitrep_signing_key: _SigningKey | None = Field(
        default=None, examples=["… (43 characters; `sitrep signing-key --new` makes one)"]
    )
    host: _Host = "127.0.0.1"
    port: _Port = 8080
    ops_host: _Host = "127.0.0.1"
    ops_port: _Port = 8081
    log_level: _Level = LogLevel.INFO
    log_format: _Format = LogFormat.JSON

    @classmethod
    def settings_customise_sources(
        cls,
        # pydantic-settings passes all of these by name
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing here: `load_settings` reads the environment, and tests want no surprises."""
        return (init_settings,)

    @property
    def safe_database_url(self) -> str:
        """The database's address for logs: password masked, without driver and parameters."""
        url = make_url(self.database_url).set(query={})
        return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)

    def signer(self) -> SigningKey | None:
        """Return what signs the heads of the record, or None without a key."""
        key = self.sitrep_signing_key
        return SigningKey(key_bytes(key.get_secret_value())) if key is not None else None

    def problems_for_serving(self) -> tuple[Problem, ...]:
        """Return what `serve` needs and lacks; `export` and `migrate` need less."""
        present = {name for name in type(self).model_fields if getattr(self, name) is not None}
        clash = _address_clash(self)
        return (*_missing_for_serving(present), *((clash,) if clash else ()))


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = None,
    serving: bool = False,
) -> Settings:
    """Read the settings from `environ`, else from `env_file`; an empty value counts as unset.

    The defaults are the process's environment and `.env` in the current folder. `serving` also
    checks what `serve` needs.

    Raises:
        ConfigurationErrors: everything that is wrong; no message repeats a secret.
    """
    if environ is None:
        environ, env_file = os.environ, env_file or Path(".env")
    given, problems = _given(environ, env_file)
    settings: Settings | None = None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors(include_input=False)]
    if serving:
        problems += settings.problems_for_serving() if settings else _missing_for_serving(given)
    if problems or settings is None:
        # Outside the except block, so that no traceback shows pydantic's own report.
        raise ConfigurationErrors(problems)
    return settings


_LAST_PORT: Final = 65535
_EVERY_ADDRESS: Final = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


class _Given(EnvSettingsSource):
    """The given environment instead of the process's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {key.lower(): value for key, value in environ.items() if value.strip()}


def _given(
    environ: Mapping[str, str], env_file: Path | None
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the unchecked values by field name; the environment wins over the file."""
    from_file: dict[str, Any] = {}
    problems: list[Problem] = []
    if env_file is not None:
        try:
            from_file = DotEnvSettingsSource(
                Settings, env_file=env_file, env_file_encoding="utf-8"
            )()
            problems += env_file_problems(env_file, known=Settings.model_fields)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(_unreadable(env_file, error))
    problems += misspelt(environ, known=Settings.model_fields)
    problems += certificate_problems(environ)
    values = {**from_file, **_Given(environ)()}
    stripped = {
        name: value.strip()
        for name, value in values.items()
        if name in Settings.model_fields and isinstance(value, str)
    }
    return {name: value for name, value in stripped.items() if value}, problems


def _unreadable(env_file: Path, error: OSError | UnicodeDecodeError) -> Problem:
    reason = error.strerror if isinstance(error, OSError) else "it isn't text in UTF-8"
    return Problem(str(env_file), f"can't be read: {reason}", "KEY=value on each line")


def _problem(detail: Mapping[str, Any]) -> Problem:
    """Describe in our own words what pydantic refused."""
    name = str(detail["loc"][0])
    own = detail.get("ctx", {}).get("error")
    told = Settings.model_fields[name].description or "isn't valid"
    return _problem_of(name, str(own) if isinstance(own, ValueError) else told)


def _problem_of(name: str, what: str, *lines: str) -> Problem:
    key = name.upper()
    return Problem(key, what, f"{key}={_example_of(name)}", lines)


def _example_of(name: str) -> str:
    field = Settings.model_fields[name]
    return str(field.examples[0] if field.examples else field.default)


def _missing_for_serving(present: Collection[str]) -> list[Problem]:
    problems = []
    if "slack_bot_token" not in present:
        problems.append(_problem_of("slack_bot_token", "is missing. To get it:", *BOT_TOKEN_HELP))
    if "slack_app_token" not in present and "slack_signing_secret" not in present:
        example = f"SLACK_APP_TOKEN={_example_of('slack_app_token')}"
        key = "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"
        problems.append(Problem(key, "is missing. To get one:", example, CONNECTION_HELP))
    return problems


def _address_clash(settings: Settings) -> Problem | None:
    hosts = {settings.host, settings.ops_host}
    if settings.port == 0 or settings.port != settings.ops_port:
        return None
    if len(hosts) > 1 and not hosts & _EVERY_ADDRESS:
        return None
    what = "is the same as PORT; metrics have a port of their own, so that they can stay private"
    free = settings.port + (1 if settings.port < _LAST_PORT else -1)
    return Problem("OPS_PORT", what, f"OPS_PORT={free}")
