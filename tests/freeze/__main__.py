"""The step after a run of the scenarios: `record`, `add` or `check` what its tests wrote."""

import sys
from pathlib import Path

from tests.freeze import snapshots
from tests.freeze.checking import HOW_TO_GO_ON, difference
from tests.freeze.observations import ByTest, read_run


def main(step: str, *folders: str) -> int:
    """Do one step with the folders of one or more runs; return 1 if anything is missing."""
    runs = [read_run(Path(folder)) for folder in folders]
    modules = sorted({module for run in runs for module in run})
    if step == "check":
        return _check(modules, runs[0])
    if step == "record":
        snapshots.forget_all_but(modules)
    for module in modules:
        here = [run[module] for run in runs if module in run]
        if step == "record":
            snapshot = snapshots.merged(here)
        else:
            snapshot = snapshots.read(module)
            for run in here:
                snapshot = snapshots.loosened(snapshot, run)
        snapshots.write(module, snapshot)
        _report(module, snapshot)
    return 0


def _report(module: str, snapshot: snapshots.Snapshot) -> None:
    only_sometimes = sum(not seen.always for seen in snapshot.values())
    sys.stdout.write(f"{module}: {len(snapshot)} items, {only_sometimes} of them only sometimes\n")


def _check(modules: list[str], run: dict[str, ByTest]) -> int:
    lost = 0
    for module in modules:
        shown = {item for items in run[module].values() for item in items}
        for item, test in snapshots.missing(snapshots.read(module), run[module]):
            lost += 1
            sys.stdout.write(f"\n{module}: no longer in {test}\n")
            sys.stdout.write(difference(item, shown, name=f"{module}.txt, closest") + "\n")
    if lost:
        sys.stdout.write(f"\n{lost} frozen items no longer appear. {HOW_TO_GO_ON}\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
