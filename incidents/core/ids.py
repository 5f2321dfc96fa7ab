"""Identifiers: random ids for rows, derived ids for effects, and the references that people type."""

import re
import uuid
from dataclasses import dataclass

_REFERENCE = re.compile(r"(inc|drill)[-#\s]?([1-9][0-9]{0,8})", re.IGNORECASE)


def new_id() -> uuid.UUID:
    """Return a fresh random identifier."""
    return uuid.uuid4()


def derived_id(source: uuid.UUID, name: str) -> uuid.UUID:
    """Return an identifier that is always the same for the same source and name."""
    return uuid.uuid5(source, name)


@dataclass(frozen=True, slots=True)
class Reference:
    """What people call an incident: `INC-12`, or `DRILL-3` for a drill."""

    number: int
    is_drill: bool = False

    def __str__(self) -> str:
        """Return the reference as people write it."""
        return f"{'DRILL' if self.is_drill else 'INC'}-{self.number}"


def parse_reference(text: str) -> Reference | None:
    """Parse a reference, in any letter case; return None if the text isn't one."""
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        return None
    return Reference(number=int(match[2]), is_drill=match[1].lower() == "drill")
