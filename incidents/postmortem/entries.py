"""Entries about the postmortem and action items: one payload per kind, which words itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemDrafted(Payload):
    """The bot drafted the postmortem."""

    kind: ClassVar[str] = "postmortem_drafted"
    is_bookkeeping: ClassVar[bool] = True
    postmortem_id: uuid.UUID | None = None
    version: int = 0
    owner_id: uuid.UUID | None = None
    owner: str | None = None
    due_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemOwnerSet(Payload):
    """Somebody was named as the postmortem's owner."""

    kind: ClassVar[str] = "postmortem_owner_set"
    is_bookkeeping: ClassVar[bool] = True
    postmortem_id: uuid.UUID | None = None
    version: int = 0
    owner_id: uuid.UUID | None = None
    owner: str = ""
    due_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemEdited(Payload):
    """Somebody edited sections of the postmortem."""

    kind: ClassVar[str] = "postmortem_edited"
    is_bookkeeping: ClassVar[bool] = True
    postmortem_id: uuid.UUID | None = None
    version: int = 0
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemPublished(Payload):
    """Somebody published the postmortem."""

    kind: ClassVar[str] = "postmortem_published"
    is_bookkeeping: ClassVar[bool] = True
    postmortem_id: uuid.UUID | None = None
    version: int = 0
    owner_id: str | None = None
    owner: str | None = None
    due_on: str = ""
    published_at: datetime | None = None
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemReminded(Payload):
    """The postmortem is due, or soon will be."""

    kind: ClassVar[str] = "postmortem_reminded"
    is_bookkeeping: ClassVar[bool] = True
    postmortem_id: uuid.UUID | None = None
    version: int = 0
    owner_id: uuid.UUID | None = None
    owner: str | None = None
    due_on: str = ""
    is_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemAdded(Payload):
    """Somebody added an action item."""

    kind: ClassVar[str] = "action_item_added"
    is_bookkeeping: ClassVar[bool] = True
    action_item_id: uuid.UUID | None = None
    number: int = 0
    text: str = ""
    owner_id: str | None = None
    owner: str | None = None
    due_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemAssigned(Payload):
    """Somebody assigned an action item."""

    kind: ClassVar[str] = "action_item_assigned"
    is_bookkeeping: ClassVar[bool] = True
    action_item_id: uuid.UUID | None = None
    number: int = 0
    text: str = ""
    owner_id: uuid.UUID | None = None
    owner: str = ""
    due_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemDone(Payload):
    """Somebody completed an action item."""

    kind: ClassVar[str] = "action_item_done"
    is_bookkeeping: ClassVar[bool] = True
    action_item_id: uuid.UUID | None = None
    number: int = 0
    text: str = ""
    owner_id: uuid.UUID | None = None
    owner: str = ""
    due_on: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (
    PostmortemDrafted,
    PostmortemOwnerSet,
    PostmortemEdited,
    PostmortemPublished,
    PostmortemReminded,
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
)
