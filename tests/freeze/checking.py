"""Holds what one test showed against what is frozen, and says what differs and what to do."""

import difflib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.freeze import snapshots
from tests.freeze.items import Item
from tests.freeze.observations import is_compared, leave
from tests.freeze.observing import observed
from tests.freeze.planned_work import PlannedWork, planned_work
from tests.slack_server import SlackServer

_AT_MOST = 8
HOW_TO_GO_ON = (
    "If that is meant, record anew with `make freeze` and read the difference; "
    "if it is only another order of events, add it with `make freeze-add`."
)

read_once = functools.cache(snapshots.read)


class Frozen:
    """One scenario's part: notes plans while it runs, and is shown the Slack at its end."""

    def __init__(self, module: str, test: str) -> None:
        self._module = module
        self._test = test
        self._planning = planned_work()
        self._work: PlannedWork | None = None
        self._shown: set[Item] | None = None

    def __enter__(self) -> Self:
        self._work = self._planning.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._planning.__exit__(kind, error, trace)

    def look(self, slack: SlackServer, database_url: str) -> None:
        """Look at what was shown and recorded, once the bot has stopped."""
        database = Path(database_url.partition(":///")[2])
        self._shown = {snapshots.as_stored(item) for item in observed(slack, database)}

    def check(self) -> None:
        """Leave what was seen for whoever records. Raises: AssertionError for anything unknown."""
        if self._shown is None or self._work is None:
            return
        leave(self._module, self._test, shown=self._shown, planned=self._work.items)
        # On a busy machine a card is sometimes refreshed once more or once less. Only
        # `make freeze-check` compares, so that nobody's change fails because of it.
        if not is_compared():
            return
        unknown = [
            *_unknown(self._shown, module=self._module),
            *_unknown(self._work.items, module=snapshots.PLANNED),
        ]
        assert not unknown, "\n\n".join(
            [
                f"\n{len(unknown)} things differ from what is frozen",
                *unknown[:_AT_MOST],
                HOW_TO_GO_ON,
            ]
        )


def _unknown(items: Iterable[Item], *, module: str) -> Iterator[str]:
    known = read_once(module)
    for item in sorted(items):
        if item not in known and _in_no_order(item) not in _unordered(module):
            yield difference(item, known, name=snapshots.path_of(module).name)


@functools.cache
def _unordered(module: str) -> frozenset[tuple[str, ...]]:
    """Return what is only seen sometimes, by its words: random ids may order them anew each time."""
    varied = (item for item, seen in read_once(module).items() if not seen.always)
    return frozenset(_in_no_order(item) for item in varied)


def _in_no_order(item: Item) -> tuple[str, ...]:
    words = (word.strip(",.") for word in item.text.split())
    return (item.heading, *sorted(words))


def difference(item: Item, known: Iterable[Item], *, name: str) -> str:
    """Return how an unknown item differs from the frozen one that is most like it."""
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
