"""The short form of the trials: nothing promised is lost, doubled or told out of order.

`make chaos` runs the long form. Each trial counts only what was answered with success.
"""

import contextlib
import copy
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.chaos import trials
from tests.chaos.crew import Crew, Promise
from tests.chaos.database_faults import break_postgres
from tests.chaos.power_cuts import cut_power
from tests.chaos.scene import at_work
from tests.chaos.verdict import ENTRY_KIND, SAID_IN_ROOM, judge
from tests.slack_server import Message

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize(
    ("trial", "cases"),
    [
        (trials.fail_a_third, 5),
        (trials.fail_pagers, 2),
        (trials.take_slack_down, 1),
        (trials.fail_one_method, 2),
        (trials.hang_calls, 2),
        (trials.cut_sockets, 2),
        (trials.set_clocks, 2),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
async def test_no_fault_of_slack_the_network_or_the_clock_loses_or_doubles_anything(
    trial: trials.Trial, cases: int, sqlite_url: str, tmp_path: Path
) -> None:
    verdict = await trial(sqlite_url, tmp_path, seed=1, cases=cases)
    assert verdict.problems == []
    assert verdict.promised > 0


async def test_killing_the_bot_loses_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    verdict = await trials.kill_bots(database_url, tmp_path, seed=1, cases=4)
    assert verdict.problems == []
    assert verdict.promised > 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_no_fault_of_postgresql_loses_or_doubles_anything(
    database_url: str, tmp_path: Path
) -> None:
    verdict = await break_postgres(database_url, tmp_path, seed=1, cases=1)
    assert verdict.problems == []
    assert verdict.promised > 0


@pytest.mark.skipif(shutil.which("cc") is None, reason="the recorder needs a C compiler")
async def test_a_power_cut_loses_and_doubles_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    verdict = await cut_power(sqlite_template, tmp_path, seed=1, cases=2)
    assert verdict.problems == []
    assert verdict.promised > 0


async def test_what_is_lost_or_doubled_would_be_noticed(sqlite_url: str, tmp_path: Path) -> None:
    async with at_work(sqlite_url, tmp_path, seed=1) as scene:
        await scene.start()
        await scene.wait(3, 3)
    assert scene.verdict.is_clean
    crew = scene.crew
    assert {promise.kind for promise in crew.promises if promise.is_given} == set(ENTRY_KIND)

    told = [p for p in crew.promises if p.is_given and p.kind in SAID_IN_ROOM]
    for promise in {one.kind: one for one in told}.values():
        message = _telling(crew, promise)
        message.deleted = True
        missed = f"{promise.kind} {promise.word}: 0 messages"
        assert missed in (await judge(crew, sqlite_url)).lost
        message.deleted = False

    assert crew.pagers is not None
    pages = crew.pagers.goalert.alerts
    crew.pagers.goalert.alerts = [*pages, *pages]
    assert any(line.endswith("2 pages") for line in (await judge(crew, sqlite_url)).doubled)
    crew.pagers.goalert.alerts, crew.pagers.ntfy.pushed = [], []
    lost = (await judge(crew, sqlite_url)).lost
    assert {line.split()[0] for line in lost} == {"declare", "escalate"}
    crew.pagers.goalert.alerts = pages

    message = _telling(crew, told[0])
    message.channel.history.append(copy.copy(message))
    doubled = (await judge(crew, sqlite_url)).doubled
    assert f"{told[0].kind} {told[0].word}: 2 messages" in doubled
    assert any(line.startswith("effect ") for line in doubled)

    message.channel.history.pop()
    for channel in crew.slack.channels:
        channel.history.reverse()
    assert (await judge(crew, sqlite_url)).disordered
    for channel in crew.slack.channels:
        channel.history.reverse()

    with contextlib.closing(sqlite3.connect(make_url(sqlite_url).database or "")) as file:
        file.execute("DROP TRIGGER timeline_entries_no_delete")
        file.execute("DELETE FROM timeline_entries WHERE sequence > 3")
        file.commit()
    verdict = await judge(crew, sqlite_url)
    assert f"{told[0].kind} {told[0].word}: 0 entries" in verdict.lost
    assert verdict.flaws


def _telling(crew: Crew, promise: Promise) -> Message:
    words = (promise.word, SAID_IN_ROOM[promise.kind])
    return next(
        message
        for message in crew.slack.messages
        if all(one in message.text for one in words) and message.channel.name != "incidents"
    )
