"""Stable names: replaces ids, addresses and hashes by what they stand for, or by their type."""

import contextlib
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from tests.slack_server import SlackServer

_UNSTABLE = re.compile(
    r"(?P<url>http://127\.0\.0\.1:\d+)"
    r"|(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)(?P<version>\|\d+(?![\w-]))?"
    r"|(?P<epoch>(?<=!date\^)\d+)"
    r"|(?P<time>(?<!\d)\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"|(?P<hash>\b[0-9a-f]{64}\b)"
    r"|(?P<hex>\b[0-9a-f]{32}\b)"
    r"|(?P<ts>\b\d{10}\.\d{6}\b|\bp\d{16}\b)"
    r"|(?P<id>[@#]?\b(?:[A-Z]|Ev|4-)0[0-9A-Z]{9}\b)"
)


class StableNames:
    """Makes a scenario's texts the same in every run."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def stable(self, text: str) -> str:
        """Replace everything that differs from run to run."""
        return _UNSTABLE.sub(self._name, text)

    def _name(self, found: re.Match[str]) -> str:
        kind = next(name for name, part in found.groupdict().items() if part is not None)
        match kind:
            case "uuid":
                return self._owner(found["uuid"], found["version"] or "")
            case "epoch":
                # Waiting out a rate limit moves the clock by a varying number of seconds.
                return str(int(found["epoch"]) // 60 * 60)
            case "time":
                return found["time"][: len("09:30")]
            case "id":
                plain = found["id"].lstrip("@#")
                return self._known.get(plain, f"<{plain[0]}>")
            case _:
                return f"<{kind}>"

    def _owner(self, raw: str, version: str) -> str:
        """Name what has this id, without an incident's version: it depends on timing."""
        name = self._known.get(raw, "<uuid>")
        is_incident = name.startswith(("<incident", "<drill"))
        return f"{name}|<version>" if version and is_incident else f"{name}{version}"


def stable_names(slack: SlackServer, database: Path) -> StableNames:
    """Return the names of everybody and everything in a scenario."""
    ws = slack.ws
    known = dict(ws.names)
    known |= {channel.id: ws.place(channel) for channel in ws.channels.values()}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for raw, slack_id in connection.execute("SELECT id, external_id FROM people"):
            known[dashed(raw)] = f"<person {ws.names.get(slack_id, slack_id)}>"
        for raw, is_drill, number in connection.execute(
            "SELECT id, is_drill, number FROM incidents"
        ):
            known[dashed(raw)] = f"<{'drill' if is_drill else 'incident'} {number}>"
    return StableNames(known)


def dashed(raw: str) -> str:
    """Return a UUID with dashes; SQLite stores it without."""
    raw = raw.replace("-", "")
    return "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))
