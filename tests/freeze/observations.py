"""What each test of a run showed, left in a folder by the test and read back after the run."""

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
    """Tell whether what is shown is recorded, so that nothing is unknown."""
    return bool(os.environ.get(RECORDING_VARIABLE))


def is_compared() -> bool:
    """Tell whether this run compares what is shown, as `make freeze-check` does."""
    return bool(os.environ.get(FOLDER_VARIABLE)) and not is_recording()


def leave(module: str, test: str, *, shown: Iterable[Item], planned: Iterable[Item]) -> None:
    """Write what one test showed, if somebody wants to read it after the run."""
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
    """Return what a run showed, by module and test; all plans are those of one module and test."""
    run: defaultdict[str, ByTest] = defaultdict(dict)
    planned: set[Item] = set()
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        run[found["module"]][found["test"]] = {Item(*pair) for pair in found["shown"]}
        planned |= {Item(*pair) for pair in found["planned"]}
    if planned:
        run[PLANNED] = {ANY_TEST: planned}
    return dict(run)
