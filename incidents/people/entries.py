"""Entries of who sees an incident: people who leave, are removed or invited, and recovery."""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, Telling, Who, listed, said, telling
from incidents.engine.entries import refusal_reason
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class SightEnded(Payload):
    """Somebody left a private incident's channel, or was removed: they no longer see it."""

    kind: ClassVar[str] = "sight_ended"
    # The one person left who sees the incident, if it is only one.
    last: Who | None = None

    def whose(self, actor_id: uuid.UUID | None) -> uuid.UUID | None:
        """Return who no longer sees it: the actor."""
        return actor_id

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they are outside now, and who is left if it is only one."""
        left = ("; only ", self.last, " still sees it") if self.last else ()
        return telling("left the private channel and no longer sees this incident", *left)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightTakenBack(Payload):
    """Somebody inside removed a person from a private incident."""

    kind: ClassVar[str] = "sight_taken_back"
    person: Who = SOMEBODY
    reason: str = ""

    def whose(self, _: uuid.UUID | None) -> uuid.UUID | None:
        """Return who no longer sees it."""
        return self.person.id

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who doesn't see it any more, and why."""
        return telling(
            "removed ", self.person, " from this private incident", details=(said(self.reason),)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRefused(Payload):
    """Slack refused to remove somebody from the channel who may no longer see the incident."""

    kind: ClassVar[str] = "removal_refused"
    is_bookkeeping: ClassVar[bool] = True
    person: Who = SOMEBODY
    # Who removed them from the incident.
    by: Who = SOMEBODY
    error: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is still in the channel, and why."""
        why = refusal_reason(self.error) or self.error.replace("_", " ")
        return telling("couldn't remove ", self.person, f" from the incident channel: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleInvited(Payload):
    """Somebody invited people to the incident and its channel."""

    kind: ClassVar[str] = "people_invited"
    is_bookkeeping: ClassVar[bool] = True
    people: tuple[Who, ...] = ()
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was invited, and why."""
        return telling("invited ", *listed(self.people), details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class SightRecovered(Payload):
    """The policy's recovery person opened a private incident, with a reason."""

    kind: ClassVar[str] = "sight_recovered"
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they see the incident now, and why."""
        what = "opened this private incident as the policy's recovery person"
        return telling(what, details=(said(self.reason, "Reason"),))


ENTRIES: Final[tuple[type[Payload], ...]] = (
    SightEnded,
    SightTakenBack,
    RemovalRefused,
    PeopleInvited,
    SightRecovered,
)
