"""What the domain refuses, as data; the wording for people lives in `bot/`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class DomainError(Exception):
    """A refusal: nothing was changed. Subclasses carry what a person needs to go on."""


@dataclass(eq=False)
class IncidentNotFound(DomainError):
    """No such incident for this viewer: unknown, or private and not theirs (the same answer)."""

    reference: str | None


@dataclass(eq=False)
class NotPermitted(DomainError):
    """The actor may not do this; `needs` names who may (a right's key in the policy)."""

    action: str
    needs: str
    incident_id: uuid.UUID | None = None


@dataclass(eq=False)
class NeedsApproval(DomainError):
    """The actor may do this once somebody has agreed; `arguments` are how it was to be done (JSON)."""

    action: str
    incident_id: uuid.UUID | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class MayNotAnswer(DomainError):
    """The actor can't agree to this: it is their own, or not theirs to decide; `who` are names."""

    is_own: bool
    who: tuple[str, ...] = ()
    needs: str = ""


@dataclass(eq=False)
class MayAgree(DomainError):
    """The actor could agree to this proposal, so they needn't go ahead without; `number` is its."""

    number: int


@dataclass(eq=False)
class TransitionRefused(DomainError):
    """The lifecycle has no such step; `possible` are the statuses that can follow.

    `by` and `at` say who brought the incident to where it is, and when.
    """

    current: str
    target: str
    possible: tuple[str, ...]
    by: str = ""
    at: datetime | None = None


@dataclass(eq=False)
class IncidentOver(DomainError):
    """The incident is closed or cancelled, so who holds which role stays as it is."""

    status: str


@dataclass(eq=False)
class InformationMissing(DomainError):
    """The step needs facts that the record lacks; `fields` are their names."""

    target: str
    fields: tuple[str, ...]


@dataclass(eq=False)
class InvalidInput(DomainError):
    """One value can't be taken: which field, what is wrong with it (a key), and an example."""

    field: str
    problem: str
    example: str = ""


@dataclass(eq=False)
class AlreadySo(DomainError):
    """Nothing to change: the incident is already as asked; `what` is a key, `detail` its value."""

    what: str
    detail: str = ""


@dataclass(eq=False)
class Superseded(DomainError):
    """What the person acted on has changed meanwhile; `what` is a key, `by` who changed it."""

    what: str
    by: str = ""


@dataclass(eq=False)
class EditClash(DomainError):
    """Others changed the same fields since the editor saw them; `fields` name who, by field."""

    fields: Mapping[str, str]


@dataclass(eq=False)
class NothingToUndo(DomainError):
    """The actor has no note or mark of their own left to withdraw."""


class Busy(DomainError):
    """The same rows kept changing under three attempts; trying again will do."""
