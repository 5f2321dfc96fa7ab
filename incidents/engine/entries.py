"""The engine's timeline entries: one payload class per kind."""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Payload):
    """A person first responded to the incident."""

    kind: ClassVar[str] = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed(Payload):
    """An effect became a dead letter; `error` is the chat service's word."""

    kind: ClassVar[str] = "effect_failed"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRetried(Payload):
    """Somebody requeued a dead letter."""

    kind: ClassVar[str] = "effect_retried"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Acknowledged,
    EffectFailed,
    EffectRetried,
)
