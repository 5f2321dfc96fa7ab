"""The domain's refusals, as data; the wording for people lives in `bot/`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class DomainError(Exception):
    """A refusal: nothing was changed. Subclasses carry what a person needs to continue."""


@dataclass(eq=False)
class IncidentNotFound(DomainError):
    """There is no such incident for this viewer: unknown and private ones get the same answer."""

    reference: str | None


@dataclass(eq=False)
class NotPermitted(DomainError):
    """The actor may not do this; `needs` names who may (a person, or keys of the policy)."""

    action: str
    needs: str
    incident_id: uuid.UUID | None = None


@dataclass(eq=False)
class NeedsApproval(DomainError):
    """The actor may do this once somebody approves; `arguments` are the command's own (JSON)."""

    action: str
    incident_id: uuid.UUID | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class MayNotAnswer(DomainError):
    """The actor can't approve this: it is their own, or others decide; `who` are their names."""

    is_own: bool
    who: tuple[str, ...] = ()
    needs: str = ""


@dataclass(eq=False)
class MayAgree(DomainError):
    """Break-glass is refused: the actor may approve proposal `number`, which is as quick."""

    number: int


@dataclass(eq=False)
class TransitionRefused(DomainError):
    """The lifecycle has no such step; `possible` are the statuses that can follow.

    `by` and `at` say who set the current status, and when.
    """

    current: str
    target: str
    possible: tuple[str, ...]
    by: str = ""
    at: datetime | None = None


@dataclass(eq=False)
class IncidentOver(DomainError):
    """The incident is closed or cancelled, so its roles can't change any more."""

    status: str


@dataclass(eq=False)
class InformationMissing(DomainError):
    """The step needs facts that the record lacks; `fields` are their names."""

    target: str
    fields: tuple[str, ...]


@dataclass(eq=False)
class InvalidInput(DomainError):
    """A value is refused: in which `field`, what is wrong (`problem`, a key), and an `example`.

    For "unknown", `example` lists the known values; `value` is what the person named instead.
    """

    field: str
    problem: str
    example: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody a private incident would be opened to; `through` names the group they're in.

    Of a group whose members aren't known (`is_group`), `external_id` is the group itself.
    """

    external_id: str
    name: str
    through: str = ""
    is_group: bool = False


@dataclass(eq=False)
class OpensPrivate(DomainError):
    """This opens a private incident to people, and the actor hasn't agreed to that yet.

    `now`: they see it at once; `later`: once an escalation gets to them.
    """

    reference: str
    now: tuple[Newcomer, ...]
    later: tuple[Newcomer, ...] = ()

    def and_also(self, other: "OpensPrivate | None") -> "OpensPrivate":
        """Return one question for both."""
        if other is None:
            return self
        now = tuple(dict.fromkeys((*other.now, *self.now)))
        later = tuple(one for one in dict.fromkeys((*other.later, *self.later)) if one not in now)
        return OpensPrivate(self.reference, now, later)


@dataclass(eq=False)
class NotKnownYet(DomainError):
    """Who these people are must be asked of the chat service first; then the use case can run."""

    external_ids: tuple[str, ...]


@dataclass(eq=False)
class CannotAsk(DomainError):
    """The chat service doesn't say who this is: `external_id`, or the actor if it is "".

    `refusal` is its error if it refuses to, "" if it doesn't answer.
    """

    external_id: str = ""
    refusal: str = ""


@dataclass(eq=False)
class AlreadySo(DomainError):
    """Nothing to change: it is already as requested; `what` is a key, `detail` its value."""

    what: str
    detail: str = ""


@dataclass(eq=False)
class Superseded(DomainError):
    """The thing acted on has changed meanwhile; `what` is its key, `by` who changed it."""

    what: str
    by: str = ""


@dataclass(eq=False)
class EditClash(DomainError):
    """Others changed fields after the editor saw them; `fields` maps each to who changed it."""

    fields: Mapping[str, str]


@dataclass(eq=False)
class NothingToUndo(DomainError):
    """The actor has no note or mark of their own left to withdraw."""


class Busy(DomainError):
    """Other transactions changed the same rows in all three attempts; the person can try again."""
