"""Checks of single settings: each returns the normalised value or says what is wrong.

No message repeats a secret: messages show only a token's well-known prefix, and nothing of a
database's address.
"""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from incidents.core.signing import key_bytes

_TOKEN_KINDS: Final = {
    "xoxb-": ("a bot token", "SLACK_BOT_TOKEN"),
    "xapp-": ("an app-level token", "SLACK_APP_TOKEN"),
    "xoxp-": ("a user token, which Sitrep doesn't use", ""),
    "xoxe": ("a token of the manifest API, which Sitrep doesn't use", ""),
}
_ASYNC_DRIVERS: Final = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_POSTGRES_WORDS: Final = {"host", "port", "user", "password", "passfile", "ssl"}
# libpq's parameters that are dropped: asyncpg has no channel binding and defaults for the others.
_LIBPQ_WORDS: Final = {"sslmode", "channel_binding", "application_name", "connect_timeout"}
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def bot_token(value: SecretStr) -> SecretStr:
    """Return the bot token. Raises: ValueError if it isn't one."""
    return _token(value, prefix="xoxb-")


def app_token(value: SecretStr) -> SecretStr:
    """Return the app-level token. Raises: ValueError if it isn't one."""
    return _token(value, prefix="xapp-")


def signing_secret(value: SecretStr) -> SecretStr:
    """Return the signing secret. Raises: ValueError if it is a token or can't be one."""
    secret = _printable(value)
    kind = _other_kind(secret)
    if kind is not None:
        raise ValueError(kind)
    return SecretStr(secret)


def signing_key(value: SecretStr) -> SecretStr:
    """Return the private key that signs the record. Raises: ValueError if it can't be one."""
    try:
        key_bytes(value.get_secret_value())
    except ValueError:
        raise ValueError("isn't an Ed25519 key: 32 bytes as base64 or hexadecimal") from None
    return value


def absolute_http_url(value: str) -> str:
    """Return the address with a final slash. Raises: ValueError if it isn't http(s)."""
    try:
        parts = urlsplit(value)
        port_is_possible = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("isn't an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_possible:
        raise ValueError("must be an address that starts with https:// or http://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without a user, a ? or a #")
    return value if value.endswith("/") else f"{value}/"


def async_database_url(value: str) -> str:
    """Return the address with its async driver: asyncpg or aiosqlite.

    Raises: ValueError if it isn't one, or names another database or driver.
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # SQLAlchemy's own message would repeat the address, with its password.
        raise ValueError("isn't a database address (its value isn't shown: secrets)") from None
    driver = _ASYNC_DRIVERS.get(url.drivername)
    if driver is None:
        raise ValueError("must be an address of PostgreSQL (postgresql://) or SQLite (sqlite:///)")
    url = url.set(drivername=driver)
    checked = _sqlite_file(url) if driver.startswith("sqlite") else _without_libpq_words(url)
    return checked.render_as_string(hide_password=False)


def _sqlite_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise ValueError("must name a file: a database in memory forgets everything at exit")
    if url.database.startswith("~"):
        raise ValueError("must be the whole path: `~` isn't known there")
    if url.query:
        raise ValueError("of a SQLite file takes nothing after a ?")
    if url.database.startswith("file:"):
        raise ValueError("must name the file by its path, without `file:`")
    if url.host:
        raise ValueError("needs three slashes before a relative path, four before an absolute one")
    return url


def _without_libpq_words(url: URL) -> URL:
    """Adapt a hosting provider's libpq address: drop or translate what asyncpg doesn't know."""
    if "@" in (url.host or ""):
        # Otherwise the rest of the password would be parsed as the host, and shown.
        raise ValueError("has one @ too many: within a password write %40 (its value isn't shown)")
    unknown = sorted(set(url.query) - _POSTGRES_WORDS - _LIBPQ_WORDS)
    if unknown:
        raise ValueError(f"has `{unknown[0]}` after its ?, which isn't known; leave it out")
    mode = url.query.get("sslmode") or url.query.get("ssl")
    if mode is not None and mode not in _SSL_MODES:
        raise ValueError(f"has an sslmode that isn't one of {', '.join(_SSL_MODES)}")
    plain = url.difference_update_query([*_LIBPQ_WORDS, "ssl"])
    return plain.update_query_dict({"ssl": mode}) if mode is not None else plain


def expanded_path(value: Path) -> Path:
    """Return the path with `~` replaced by the home folder."""
    return value.expanduser()


def _token(value: SecretStr, *, prefix: str) -> SecretStr:
    secret = _printable(value)
    if secret.startswith(prefix):
        return SecretStr(secret)
    raise ValueError(_other_kind(secret) or f"must start with {prefix}")


def _printable(value: SecretStr) -> str:
    secret = value.get_secret_value().strip()
    if not all("!" <= character <= "~" for character in secret):
        raise ValueError("holds a space, a line break or a letter that no Slack secret has")
    return secret


def _other_kind(secret: str) -> str | None:
    for prefix, (kind, key) in _TOKEN_KINDS.items():
        if secret.startswith(prefix):
            place = f"; it belongs in {key}" if key else ""
            return f"holds {kind}{place}"
    return None
