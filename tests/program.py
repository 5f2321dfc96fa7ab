"""The program as people run it: `sitrep …` in its own process."""

import asyncio
import ctypes
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, Self

from bot.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


def environment(**given: str) -> dict[str, str]:
    """Return a minimal environment plus these variables."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PORT": "0", "OPS_PORT": "0", **given}


class Program:
    """A running process; its log is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *arguments: str, environ: Mapping[str, str], folder: Path) -> Self:
        """Start `sitrep` with these arguments in a folder."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            env=environ,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    async def said(self, event: str, *, timeout: float = 30.0) -> dict[str, Any]:
        """Wait for a line of the log with this event, and return it."""
        async with asyncio.timeout(timeout):
            while True:
                self._news.clear()
                for line in self.lines:
                    if line.startswith("{") and (found := json.loads(line))["event"] == event:
                        return dict(found)
                if self._reader.done():
                    raise AssertionError(f"it ended without {event}:\n{self.output}")
                await self._news.wait()

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self, *, timeout: float = 15.0) -> int:
        """Wait until it has ended; return its exit code (negative: the signal that killed it)."""
        async with asyncio.timeout(timeout):
            code = await self.process.wait()
            await self._reader
        return code

    async def end(self) -> None:
        """Kill it if it is still running."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.lines.append(raw.decode().rstrip("\n"))
            self._news.set()
        self._news.set()


async def run(
    *arguments: str, environ: Mapping[str, str], folder: Path, obeys_modes: bool = False
) -> tuple[int, str]:
    """Run `sitrep` in its own process until it ends; return exit code and output.

    `obeys_modes`: a write-protected file is so even if the tests run as root.

    The process is forked from one that has already imported the program: importing takes longer
    than most runs.
    """
    with tempfile.NamedTemporaryFile("r", prefix="sitrep-output-") as output:
        given = (arguments, dict(environ), str(folder), output.name, obeys_modes)
        process = _processes().Process(target=_run, args=given)
        process.start()
        await asyncio.to_thread(process.join, 60)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"it still runs:\n{output.read()}")
        assert process.exitcode is not None
        return process.exitcode, output.read().rstrip("\n")


@cache
def _processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["bot.__main__", "bot.app", "bot.operations.commands.serve", "typer.main"]
    )
    return context


def _run(
    arguments: tuple[str, ...],
    environ: dict[str, str],
    folder: str,
    output: str,
    obeys_modes: bool,  # noqa: FBT001 - passed on by multiprocessing
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    written = os.open(output, os.O_WRONLY)
    os.dup2(written, 1)
    os.dup2(written, 2)
    if obeys_modes and os.geteuid() == 0:
        _give_up_capabilities()
    sys.argv = ["sitrep", *arguments]
    main()


def _give_up_capabilities() -> None:
    """Let Linux check file modes for root, too (capset with three empty sets, version 3)."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")
