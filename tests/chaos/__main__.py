"""Run the trials and print, for each promise, what became of it."""

import argparse
import asyncio
import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.stand import make_template
from tests.chaos import trials
from tests.chaos.database_faults import break_postgres, lock_sqlite
from tests.chaos.power_cuts import cut_power
from tests.chaos.verdict import Verdict
from tests.databases import create_database, running_postgres

# What people wait for: to be in the channel, to be called, to read what was said.
AWAITED = ("declare", "escalate", "note", "update")
PER_RUN = 25  # cases of one run; each run begins with an empty record


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial: its promise, where it runs, and how many cases `--long` takes."""

    name: str
    promise: str
    run: trials.Trial
    database: str
    short: int
    long: int


TRIALS = (
    Trial("kills", "a killed bot loses nothing", trials.kill_bots, "sqlite", 10, 600),
    Trial("kills-postgres", "a killed bot loses nothing", trials.kill_bots, "postgres", 10, 400),
    Trial("power", "a power cut loses nothing", cut_power, "file", 5, 100),
    Trial(
        "replicas",
        "killed and frozen replicas double nothing",
        trials.kill_and_freeze_replicas,
        "postgres",
        6,
        200,
    ),
    Trial("third", "30 of 100 calls may fail", trials.fail_a_third, "sqlite", 10, 300),
    Trial("pagers", "a page arrives, once", trials.fail_pagers, "sqlite", 5, 200),
    Trial("outage", "Slack may be away", trials.take_slack_down, "sqlite", 2, 50),
    Trial("method", "one method may fail", trials.fail_one_method, "sqlite", 7, 70),
    Trial("hanging", "calls may hang or be slow", trials.hang_calls, "sqlite", 5, 100),
    Trial("sockets", "sockets may break", trials.cut_sockets, "sqlite", 5, 100),
    Trial("locks", "another program may lock the file", lock_sqlite, "sqlite", 5, 50),
    Trial("database", "PostgreSQL may break", break_postgres, "postgres", 6, 120),
    Trial("clocks", "clocks may be set", trials.set_clocks, "sqlite", 8, 100),
    Trial("soak", "sixty changes a minute reach people", trials.soak, "sqlite", 1, 15),
)


def main() -> None:
    """Run all trials, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("trials", nargs="*", help=f"of {', '.join(t.name for t in TRIALS)}")
    parser.add_argument("--long", action="store_true", help="as many cases as in the long form")
    parser.add_argument("--cases", type=int, help="this many of each, instead")
    parser.add_argument("--seed", type=int, help="begin with this seed, as a failure names it")
    options = parser.parse_args()
    unknown = set(options.trials) - {trial.name for trial in TRIALS}
    if unknown:
        parser.error(f"there is no trial {', '.join(sorted(unknown))}")
    chosen = [trial for trial in TRIALS if trial.name in (options.trials or [trial.name])]
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    if not _run_all(chosen, options.cases, is_long=options.long, seed=seed):
        raise SystemExit(1)


def _run_all(chosen: list[Trial], cases: int | None, *, is_long: bool, seed: int) -> bool:
    console = Console(width=150)
    table = Table("promise", "cases", "promised", "lost", "doubled", "out of order", "flaws")
    for kind in AWAITED:
        table.add_column(f"{kind}, p99 and worst", justify="right")
    is_clean = True
    for trial in chosen:
        wanted = cases or (trial.long if is_long else trial.short)
        verdict = _run(trial, wanted, seed=seed, console=console)
        is_clean = is_clean and verdict.is_clean
        table.add_row(trial.promise, str(wanted), *_figures(verdict))
    console.print(table)
    return is_clean


def _run(trial: Trial, wanted: int, *, seed: int, console: Console) -> Verdict:
    """Run a trial in runs of at most PER_RUN cases, each with the next seed and a new database."""
    total, left, number = Verdict(), wanted, seed
    while left > 0:
        cases = min(left, PER_RUN)
        console.print(f"{trial.name}, seed {number}: {cases} cases, {left} left …", style="dim")
        verdict = _try(trial, number, cases)
        for problem in verdict.problems:
            console.print(f"  {problem}", style="red")
        if not verdict.is_clean:
            again = f"python -m tests.chaos {trial.name} --cases {cases} --seed {number}"
            console.print(f"  again: {again}", style="red")
        total.add(verdict)
        left, number = left - cases, number + 1
    return total


def _try(trial: Trial, seed: int, cases: int) -> Verdict:
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="sitrep-chaos-"))
        place = _place(trial.database, Path(name), stack)
        try:
            return asyncio.run(trial.run(place, Path(name), seed=seed, cases=cases))
        except (AssertionError, TimeoutError) as error:
            return Verdict(flaws=[f"it never became whole: {error!r}"])


def _place(kind: str, folder: Path, stack: contextlib.ExitStack) -> str | Path:
    """Make an empty database of this kind: its URL, or its file."""
    if kind == "postgres":
        return create_database(stack.enter_context(running_postgres()), "sitrep")
    file = asyncio.run(make_template(folder))
    return file if kind == "file" else f"sqlite+aiosqlite:///{file}"


def _figures(verdict: Verdict) -> list[str]:
    counts = [verdict.lost, verdict.doubled, verdict.disordered, verdict.flaws]
    return [
        str(verdict.promised),
        *(str(len(found)) for found in counts),
        *(_delays(verdict.delays[kind]) for kind in AWAITED),
    ]


def _delays(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    return f"{ordered[int(0.99 * (len(ordered) - 1))]:.1f} s, {ordered[-1]:.1f} s"


if __name__ == "__main__":
    main()
