"""Entries about command: handoffs proposed and ended, a commander wanted or missing."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, HowLong, Telling, Who, said, telling
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffEntry(Payload):
    """What every entry about a handoff holds: its people, and who has to answer."""

    handoff_id: uuid.UUID | None = None
    handoff_kind: str = ""
    outgoing: Who = SOMEBODY
    # None while anybody may take command.
    incoming: Who | None = None
    proposed_by: Who | None = None
    asked: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffProposal(HandoffEntry):
    """What a proposal adds: when command moves unanswered, and the proposer's own words."""

    expires_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffOffered(HandoffProposal):
    """The commander offered command to somebody."""

    kind: ClassVar[str] = "handoff_offered"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return to whom command was offered, with what the commander added."""
        incoming = self.incoming or SOMEBODY
        return telling("offered command to ", incoming, details=(said(self.words),))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequested(HandoffProposal):
    """Somebody asked the commander for command."""

    kind: ClassVar[str] = "handoff_requested"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked, and who would take command if that isn't the asker."""
        incoming = self.incoming or SOMEBODY
        wish = (" for command",) if incoming.id == actor_id else (" to hand command to ", incoming)
        return telling("asked ", self.outgoing, *wish, details=(said(self.words),))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDeclined(HandoffEntry):
    """The person who had to answer a handoff declined it."""

    kind: ClassVar[str] = "handoff_declined"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was declined, and who stays in command."""
        incoming = self.incoming or SOMEBODY
        if self.outgoing.id == actor_id:
            return telling("declined to hand command to ", incoming, " and stays in command")
        return telling("declined command: ", self.outgoing, " stays in command")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(HandoffEntry):
    """A handoff ended without an answer, and command stayed."""

    kind: ClassVar[str] = "handoff_withdrawn"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was withdrawn, and who stays in command."""
        to = (" to ", self.incoming) if self.incoming else ()
        return telling(
            "withdrew the handoff of command", *to, ": ", self.outgoing, " stays in command"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessorWanted(HandoffEntry):
    """The commander wants to hand command to anybody who takes it."""

    kind: ClassVar[str] = "successor_wanted"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the question who takes command next."""
        after = () if self.outgoing.id == actor_id else (" after ", self.outgoing)
        return telling("asked who takes command next", *after)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderMissing(Payload):
    """Nobody is in command: the bot asked the channel, or named the policy's backup."""

    kind: ClassVar[str] = "commander_missing"
    step: int = 0
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
        since = (" for ", lasting) if self.minutes else (" yet",)
        return telling(*asked, ": nobody has been in command", *since)


ENTRIES: Final[tuple[type[Payload], ...]] = (
    HandoffOffered,
    HandoffRequested,
    HandoffDeclined,
    HandoffWithdrawn,
    SuccessorWanted,
    CommanderMissing,
)
