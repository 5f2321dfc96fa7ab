"""Events of overrides, which belong to no incident and no timeline."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEvent(FeatureEvent):
    """An override began or was stopped; `tell`: the people concerned, without the person who did it."""

    is_stop: ClassVar[bool] = False
    override_id: uuid.UUID
    tell: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideMade(OverrideEvent):
    """Somebody stands in from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideStopped(OverrideEvent):
    """The person whose turn it is is on call again."""

    is_stop: ClassVar[bool] = True
