"""Entries about the postmortem and action items: one payload per kind, which words itself."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from incidents.core.sentences import (
    Detail,
    Link,
    Part,
    Sentence,
    Telling,
    Who,
    Words,
    detail,
    listed,
    telling,
)
from incidents.core.times import day_text
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedEntry(Payload):
    """What every entry about follow-up work says: whose it is, and by when."""

    is_bookkeeping: ClassVar[bool] = True
    owner: Who | None = None
    due_on: date | None = None

    def due(self) -> Sentence:
        """Return by when, as the end of a phrase; nothing if that isn't known."""
        return (f", due {day_text(self.due_on)}",) if self.due_on else ()


# -- the postmortem -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemEntry(OwnedEntry):
    """What every entry about a postmortem says: which version of it."""

    postmortem_id: uuid.UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemDrafted(PostmortemEntry):
    """Resolving the incident made a draft of its postmortem."""

    kind: ClassVar[str] = "postmortem_drafted"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which version it is, when it is due, and whose it is."""
        drafted = f"started draft {self.version} of the postmortem"
        return telling(drafted, *self.due(), details=(detail("Owner", self.owner),))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemOwnerSet(PostmortemEntry):
    """Somebody took the postmortem on, or was asked to write it."""

    kind: ClassVar[str] = "postmortem_owner_set"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who writes it, and by when."""
        if self.owner is None or self.owner.id == actor_id:
            return telling("took on writing the postmortem", *self.due())
        return telling("asked ", self.owner, " to write the postmortem", *self.due())


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemEdited(PostmortemEntry):
    """Somebody wrote in the postmortem; `sections` are keys of the policy."""

    kind: ClassVar[str] = "postmortem_edited"
    sections: tuple[str, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return in which sections."""
        names = (Words(key.replace("_", " ")) for key in self.sections)
        return telling("wrote in the postmortem: ", *listed(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemPublished(PostmortemEntry):
    """The postmortem was published; with a link, it is kept elsewhere."""

    kind: ClassVar[str] = "postmortem_published"
    link: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that it is published, and where it is kept."""
        kept_at = detail("Kept at", Link(self.link) if self.link else None)
        return telling("published the postmortem", details=(kept_at,))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemReminded(PostmortemEntry):
    """The owner was reminded of the postmortem, or the channel if nobody owns it."""

    kind: ClassVar[str] = "postmortem_reminded"
    is_due: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was reminded, and when it is due."""
        if self.owner is None:
            return telling("asked who writes the postmortem", *self.due())
        return telling("reminded ", self.owner, " of the postmortem", *self.due())


# -- action items ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemEntry(OwnedEntry):
    """What every entry about an action item says: which one, and what is to be done."""

    action_item_id: uuid.UUID | None = None
    number: int = 0
    text: str = ""

    def item(self) -> Sentence:
        """Return the action item as a part of a phrase."""
        return (f"action item {self.number}: ", Words(self.text))

    def ownership(self) -> Detail:
        """Return whose it is, and by when."""
        owner: Part = self.owner or "nobody yet"
        return Detail((owner, *self.due()), "Owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemAdded(ActionItemEntry):
    """Somebody added follow-up work."""

    kind: ClassVar[str] = "action_item_added"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is to be done, who does it, and by when."""
        return telling("added ", *self.item(), details=(self.ownership(),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemAssigned(ActionItemEntry):
    """An action item got another owner."""

    kind: ClassVar[str] = "action_item_assigned"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who has which action item now, and by when it is due."""
        is_theirs = self.owner is None or self.owner.id == actor_id
        return telling(
            "took " if is_theirs else "assigned ", *self.item(), details=(self.ownership(),)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemDone(ActionItemEntry):
    """An action item is done."""

    kind: ClassVar[str] = "action_item_done"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is done, and whose it was."""
        return telling("finished ", *self.item(), details=(self.ownership(),))


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
