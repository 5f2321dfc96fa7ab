"""Entries that people record by hand, and those that correct another one."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

from incidents.core.sentences import (
    SOMEBODY,
    Detail,
    Sentence,
    Telling,
    When,
    Who,
    Words,
    said,
    telling,
)
from incidents.incident.payload import EntryTypes, Payload
from incidents.incident.timeline import REDACTED, REVEALED


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEntry(Payload):
    """Text that people wrote and a later entry can amend; `is_cut` if its end didn't fit."""

    text: str = ""
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(TextEntry):
    """Somebody added a note."""

    kind: ClassVar[str] = "note"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the note's own words, and nothing else."""
        return telling(details=(said(self.text),))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEntry(TextEntry):
    """A chat message that somebody put on the record; `source` says how."""

    author: Who = SOMEBODY
    permalink: str = ""
    source: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the message, with its author before it if somebody else marked it."""
        by = () if self.is_by(actor_id) or not self.author.name else (self.author, ": ")
        return telling(details=(Detail((*by, Words(self.text))),))

    def kept_by(self, keeper: Who) -> Detail:
        """Return the message for a line that begins with its author's name: who kept it, last."""
        by = () if self.is_by(keeper.id) or not self.author.name else (" (kept by ", keeper, ")")
        return Detail((Words(self.text), *by))

    def is_by(self, person_id: uuid.UUID | None) -> bool:
        """Tell whether this person wrote the message."""
        return self.author.id is not None and self.author.id == person_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(MessageEntry):
    """Somebody marked a message for the timeline."""

    kind: ClassVar[str] = "marked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(MessageEntry):
    """Somebody pinned a message."""

    kind: ClassVar[str] = "pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLinked(Payload):
    """Somebody shared a file in the channel: its name and address, not its content."""

    kind: ClassVar[str] = "file_linked"
    name: str = ""
    permalink: str = ""
    file_id: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which file was shared."""
        return telling(details=(said(self.name, "File"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(Payload):
    """A correction of another entry: the target's kind, number and time."""

    is_bookkeeping: ClassVar[bool] = True
    target_kind: str = ""
    target_sequence: int = 0
    target_occurred_at: datetime | None = None

    def target(self) -> Sentence:
        """Return the corrected entry: a note or mark with its time, if known."""
        what = "note" if self.target_kind in {"", Note.kind} else "mark"
        at = self.target_occurred_at
        return (f"a {what}",) if at is None else (f"the {what} of ", When(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended(Correction):
    """A note's text or time was corrected, or a marked message edited or deleted in the chat."""

    kind: ClassVar[str] = "amended"
    text: str | None = None
    occurred_at: datetime | None = None
    is_message_deleted: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was amended, and how it reads now."""
        verb = "deleted the message of " if self.is_message_deleted else "amended "
        return telling(verb, *self.target(), details=(said(self.text),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(Correction):
    """Somebody withdrew a note, mark or file."""

    kind: ClassVar[str] = "withdrawn"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was taken back."""
        return telling("withdrew ", *self.target())


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted(Correction):
    """Somebody hid an entry's text (`is_hidden`), or deleted it permanently.

    `is_break_glass`: they had hidden them, too, as nobody else was there to do so.
    """

    kind: ClassVar[str] = REDACTED
    reason: str = ""
    is_hidden: bool = False
    is_break_glass: bool = False
    # The erased content without people's text: who, when, which kind, old and new.
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_a_title(self) -> bool:
        """Tell whether the incident's title, then or later, was among the erased text."""
        return "title" in self.kept or "title" in (self.kept.get("changes") or ())

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was redacted, and why."""
        verb = "hid " if self.is_hidden else "redacted "
        alone = (" alone, with nobody else to agree",) if self.is_break_glass else ()
        return telling(verb, *self.target(), *alone, details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed(Correction):
    """Somebody put an entry's hidden text back."""

    kind: ClassVar[str] = REVEALED
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is shown again, and why."""
        return telling("revealed ", *self.target(), details=(said(self.reason),))


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Note,
    Marked,
    Pinned,
    FileLinked,
    Amended,
    Withdrawn,
    Redacted,
    Revealed,
)
# For readers that need only notes and marks; other kinds then read generically.
RECORD_TYPES: Final[EntryTypes] = MappingProxyType({payload.kind: payload for payload in ENTRIES})
