"""Entries of this room: one payload per kind, which tells itself."""

from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Payload):
    """exported."""

    kind: ClassVar[str] = "exported"
    is_bookkeeping: ClassVar[bool] = True
    format: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (Exported,)
