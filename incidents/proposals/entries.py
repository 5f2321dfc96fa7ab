"""Entries about proposals: one payload per kind, which words itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final

from incidents.core.sentences import (
    SOMEBODY,
    Detail,
    HowLong,
    Part,
    Telling,
    Who,
    listed,
    said,
    telling,
    until,
)
from incidents.incident.payload import EntryTypes, Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalEntry(Payload):
    """Which proposal, in which version of its words, and who made it."""

    proposal_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    is_command: bool = False
    requester: Who = SOMEBODY

    @property
    def name(self) -> str:
        """What people call it."""
        return f"proposal {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedCommand:
    """A command of the bot's that somebody asks for, by its right, and its arguments."""

    kind: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(ProposalEntry):
    """What is proposed, its class, and until when it waits for an answer."""

    class_key: str = ""
    class_name: str = ""
    needs: str = ""
    text: str = ""
    risk: str = ""
    undo: str = ""
    check: str = ""
    expires_at: datetime | None = None
    command: ProposedCommand | None = None

    def words(self) -> tuple[Detail | None, ...]:
        """Return what is proposed, its class, risk, undo and check."""
        return (
            said(self.text),
            said(self.class_name, "Class"),
            said(self.risk, "Risk"),
            said(self.undo, "To undo"),
            said(self.check, "How we'll know"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionProposed(Proposed):
    """Somebody proposed a step."""

    kind: ClassVar[str] = "action_proposed"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is proposed."""
        return telling(f"made {self.name}", details=self.words())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRevised(Proposed):
    """The author changed the words or the class, so it needs approval again."""

    kind: ClassVar[str] = "proposal_revised"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is proposed now."""
        return telling(f"changed {self.name} to version {self.version}", details=self.words())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalStep(ProposalEntry):
    """A later step of a proposal; `text` is what was proposed, filled in when read."""

    text_from: uuid.UUID | None = None
    text: str | None = None

    def told(self, *phrase: Part, more: Detail | None = None) -> Telling:
        """Return the phrase, what was proposed, and one more detail."""
        return telling(*phrase, details=(said(self.text, "What"), more))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAnswer(ProposalStep):
    """An answer to a proposal, and why."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalApproved(ProposalAnswer):
    """Somebody approved; the approval is valid until `expires_at`."""

    kind: ClassVar[str] = "proposal_approved"
    expires_at: datetime | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was approved, and why."""
        return self.told(f"approved {self.name}", more=said(self.reason, "Reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDeclined(ProposalAnswer):
    """Somebody declined."""

    kind: ClassVar[str] = "proposal_declined"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was declined, and why."""
        return self.told(f"declined {self.name}", more=said(self.reason, "Reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass(ProposalAnswer):
    """Somebody went ahead without approval."""

    kind: ClassVar[str] = "break_glass"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what went ahead, and why."""
        phrase = f"went ahead with {self.name} without approval (break-glass)"
        return self.told(phrase, more=said(self.reason, "Reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLapsed(ProposalStep):
    """Somebody tried to carry it out, but the approver may no longer approve."""

    kind: ClassVar[str] = "approval_lapsed"
    needs: str = ""
    expires_at: datetime | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return why nothing was carried out, and that it waits again."""
        return self.told(
            f"couldn't carry out {self.name}: the person who approved it no longer may, "
            "so it needs approval again"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalUnanswered(ProposalStep):
    """Nobody has answered for a while; `step` is the rung of the ladder."""

    kind: ClassVar[str] = "proposal_unanswered"
    step: int = 0
    minutes: int = 0
    class_name: str = ""
    is_escalated: bool = False

    @property
    def waited(self) -> timedelta:
        """How long it has waited, at least a minute."""
        return timedelta(minutes=max(self.minutes, 1))

    @property
    def is_last_call(self) -> bool:
        """Tell whether all quieter ways of asking were tried."""
        return self.step not in {1, 2}

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how long it has waited, and what was done about it."""
        waited = HowLong(self.waited)
        if self.is_escalated:
            return self.told(f"escalated {self.name}: nobody has answered for ", waited)
        if self.is_last_call:
            return self.told(
                f"got no answer to {self.name} for ", waited, ", so it is not approved"
            )
        return self.told(f"asked again about {self.name}: nobody has answered for ", waited)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalExpired(ProposalStep):
    """It ended by itself: no answer, not carried out in time, or the incident is over."""

    kind: ClassVar[str] = "proposal_expired"
    was_answered: bool = False
    is_incident_over: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return why it ended."""
        why = "nobody answered, so it is not approved"
        if self.is_incident_over:
            why = "the incident is over"
        elif self.was_answered:
            why = "it wasn't carried out in time"
        return self.told(f"ended {self.name}: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAsked(ProposalStep):
    """The bot asked the person who went ahead without approval for the result."""

    kind: ClassVar[str] = "result_asked"
    person: Who = SOMEBODY

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was asked about what."""
        return self.told(
            "asked ",
            self.person,
            f" for the result of {self.name}, which went ahead without approval",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalCarriedOut(ProposalStep):
    """The bot carried it out, or somebody reported that people did."""

    kind: ClassVar[str] = "proposal_carried_out"
    result: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that it was carried out, and the result."""
        done = f"carried out {self.name}"
        if not self.is_command:
            done = f"reported that {self.name} was carried out"
        return self.told(done, more=said(self.result, "Result"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAbandoned(ProposalStep):
    """Somebody gave it up: it won't be done."""

    kind: ClassVar[str] = "proposal_abandoned"
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was abandoned, and why."""
        return self.told(f"abandoned {self.name}", more=said(self.reason, "Reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionsAsked(ProposalStep):
    """Everybody was asked for strong objections, for a short while."""

    kind: ClassVar[str] = "objections_asked"
    poll_id: uuid.UUID | None = None
    until: datetime | None = None
    box_seconds: int = 0

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was asked, for how long."""
        lasting = HowLong(timedelta(seconds=self.box_seconds))
        asked = f"asked for strong objections to {self.name}, for "
        return self.told(asked, lasting, *until(self.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRaised(ProposalStep):
    """Somebody objects."""

    kind: ClassVar[str] = "objection_raised"
    poll_id: uuid.UUID | None = None
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what they object to, and why."""
        return telling(f"objected to {self.name}", details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionsEnded(ProposalStep):
    """The time for objections is over."""

    kind: ClassVar[str] = "objections_ended"
    poll_id: uuid.UUID | None = None
    count: int = 0
    people: tuple[Who, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who objected."""
        result = ("strong objections by ", *listed(self.people)) if self.people else ("none",)
        return telling(f"ended the question for strong objections to {self.name}: ", *result)


ENTRIES: Final[tuple[type[Payload], ...]] = (
    ActionProposed,
    ProposalRevised,
    ProposalApproved,
    ProposalDeclined,
    ApprovalLapsed,
    ProposalUnanswered,
    ProposalExpired,
    BreakGlass,
    ResultAsked,
    ProposalCarriedOut,
    ProposalAbandoned,
    ObjectionsAsked,
    ObjectionRaised,
    ObjectionsEnded,
)
PROPOSAL_TYPES: Final[EntryTypes] = MappingProxyType({one.kind: one for one in ENTRIES})
