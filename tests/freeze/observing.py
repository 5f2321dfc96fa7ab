"""Collects what a scenario showed and recorded: calls, answers, files and timelines."""

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.freeze.items import Item
from tests.freeze.shown import shown_lines
from tests.freeze.stable_names import dashed, stable_names
from tests.slack_server import SlackServer
from tests.slack_server.delivery.delivery import DeliveryKind
from tests.slack_server.journal import ApiCall
from tests.slack_server.render import Json

# Calls that only read, and the two steps of an upload: its file is an item itself.
_READS = (".list", ".info", ".history", ".members", ".replies", ".get", ".test", ".open")
_READS_TOO = frozenset(
    {
        "chat.getPermalink",
        "files.completeUploadExternal",
        "files.getUploadURLExternal",
        "upload_url",
        "users.conversations",
        "users.lookupByEmail",
    }
)


def observed(slack: SlackServer, database: Path) -> set[Item]:
    """Return everything that a scenario showed or recorded, with stable names."""
    names = stable_names(slack, database)
    found = (*_calls(slack), *_answers(slack), *_files(slack), *_timelines(database))
    return {Item(names.stable(item.heading), names.stable(item.text)) for item in found}


def _calls(slack: SlackServer) -> Iterator[Item]:
    for call in slack.calls:
        if call.method != "views.open" and call.method.endswith(_READS):
            continue
        if call.method not in _READS_TOO:
            yield Item(_heading(call), shown_lines(call.args))


def _heading(call: ApiCall) -> str:
    args = call.args
    where = args.get("channel") or args.get("channel_id") or ""
    who = args.get("user") or args.get("user_id") or ""
    return " ".join(
        part
        for part in (call.method, f"in {where}" if where else "", f"for {who}" if who else "")
        if part
    )


def _answers(slack: SlackServer) -> Iterator[Item]:
    for delivery in slack.deliveries.log:
        if delivery.kind is DeliveryKind.EVENT:
            continue
        for attempt in delivery.attempts:
            if attempt.ok and attempt.body:
                who = _user_of(delivery.payload)
                yield Item(f"answer to {delivery.type} of {who}", shown_lines(attempt.body))


def _user_of(payload: Json) -> str:
    user = payload.get("user")
    return str(user["id"] if isinstance(user, dict) else payload.get("user_id", ""))


def _files(slack: SlackServer) -> Iterator[Item]:
    for file in slack.files:
        try:
            text = file.text
        except UnicodeDecodeError:
            text = f"{file.length} bytes"
        where = ", ".join(sorted(slack.ws.place(slack.channel(one)) for one in file.channels))
        yield Item(f"file {file.name} in {where}", f"title: {file.title}\n{text}")


_ENTRIES = """
    SELECT e.incident_id, e.kind, e.actor_kind, e.actor_name, e.target_id IS NOT NULL, e.content
    FROM timeline_entries e ORDER BY e.incident_id, e.sequence
"""


def _timelines(database: Path) -> Iterator[Item]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(_ENTRIES).fetchall()
    yield from _orders(rows)
    for incident_id, kind, actor_kind, actor_name, is_aimed, content in rows:
        values = json.loads(content) if content else {}
        said = json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False)
        by = f"{actor_kind} {actor_name}".strip()
        text = f"by {by}{' about another entry' if is_aimed else ''}\n{said}"
        yield Item(f"timeline of {dashed(incident_id)}: {kind}", text)


# Slack sends these at any time, so their place among the others is chance.
_SENT_BY_SLACK = frozenset({"person_joined", "person_left"})


def _orders(rows: list[tuple[Any, ...]]) -> Iterator[Item]:
    """Yield the order of each person's entries; the bot's own come in between by chance."""
    orders: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for incident_id, kind, actor_kind, actor_name, *_ in rows:
        if actor_kind == "person" and kind not in _SENT_BY_SLACK:
            orders[incident_id, actor_name].append(kind)
    for (incident_id, who), kinds in orders.items():
        yield Item(f"timeline of {dashed(incident_id)} in order by {who}", "\n".join(kinds))
