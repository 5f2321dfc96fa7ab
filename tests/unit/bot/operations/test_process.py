"""A process counts as gone only when that is certain."""

import os
import subprocess
import sys

import pytest

from bot.operations.process import is_gone, process_name


def named(pid: int) -> str:
    """The name of a process on this host with that number."""
    host, _, chance = process_name().rsplit(":", 2)
    return f"{host}:{pid}:{chance}"


def test_a_process_that_runs_is_not_gone() -> None:
    assert not is_gone(named(os.getppid()))


def test_a_process_that_ended_is_gone() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert is_gone(named(int(ended.stdout)))


def test_an_earlier_process_with_our_own_number_is_gone() -> None:
    host, pid, chance = process_name().rsplit(":", 2)
    assert not is_gone(f"{host}:{pid}:{chance}")
    assert is_gone(f"{host}:{pid}:1-{chance.partition('-')[2]}")


@pytest.mark.parametrize("name", ["elsewhere/pid1:1:abc", "", "nonsense", "a:b:c"])
def test_a_process_on_another_host_may_still_run(name: str) -> None:
    assert not is_gone(name)
