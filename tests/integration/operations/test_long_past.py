"""A long past: daily work reads only its own part of it, and verifying all of it shows progress."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from incidents.storage.database import open_database
from tests.benchmarks.daily_work import WORK, Place, place_with_past
from tests.policies import built_in
from tests.program import environment, run

GROWING = frozenset(
    {
        *("incidents", "timeline_entries", "effects", "participants", "reminders"),
        *("processed_requests", "posted_messages", "stakeholder_updates", "role_assignments"),
        *("checkins", "proposals", "escalations", "escalation_calls", "handoffs"),
        *("postmortems", "action_items", "handovers"),
    }
)
# SQLite plans by the indexes alone, PostgreSQL also by how much there is.
INCIDENTS = {"sqlite": 60, "postgresql": 600}
# Of each table: open and recent incidents with what belongs to them, but not all that there ever was.
MOST_ROWS = 300


class Plans:
    """Explains each statement before it runs, and keeps what is wrong."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.explained = 0
        self._is_explaining = False

    def look(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        """Explain the statement on its own connection, with its own parameters."""
        verb = statement.split(maxsplit=1)[0]
        if self._is_explaining or verb not in {"SELECT", "UPDATE", "DELETE"}:
            return
        given = parameters[0] if isinstance(parameters, list) else parameters
        self.explained += 1
        self._is_explaining = True
        try:
            is_sqlite = connection.dialect.name == "sqlite"
            explain = _explained_by_sqlite if is_sqlite else _explained_by_postgres
            self.wrong += [f"{one}: {statement}" for one in explain(connection, statement, given)]
        finally:
            self._is_explaining = False


def _explained_by_sqlite(connection: Connection, statement: str, given: Any) -> Iterator[str]:
    """Yield the steps that read a whole table, or all of a workspace, which is the same."""
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    steps = [row[3] for row in rows]
    stops_early = " LIMIT " in statement and not any("TEMP B-TREE" in one for one in steps)
    names = dict(re.findall(r"(\w+) AS (\w+)", statement))
    tables = {alias: table for table, alias in names.items()}
    for step in steps:
        found = re.match(r"(SCAN|SEARCH) (\w+)(?:.*\((.*)\))?", step)
        if found is None or tables.get(found[2], found[2]) not in GROWING or stops_early:
            continue
        if found[1] == "SCAN" or found[3] == "workspace_id=?":
            yield step


def _explained_by_postgres(connection: Connection, statement: str, given: Any) -> Iterator[str]:
    """Yield tables that are read as a whole, or of which more rows are read than belong to it."""
    is_read = statement.startswith("SELECT")
    options = "ANALYZE, FORMAT JSON" if is_read else "FORMAT JSON"
    told = connection.exec_driver_sql(f"EXPLAIN ({options}) {statement}", given).scalar_one()
    plan = json.loads(told) if isinstance(told, str) else told
    for node in _nodes(plan[0]["Plan"]):
        table = node.get("Relation Name")
        if table not in GROWING:
            continue
        read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
        read *= node.get("Actual Loops", 1)
        is_whole = node["Node Type"] == "Seq Scan" and not is_read
        if is_whole or read > MOST_ROWS:
            yield f"{node['Node Type']} of {table}, {read:.0f} rows"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _nodes(part)


async def test_daily_work_reads_no_table_that_grows_from_end_to_end(database_url: str) -> None:
    policy, incidents = built_in().policy, INCIDENTS[database_url.split("+", maxsplit=1)[0]]
    async with place_with_past(database_url, policy, incidents=incidents, entries_each=4) as place:
        await place.gather_statistics()
        plans = await _explained(place)
    assert plans.explained > 50
    assert plans.wrong == []


async def _explained(place: Place) -> Plans:
    plans = Plans()
    event.listen(place.database.session_engine, "before_cursor_execute", plans.look)
    for work in WORK.values():
        await work(place)
    return plans


async def test_verifying_many_timelines_counts_them_and_can_go_on_from_one(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with place_with_past(sqlite_url, built_in().policy, incidents=105, entries_each=5):
        pass
    environ = environment(DATABASE_URL=sqlite_url)
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 0, output
    assert "Verifying 107 parts" in output
    assert "105 timelines: all 525 entries are as they were recorded." in output
    assert "Numbers: all 105 are there." in output
    assert "INC-" not in output

    code, output = await run("verify", "--from", "INC-104", environ=environ, folder=tmp_path)
    assert code == 0, output
    named = ["INC-104", "INC-105", "Numbers", "Audit log"]
    assert [line.split(":")[0] for line in output.splitlines()] == named

    async with open_database(sqlite_url).writing() as session:
        await session.execute(text("UPDATE incidents SET title = 'Other' WHERE number IN (3, 104)"))
        await session.commit()
    code, output = await run("verify", environ=environ, folder=tmp_path)
    assert code == 1
    assert output.count("the incident's stored title isn't what the entries say") == 2
    assert "103 timelines: all 515 entries" in output
