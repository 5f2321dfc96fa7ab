"""Entries about command: handoffs proposed, unanswered and ended, and a missing commander."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, HowLong, Telling, Who, listed, said, telling
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffEntry(Payload):
    """What every entry about a handoff holds: its people, and who has to answer."""

    handoff_id: uuid.UUID | None = None
    handoff_kind: str = ""
    # None when nobody was in command.
    outgoing: Who | None = None
    incoming: Who = SOMEBODY
    proposed_by: Who | None = None
    asked: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffProposal(HandoffEntry):
    """What a proposal adds: until when an answer is expected, and the proposer's own words."""

    expires_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffOffered(HandoffProposal):
    """The commander offered command to somebody; without a commander, anybody did."""

    kind: ClassVar[str] = "handoff_offered"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked to take command, with what the proposer added."""
        words = said(self.words)
        if self.outgoing is None:
            return telling("asked ", self.incoming, " to take command", details=(words,))
        return telling("offered command to ", self.incoming, details=(words,))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequested(HandoffProposal):
    """Somebody asked the commander for command."""

    kind: ClassVar[str] = "handoff_requested"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked, and who would take command if that isn't the asker."""
        is_own = self.incoming.id == actor_id
        wish = (" for command",) if is_own else (" to hand command to ", self.incoming)
        return telling("asked ", self.outgoing or SOMEBODY, *wish, details=(said(self.words),))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDeclined(HandoffEntry):
    """The person who had to answer a handoff declined it."""

    kind: ClassVar[str] = "handoff_declined"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was declined, and who stays in command."""
        if self.outgoing is None:
            return telling("declined command")
        if self.outgoing.id == actor_id:
            return telling("declined to hand command to ", self.incoming, " and stays in command")
        return telling("declined command: ", self.outgoing, " stays in command")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffAgreed(HandoffEntry):
    """The commander agreed to a request for somebody else, or the person asked said yes."""

    kind: ClassVar[str] = "handoff_agreed"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return to what they agreed."""
        if self.incoming.id == actor_id:
            return telling("agreed to take command")
        return telling("agreed to hand command to ", self.incoming)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffUnanswered(HandoffEntry):
    """Nobody answered in time: command stayed, and the policy's backup was called if there is one.

    The handoff stays open, so that a late answer still counts.
    """

    kind: ClassVar[str] = "handoff_unanswered"
    minutes: int = 0
    backup: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who hasn't answered, who stays in command, and who was called."""
        called = ("; called ", self.backup, ", the backup") if self.backup else ()
        return telling(
            "had no answer from ",
            self.asked or SOMEBODY,
            " about command for ",
            HowLong(timedelta(minutes=self.minutes)),
            ": ",
            self.outgoing or SOMEBODY,
            " stays in command",
            *called,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(HandoffEntry):
    """Somebody ended a handoff before it was answered."""

    kind: ClassVar[str] = "handoff_withdrawn"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which handoff ended."""
        return telling("ended the handoff of command to ", self.incoming)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderMissing(Payload):
    """Nobody is in command: the bot asked the channel, or called the policy's backup."""

    kind: ClassVar[str] = "commander_missing"
    minutes: int = 0
    backup: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked, and how long nobody has been in command."""
        asked = (
            ("asked ", self.backup, ", the backup, to take command")
            if self.backup
            else ("asked who takes command",)
        )
        lasting = HowLong(timedelta(minutes=self.minutes))
        since = (" has been in command for ", lasting) if self.minutes else (" is in command",)
        return telling(*asked, ": nobody", *since)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderAsked(Payload):
    """Nobody is in command: the bot asked who is on call for command."""

    kind: ClassVar[str] = "commander_asked"
    people: tuple[Who, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked."""
        return telling("asked ", *listed(self.people), ", on call for command, to take it")


ENTRIES: Final[tuple[type[Payload], ...]] = (
    HandoffOffered,
    HandoffRequested,
    HandoffAgreed,
    HandoffDeclined,
    HandoffUnanswered,
    HandoffWithdrawn,
    CommanderMissing,
    CommanderAsked,
)
