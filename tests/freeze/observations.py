"""What each test of a run showed: the test writes it to a folder, and we read it after the run."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.freeze.items import Item
from tests.freeze.snapshots import ANY_TEST, PLANNED

FOLDER_VARIABLE = "SITREP_FREEZE_FOLDER"
RECORDING_VARIABLE = "SITREP_FREEZE_RECORDING"

ByTest = dict[str, set[Item]]


def is_recording() -> bool:
    """Tell whether this run records what it shows, so that nothing counts as unknown."""
    return bool(os.environ.get(RECORDING_VARIABLE))


def is_observed() -> bool:
    """Tell whether this run keeps what it shows, to record or to compare it."""
    return bool(os.environ.get(FOLDER_VARIABLE))


def is_compared() -> bool:
    """Tell whether this run compares what it shows, as `make freeze-check` does."""
    return is_observed() and not is_recording()


def write_test(module: str, test: str, *, shown: Iterable[Item], planned: Iterable[Item]) -> None:
    """Write what one test showed, if the run has a folder for it."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    found = {
        "module": module,
        "test": test,
        "shown": [[item.heading, item.text] for item in shown],
        "planned": [[item.heading, item.text] for item in planned],
    }
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{module}-{test}")
    (Path(folder) / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


def read_run(folder: Path) -> dict[str, ByTest]:
    """Return what a run showed, by module and test; all plans together count as one module."""
    run: defaultdict[str, ByTest] = defaultdict(dict)
    planned: set[Item] = set()
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        run[found["module"]][found["test"]] = {Item(*pair) for pair in found["shown"]}
        planned |= {Item(*pair) for pair in found["planned"]}
    if planned:
        run[PLANNED] = {ANY_TEST: planned}
    return dict(run)
