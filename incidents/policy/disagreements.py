"""Contradictions within a policy or a scenario whose single values are all valid.

A class reports its own by `disagreements()`; a field marked `Names` has to name an existing entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from incidents.policy.references import Address, RoleRef, RotationRef
from incidents.policy.schema import Field, Form, Names, did_you_mean, shape_of

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A contradiction; `keys` lead to it from the class that reports it.

    `other` leads to the value it contradicts, which may be the one that people wrote; `item` is
    the index if `keys` lead to a list.
    """

    keys: Keys
    what: str
    example: str = ""
    other: Keys = ()
    item: int = 0


def find_disagreements(
    value: object, root: object = None, *, at: Keys = ()
) -> Iterator[Disagreement]:
    """Yield every contradiction in a policy or a scenario, its parts included."""
    root = root or value
    for found in getattr(value, "disagreements", tuple)():
        other = (*at, *found.other) if found.other else ()
        yield replace(found, keys=(*at, *found.keys), other=other)
    for field in shape_of(type(value)).fields.values():
        part = getattr(value, field.name)
        is_elsewhere = any(isinstance(mark, Form) for mark in field.marks)
        inner = at if is_elsewhere else (*at, field.name)
        yield from _unknown_names(part, field, root, at=inner)
        if field.items and field.items.shape:
            key = field.items.shape.key
            for index, item in enumerate(part):
                name = str(getattr(item, key)) if key else index
                yield from find_disagreements(item, root, at=(*inner, name))
        elif field.shape and part is not None:
            yield from find_disagreements(part, root, at=inner)


def key_path(keys: Keys) -> str:
    """Return keys as people write them, for example `postmortem.sections[2].key`."""
    written = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join(written).removeprefix(".")


def _unknown_names(part: object, field: Field, root: object, *, at: Keys) -> Iterator[Disagreement]:
    for mark in (mark for mark in field.all_marks if isinstance(mark, Names)):
        known = mark.known(root)
        for index, named in enumerate(part if isinstance(part, tuple) else (part,)):
            # An enum's member is a str too, but doesn't name another entry.
            if type(named) is not mark.of:
                continue
            word = _name_in(named)
            if word not in known:
                what = f"{mark.missing} `{word}`{did_you_mean(word, (*known, *mark.also))}"
                other = (*mark.where.split("."), word)
                yield Disagreement(at, what, mark.example, other, index)


def _name_in(named: object) -> str:
    """Return the key of the entry that a reference names."""
    match named:
        case Address(pager=key) | RoleRef(key=key) | RotationRef(key=key):
            return key
    return str(named).removeprefix("not ")
