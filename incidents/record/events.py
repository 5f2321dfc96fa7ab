"""Events about the record that are on no timeline."""

import uuid
from dataclasses import dataclass

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMarked(FeatureEvent):
    """Somebody marked a message whose text isn't known yet."""

    message_id: uuid.UUID
