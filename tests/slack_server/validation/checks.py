"""Small composable checks: each takes a value and its JSON pointer, and yields problems."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One breach of a limit: where, what, and the error that Slack answers with."""

    pointer: str
    message: str
    code: str = "invalid_blocks"


Check = Callable[[Any, str], Iterator[Problem]]


def string(longest: int, *, shortest: int = 1, pattern: str = "") -> Check:
    """A string of `shortest` to `longest` characters."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(at, "must be a string")
        elif len(value) > longest:
            yield Problem(at, f"must be at most {longest} characters, has {len(value)}")
        elif len(value) < shortest:
            yield Problem(at, f"must be at least {shortest} characters")
        elif pattern and not re.fullmatch(pattern, value):
            yield Problem(at, f"does not match {pattern}: {value!r}")

    return check


def integer(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(at, "must be a whole number")
        elif not low <= value <= high:
            yield Problem(at, f"must be from {low} to {high}")

    return check


def boolean(value: Any, at: str) -> Iterator[Problem]:
    """True or false."""
    if not isinstance(value, bool):
        yield Problem(at, "must be true or false")


def anything(value: Any, at: str) -> Iterator[Problem]:
    """Any value."""
    del value, at
    return iter(())


def one_of(*allowed: str) -> Check:
    """One of these strings."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(at, f"must be one of {', '.join(allowed)}")

    return check


def many(check_one: Check, most: int, *, least: int = 1) -> Check:
    """A list of `least` to `most` things, each passing `check_one`."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem(at, "must be a list")
            return
        if not least <= len(value) <= most:
            yield Problem(at, f"must have {least} to {most} items, has {len(value)}")
        for index, item in enumerate(value):
            yield from check_one(item, f"{at}/{index}")

    return check


def shape(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    also: Check | None = None,
) -> Check:
    """An object with these properties and no others; `also` looks at it as a whole."""
    known = {"type": anything, **(optional or {}), **required}

    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(at, "must be an object")
            return
        for key in required:
            if value.get(key) is None:
                yield Problem(f"{at}/{key}", "missing required field")
        for key, item in value.items():
            if key not in known:
                yield Problem(f"{at}/{key}", "unknown field")
            elif item is not None:
                yield from known[key](item, f"{at}/{key}")
        if also:
            yield from also(value, at)

    return check


def typed(table: Mapping[str, Check], *, what: str) -> Check:
    """An object whose `type` chooses its check."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        kind = str(value.get("type")) if isinstance(value, dict) else "nothing"
        if kind not in table:
            yield Problem(f"{at}/type", f"unsupported {what}: {kind}")
            return
        yield from table[kind](value, at)

    return check


def either(*keys: str) -> Check:
    """An object with exactly one of these properties."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        present = [key for key in keys if value.get(key) is not None]
        if len(present) != 1:
            yield Problem(at, f"must have exactly one of {', '.join(keys)}")

    return check


def both(*checks: Check) -> Check:
    """All of these checks."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        for one in checks:
            yield from one(value, at)

    return check


def repeated(values: Iterable[str]) -> list[str]:
    """The values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]
