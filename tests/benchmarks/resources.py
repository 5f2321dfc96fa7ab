"""What `sitrep serve` costs: time to be ready, and memory at rest."""

import asyncio
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.benchmarks.stand import environ, furnish, process
from tests.slack_server import SlackServer

REST_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.01
_READY_WITHIN_SECONDS = 30.0


async def start_up(template: Path, *, runs: int) -> float:
    """Return the median seconds from the start of the process until `/readyz` answers 200.

    The first start doesn't count: it compiles what an installation has already compiled.
    """
    await _serve(template, rest=0.0)
    return statistics.median([(await _serve(template, rest=0.0))[0] for _ in range(runs)])


async def memory_at_rest(template: Path) -> float:
    """Return the resident memory after five quiet seconds, in MB (10^6 bytes)."""
    return (await _serve(template, rest=REST_SECONDS))[1]


async def _serve(template: Path, *, rest: float) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="sitrep-bench-") as name:
        async with SlackServer(rate_limits=False) as slack, aiohttp.ClientSession() as session:
            furnish(slack)
            env = environ(slack, template=template, folder=Path(name))
            env["PORT"] = str(_free_port())
            started = time.perf_counter()
            async with process("bot", "serve", env=env) as running:
                await _until_ready(session, f"http://127.0.0.1:{env['PORT']}/readyz")
                took = time.perf_counter() - started
                await asyncio.sleep(rest)
                return took, _resident_bytes(running.pid) / 1e6


async def _until_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(_READY_WITHIN_SECONDS):
        # Another process: only its answer tells.
        while not await _is_ready(session, url):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _resident_bytes(pid: int) -> int:
    """Return the resident set of a process (Linux only: it reads /proc)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
