"""Entries of exports."""

import uuid
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import Telling, telling
from incidents.incident.payload import Payload

_NAMES: Final = MappingProxyType({"md": "Markdown", "csv": "CSV", "json": "JSON"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Payload):
    """Somebody exported the timeline as a file."""

    kind: ClassVar[str] = "exported"
    is_bookkeeping: ClassVar[bool] = True
    format: str = "md"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return in which format it was exported."""
        return telling(f"exported the timeline as {_NAMES.get(self.format, self.format)}")


ENTRIES: Final[tuple[type[Payload], ...]] = (Exported,)
