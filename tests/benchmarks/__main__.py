"""Measure the bot against the embedded Slack, and print each figure beside its target."""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from rich.console import Console

from bot.operations.logs import configure_logs
from config.settings import LogFormat, LogLevel
from tests.benchmarks.declaring import Crowd, Declared, crowd_of, declare_at_once, medians_of
from tests.benchmarks.growth import measure_growth
from tests.benchmarks.report import Report, beyond_calls, milliseconds
from tests.benchmarks.resources import memory_at_rest, start_up
from tests.benchmarks.stand import Stand, breathe, make_template, standing
from tests.benchmarks.throughput import (
    EFFECTS,
    ENTRIES,
    fsync_milliseconds,
    measure_throughput,
    work_milliseconds,
)
from tests.benchmarks.waking import CHANGES_PER_MINUTE, measure_waking, way_of_a_page

LATENCIES = (0.05, 0.0)
CROWDS = (20, 40)
WARM_UP = 5
# Of each kind; enough that the 99th percentile is one of them.
PAGES = 100
PAGE_SECONDS = 5.0


def main() -> None:
    """Measure everything, or declaring alone, or what growth costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each; the report shows medians")
    parser.add_argument("--declaring", action="store_true", help="measure declaring only")
    parser.add_argument("--waking", action="store_true", help="measure pages only")
    parser.add_argument("--growth", action="store_true", help="measure what years of past cost")
    options = parser.parse_args()
    configure_logs(level=LogLevel.ERROR, form=LogFormat.CONSOLE)
    report, console = Report(), Console(width=100)
    if options.growth:
        raise SystemExit(0 if measure_growth(console, runs=4 * options.runs) else 1)
    with tempfile.TemporaryDirectory(prefix="sitrep-bench-") as folder:
        if options.waking:
            asyncio.run(_measure_waking(report, console, Path(folder)))
        else:
            measuring = _measure(
                report, console, Path(folder), runs=options.runs, only_declaring=options.declaring
            )
            asyncio.run(measuring)
    report.show(console)


async def _measure(
    report: Report, console: Console, folder: Path, *, runs: int, only_declaring: bool
) -> None:
    template = await make_template(folder)
    for latency in LATENCIES:
        console.print(f"declaring, with {milliseconds(latency)} per call …", style="dim")
        await _measure_declaring(report, template, latency=latency, runs=runs)
    if only_declaring:
        return
    console.print("starting and resting …", style="dim")
    started = await start_up(template, runs=runs)
    resident = await memory_at_rest(template)
    report.group("The process")
    report.add("ready after", f"{started:.2f} s", target="2 s", met=started <= 2)
    report.add("memory at rest", f"{resident:.0f} MB", target="110 MB", met=resident < 110)
    await _measure_waking(report, console, folder / "waking")
    console.print("throughput …", style="dim")
    through = await measure_throughput(template, folder / "throughput", runs=runs)
    report.group("Throughput")
    report.add(
        f"effects per second ({EFFECTS} that take no time)", f"{through.effects_per_second:.0f}"
    )
    for name, seconds in through.exports.items():
        report.add(f"export of {ENTRIES} entries as {name}", milliseconds(seconds))
    report.add("this machine: a million squares", f"{work_milliseconds():.0f} ms")
    report.add("the disk's fdatasync", f"{fsync_milliseconds(folder):.2f} ms")


async def _measure_waking(report: Report, console: Console, folder: Path) -> None:
    console.print("waking …", style="dim")
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    template = await make_template(folder)
    alone, beside = await measure_waking(template, count=PAGES, latency=LATENCIES[0])
    report.group(f"Declared → page taken by the pager, {milliseconds(LATENCIES[0])} per Slack call")
    for what, woken in (
        ("alone", alone),
        (f"beside {CHANGES_PER_MINUTE} changes a minute", beside),
    ):
        report.add(f"{what}: median of {woken.count}", milliseconds(woken.median))
        report.add(
            f"{what}: p99",
            milliseconds(woken.p99),
            target=f"{PAGE_SECONDS:.0f} s",
            met=woken.p99 <= PAGE_SECONDS,
        )
    for name in ("GoAlert", "PagerDuty"):
        report.group(f"The way of a page through {name}")
        for lap in await way_of_a_page(template, through=name):
            report.add(lap.what, milliseconds(lap.seconds))


async def _measure_declaring(report: Report, template: Path, *, latency: float, runs: int) -> None:
    first, alone = await _alone(template, latency=latency, runs=runs)
    report.group(f"Declaring, {milliseconds(latency)} per call to Slack")
    report.add("alone: answered", milliseconds(alone.ack))
    report.add(
        "alone: channel usable",
        beyond_calls(alone.usable, calls=2, latency=latency),
        target="2 calls + 40 ms",
        met=alone.usable <= 2 * latency + 0.040,
    )
    report.add(
        "alone: all but ancillary done",
        beyond_calls(alone.done, calls=3, latency=latency),
        target="3 calls + 60 ms",
        met=alone.done <= 3 * latency + 0.060,
    )
    report.add(
        "the first after start: usable", beyond_calls(first.usable, calls=2, latency=latency)
    )
    for people in CROWDS:
        crowd = await _crowd(template, people=people, latency=latency, runs=runs)
        is_target = people == CROWDS[0]
        report.add(f"{people} at once: answered, median", milliseconds(crowd.ack_median))
        report.add(
            f"{people} at once: answered, p99",
            milliseconds(crowd.ack_p99),
            target="150 ms" if is_target else "",
            met=crowd.ack_p99 < 0.150 if is_target else None,
        )
        report.add(f"{people} at once: all usable", milliseconds(crowd.all_usable))
        report.add(f"{people} at once: all done", milliseconds(crowd.all_done))


async def _alone(template: Path, *, latency: float, runs: int) -> tuple[Declared, Declared]:
    """Return the medians of the first declaration after a start, and of one on a warm bot."""
    first, later = [], []
    for _ in range(runs):
        async with standing(template, latency=latency) as stand:
            first += await declare_at_once(stand, stand.people[:1])
            await _warm_up(stand, WARM_UP - 1)
            later += await declare_at_once(stand, stand.people[-1:])
    return medians_of(first), medians_of(later)


async def _warm_up(stand: Stand, declarations: int) -> None:
    for person in stand.people[:declarations]:
        await declare_at_once(stand, [person])
    await breathe()


async def _crowd(template: Path, *, people: int, latency: float, runs: int) -> Crowd:
    """Return the medians of several crowds, each on a fresh bot.

    On a shared bot, each declaration would also be compared with those of earlier crowds.
    """
    crowds = []
    for _ in range(runs):
        async with standing(template, latency=latency) as stand:
            await _warm_up(stand, WARM_UP)
            crowds.append(crowd_of(await declare_at_once(stand, stand.people[:people])))
    return Crowd(
        ack_median=statistics.median(one.ack_median for one in crowds),
        ack_p99=statistics.median(one.ack_p99 for one in crowds),
        all_usable=statistics.median(one.all_usable for one in crowds),
        all_done=statistics.median(one.all_done for one in crowds),
    )


if __name__ == "__main__":
    main()
