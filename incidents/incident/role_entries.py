"""Entries about who holds a role: assigned, ended, and changes of command."""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, Sentence, Telling, Who, Words, said, telling
from incidents.incident.payload import Payload
from incidents.policy.policy import COMMANDER


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssigned(Payload):
    """Somebody took a role or was assigned it."""

    kind: ClassVar[str] = "role_assigned"
    role: str = ""
    role_name: str = ""
    person: Who = SOMEBODY
    previous: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who has the role now, and who had it before."""
        instead = (", in place of ", self.previous) if self.previous else ()
        role = Words(
            "command" if self.role == COMMANDER else f"the role of {self.role_name or self.role}"
        )
        if self.person.id == actor_id:
            return telling("took ", role, *instead)
        return telling("gave ", self.person, " ", role, *instead)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEnded(Payload):
    """Somebody gave up a role, or lost it."""

    kind: ClassVar[str] = "role_ended"
    role: str = ""
    role_name: str = ""
    person: Who = SOMEBODY
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who no longer has the role, and why."""
        role, reason = Words(self.role_name or self.role), said(self.reason, "Reason")
        if self.person.id == actor_id and self.role == COMMANDER:
            return telling("gave up command", details=(reason,))
        if self.person.id == actor_id:
            return telling("gave up the role of ", role, details=(reason,))
        return telling("removed ", self.person, " as ", role, details=(reason,))


class Move(StrEnum):
    """Why command moved."""

    ACCEPTED = "accepted"
    TAKEN_OVER = "taken_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderChanged(Payload):
    """Command passed from one person to another."""

    kind: ClassVar[str] = "commander_changed"
    outgoing: Who = SOMEBODY
    incoming: Who = SOMEBODY
    how: str = ""
    reason: str = ""
    # The handoff that this settled, and who was asked to answer it.
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None

    @property
    def role(self) -> str:
        """The role that changed hands, as entries about other roles name it."""
        return COMMANDER

    @property
    def person(self) -> Who:
        """The new commander."""
        return self.incoming

    @property
    def previous(self) -> Who:
        """The previous commander."""
        return self.outgoing

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the old and the new commander, and how command moved."""
        return telling(*self._moved(actor_id), self._how(), details=(said(self.reason),))

    def _moved(self, actor_id: uuid.UUID | None) -> Sentence:
        if actor_id is not None and actor_id == self.incoming.id:
            verb = "took over" if self.how == Move.TAKEN_OVER else "took"
            return (f"{verb} command from ", self.outgoing)
        if actor_id is not None and actor_id == self.outgoing.id:
            return ("handed command to ", self.incoming)
        return ("moved command from ", self.outgoing, " to ", self.incoming)

    def _how(self) -> str:
        return ": the handoff was accepted" if self.how == Move.ACCEPTED else ""


ENTRIES: Final[tuple[type[Payload], ...]] = (RoleAssigned, RoleEnded, CommanderChanged)
