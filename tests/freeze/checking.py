"""Compares what one test showed with the snapshot; says what differs and what to do."""

import contextlib
import difflib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.freeze import snapshots
from tests.freeze.items import Item
from tests.freeze.observations import is_compared, is_observed, write_test
from tests.freeze.observing import observed
from tests.freeze.planned_work import PlannedWork, planned_work
from tests.slack_server import SlackServer

_AT_MOST = 8
HOW_TO_GO_ON = (
    "If you meant the change, record it with `make freeze` and read the diff; "
    "if only the order of events differs, add it with `make freeze-add`."
)

read_once = functools.cache(snapshots.read)


class Frozen:
    """Watches one scenario: notes plans while it runs, and reads its Slack at the end."""

    def __init__(self, module: str, test: str) -> None:
        self._module = module
        self._test = test
        self._planning = contextlib.ExitStack()
        self._work: PlannedWork | None = None
        self._shown: set[Item] | None = None

    def __enter__(self) -> Self:
        # Watching takes a tenth of a short scenario's time, and most runs don't look at the result.
        if is_observed():
            self._work = self._planning.enter_context(planned_work())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._planning.__exit__(kind, error, trace)

    def look(self, slack: SlackServer, database_url: str) -> None:
        """Read what the bot showed and recorded, once it has stopped."""
        if self._work is None:
            return
        database = Path(database_url.partition(":///")[2])
        self._shown = {snapshots.as_stored(item) for item in observed(slack, database)}

    def check(self) -> None:
        """Write what the test showed, for a recording. Raises: AssertionError for unknown items."""
        if self._shown is None or self._work is None:
            return
        write_test(self._module, self._test, shown=self._shown, planned=self._work.items)
        # A busy machine may refresh a card once more or once less, so only `make freeze-check`
        # compares: other runs must not fail because of that.
        if not is_compared():
            return
        unknown = [
            *_unknown(self._shown, module=self._module),
            *_unknown(self._work.items, module=snapshots.PLANNED),
        ]
        assert not unknown, "\n\n".join(
            [
                f"\n{len(unknown)} items differ from the snapshot",
                *unknown[:_AT_MOST],
                HOW_TO_GO_ON,
            ]
        )


def _unknown(items: Iterable[Item], *, module: str) -> Iterator[str]:
    known = read_once(module)
    for item in sorted(items):
        if item not in known and _sorted_words(item) not in _known_sometimes(module):
            yield difference(item, known, name=snapshots.path_of(module).name)


@functools.cache
def _known_sometimes(module: str) -> frozenset[tuple[str, ...]]:
    """Return the sorted words of what appears sometimes: random ids may reorder them."""
    varied = (item for item, seen in read_once(module).items() if not seen.always)
    return frozenset(_sorted_words(item) for item in varied)


def _sorted_words(item: Item) -> tuple[str, ...]:
    words = (word.strip(",.") for word in item.text.split())
    return (item.heading, *sorted(words))


def difference(item: Item, known: Iterable[Item], *, name: str) -> str:
    """Return how an unknown item differs from the most similar frozen one."""
    closest = max(known, key=lambda other: _likeness(item, other), default=Item("nothing", ""))
    return "\n".join(
        difflib.unified_diff(
            [f"=== {closest.heading}", *closest.text.split("\n")],
            [f"=== {item.heading}", *item.text.split("\n")],
            fromfile=f"frozen in {name}",
            tofile="now",
            lineterm="",
        )
    )


def _likeness(item: Item, other: Item) -> float:
    lines, others = set(item.text.split("\n")), set(other.text.split("\n"))
    shared = len(lines & others) / max(len(lines | others), 1)
    return shared + (1 if item.heading == other.heading else 0)
