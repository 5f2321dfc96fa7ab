"""How much slower work becomes as the past grows, on SQLite and PostgreSQL."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from config.policy_loader import load_policy
from incidents.registry.verification import prove_everything
from tests.benchmarks.daily_work import WORK, Operation, Place, place_with_past
from tests.benchmarks.stand import make_template
from tests.databases import create_database, running_postgres

SMALL, GROWN, ENTRIES_EACH = 200, 20_000, 25
MOST = 1.3
# Below this, a difference is noise of the clock and the machine.
NOISE_SECONDS = 0.0005


def measure_growth(console: Console, *, runs: int) -> bool:
    """Print the table; return whether nothing became slower than it may."""
    sqlite = _measure(console, "SQLite", runs=runs)
    return _measure(console, "PostgreSQL", runs=runs) and sqlite


def _measure(console: Console, kind: str, *, runs: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="sitrep-growth-") as name, contextlib.ExitStack() as on:
        urls = on.enter_context(_databases(kind, Path(name)))
        console.print(f"{kind}: growing, then working …", style="dim")
        figures = asyncio.run(_figures(urls, runs=runs))
    title = (
        f"{kind}: {SMALL} and {GROWN} incidents, {ENTRIES_EACH} entries each (the best of several)"
    )
    table = Table("", "small", "grown", "ratio", "", title=title, title_justify="left")
    is_met = True
    for name, (small, grown) in figures.items():
        is_slower = grown > small * MOST and grown - small > NOISE_SECONDS
        has_target = name in WORK
        is_met = is_met and not (is_slower and has_target)
        verdict = ("[red]slower[/red]" if is_slower else "[green]met[/green]") if has_target else ""
        table.add_row(name, _shown(small), _shown(grown), f"{grown / small:.1f}", verdict)
    console.print(table)
    return is_met


@contextlib.contextmanager
def _databases(kind: str, folder: Path) -> Iterator[list[str]]:
    """Yield the addresses of two empty databases."""
    if kind == "SQLite":
        names = ("small", "grown")
        for name in names:
            (folder / name).mkdir()
        yield [f"sqlite+aiosqlite:///{asyncio.run(make_template(folder / one))}" for one in names]
        return
    with running_postgres() as server:
        yield [create_database(server, "small"), create_database(server, "grown")]


async def _figures(urls: list[str], *, runs: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each work in the small and in the grown database."""
    policy = load_policy().policy
    async with contextlib.AsyncExitStack() as stack:
        places = [
            await stack.enter_async_context(
                place_with_past(url, policy, incidents=incidents, entries_each=ENTRIES_EACH)
            )
            for url, incidents in zip(urls, (SMALL, GROWN), strict=True)
        ]
        for place in places:
            await place.gather_statistics()
        figures = {name: await _best(places, work, runs) for name, work in WORK.items()}
        figures["verify everything"] = await _best(places, _verify, 1)
    return figures


async def _best(places: list[Place], work: Operation, runs: int) -> tuple[float, float]:
    """Work in turns in both places, so that a busy machine slows down both alike."""
    taken: list[list[float]] = [[] for _ in places]
    for _ in range(runs):
        for place, times in zip(places, taken, strict=True):
            times.append(await _timed(place, work))
    small, grown = (min(times) for times in taken)
    return small, grown


async def _timed(place: Place, work: Operation) -> float:
    started = time.perf_counter()
    await work(place)
    return time.perf_counter() - started


async def _verify(place: Place) -> None:
    async with place.database.reading() as session:
        async for proof in prove_everything(session, workspace_id=place.workspace_id):
            if proof.flaws:
                raise AssertionError(f"{proof.name}: {proof.flaws[:3]}")


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
