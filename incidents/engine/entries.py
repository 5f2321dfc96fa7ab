"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Payload):
    """acknowledged."""

    kind: ClassVar[str] = "acknowledged"
    # SCHEMA UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed(Payload):
    """effect_failed."""

    kind: ClassVar[str] = "effect_failed"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRetried(Payload):
    """effect_retried."""

    kind: ClassVar[str] = "effect_retried"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Acknowledged,
    EffectFailed,
    EffectRetried,
)
