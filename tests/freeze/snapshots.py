"""The snapshot files, in a form that reads well line by line."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.freeze.items import Item

FOLDER = Path(__file__).parent / "snapshots"
PLANNED = "planned_work"
# All scenarios share one snapshot of plans, so plans belong to no single test.
ANY_TEST = "(any test)"

Runs = Iterable[Mapping[str, set[Item]]]


@dataclass(slots=True)
class Seen:
    """The tests that always show an item, and those that show it sometimes, depending on timing."""

    always: set[str] = field(default_factory=set)
    sometimes: set[str] = field(default_factory=set)


Snapshot = dict[Item, Seen]


def merged(runs: Runs) -> Snapshot:
    """Return a module's snapshot from what each test showed in each run."""
    runs = list(runs)
    snapshot: Snapshot = {}
    for test in {test for run in runs for test in run}:
        ran = [run[test] for run in runs if test in run]
        always = set.intersection(*ran)
        for item in set.union(*ran):
            seen = snapshot.setdefault(item, Seen())
            (seen.always if item in always else seen.sometimes).add(test)
    return snapshot


def loosened(snapshot: Snapshot, run: Mapping[str, set[Item]]) -> Snapshot:
    """Return the snapshot after one more run: what only one of the two has counts as sometimes."""
    result: Snapshot = {}
    for item in {*snapshot, *(item for items in run.values() for item in items)}:
        known = snapshot.get(item, Seen())
        here = {test for test, items in run.items() if item in items}
        still = {test for test in known.always if test not in run or test in here}
        result[item] = Seen(still, (known.always | known.sometimes | here) - still)
    return result


def missing(snapshot: Snapshot, run: Mapping[str, set[Item]]) -> Iterator[tuple[Item, str]]:
    """Find what a test always shows, but didn't show in this run."""
    for item, seen in sorted(snapshot.items()):
        for test in sorted(seen.always):
            if test in run and item not in run[test]:
                yield item, test


def path_of(module: str) -> Path:
    """Return the file of a module's snapshot."""
    return FOLDER / f"{module}.txt"


def forget_all_but(modules: Iterable[str]) -> None:
    """Delete the files of modules that no longer exist."""
    wanted = {path_of(module) for module in modules}
    for path in FOLDER.glob("*.txt"):
        if path not in wanted:
            path.unlink()


def write(module: str, snapshot: Snapshot) -> None:
    """Write a module's snapshot."""
    FOLDER.mkdir(exist_ok=True)
    path_of(module).write_text(as_text(snapshot), encoding="utf-8")


def read(module: str) -> Snapshot:
    """Read a module's snapshot; empty if there is none yet."""
    path = path_of(module)
    return from_text(path.read_text(encoding="utf-8")) if path.exists() else {}


def as_text(snapshot: Snapshot) -> str:
    """Return a snapshot as text: the tests with their codes, then item by item."""
    tests = {test for seen in snapshot.values() for test in seen.always | seen.sometimes}
    codes = {test: _code(test) for test in tests}
    if len(set(codes.values())) < len(codes):
        raise ValueError("two tests have the same code: rename one of them")
    lines = [f"{code} = {test}" for test, code in sorted(codes.items())]
    for item, seen in sorted(snapshot.items()):
        always = " ".join(codes[test] for test in sorted(seen.always))
        sometimes = " ".join(codes[test] for test in sorted(seen.sometimes))
        lines += ["", f"=== {item.heading}"]
        lines += [f"always: {always}"] * bool(always)
        lines += [f"sometimes: {sometimes}"] * bool(sometimes)
        lines += [f"| {line}".rstrip() for line in item.text.split("\n")]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Snapshot:
    """Return the snapshot from its text."""
    head, *sections = text.removesuffix("\n").split("\n\n=== ")
    tests = dict(line.split(" = ", 1) for line in head.split("\n") if line)
    return dict(_section(section, tests) for section in sections)


def as_stored(item: Item) -> Item:
    """Return the item as a file returns it: without blanks at the end of lines."""
    return Item(item.heading, "\n".join(line.rstrip() for line in item.text.split("\n")))


def _section(section: str, tests: Mapping[str, str]) -> tuple[Item, Seen]:
    heading, *lines = section.split("\n")
    seen, text = Seen(), []
    for line in lines:
        if line.startswith("|"):
            text.append(line[2:])
        else:
            word, _, codes = line.partition(": ")
            chosen = seen.always if word == "always" else seen.sometimes
            chosen |= {tests[code] for code in codes.split()}
    return Item(heading, "\n".join(text)), seen


def _code(test: str) -> str:
    return f"{zlib.crc32(test.encode()) & 0xFFFFF:05x}"
