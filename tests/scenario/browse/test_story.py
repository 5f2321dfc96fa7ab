"""The stories that `tests.looks` draws and `tests.demo` plays: a broken scene hides the rest."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.looks.__main__ import play

pytestmark = pytest.mark.timeout(180)
_ROOT = Path(__file__).parents[3]


async def test_every_scene_of_the_drawn_story_plays_to_its_end(tmp_path: Path) -> None:
    assert await play(tmp_path) == []


async def test_the_demo_plays_to_its_end_in_at_most_150_lines(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(_ROOT), "SITREP_DEMO_PAUSE": "0"}
    demo = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.demo"),
        cwd=tmp_path,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await demo.communicate()

    lines = told.decode().splitlines()
    assert demo.returncode == 0, "\n".join(lines[-20:])
    assert len(lines) <= 150
