"""Escalations: who is called for an incident, step by step, until somebody is on it.

calling ──▶ taken       somebody is on it; they can still pass it on, which makes it call again
   │  ▲        │
   │  └────────┘
   ├─────▶ exhausted    every step was called and nobody answered; can still be taken, or go on
   ├─────▶ withdrawn    by its author or a responder
   └─────▶ over         the incident was resolved, closed or cancelled

Rows hold who, when and how far. Texts (the packet, reasons) are only in timeline entries, and
ratings are only for the author and their mentors.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.storage.database import Base


class EscalationStatus(StrEnum):
    """The state of an escalation."""

    CALLING = "calling"
    TAKEN = "taken"
    EXHAUSTED = "exhausted"
    WITHDRAWN = "withdrawn"
    OVER = "over"


# Nobody is on it, and somebody still can take it.
UNANSWERED = (EscalationStatus.CALLING, EscalationStatus.EXHAUSTED)
# Nobody is called any more, and that is final.
ENDED = (EscalationStatus.WITHDRAWN, EscalationStatus.OVER)


class StepStatus(StrEnum):
    """How far a step is: not called yet, looking up its names, called, or nobody to call."""

    WAITING = "waiting"
    LOOKING_UP = "looking_up"
    CALLED = "called"
    EMPTY = "empty"


class CallStatus(StrEnum):
    """How one call was answered, if it was."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"
    REDIRECTED = "redirected"


class Escalation(Base):
    """One escalation; `position` is that of the step called last, 0 before the first."""

    __tablename__ = "escalations"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        Index("ix_escalations_author_id", "author_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(default=EscalationStatus.CALLING)
    author_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    # The bot sent it on the author's behalf.
    is_automatic: Mapped[bool] = mapped_column(default=False)
    is_urgent: Mapped[bool] = mapped_column(default=False)
    template_key: Mapped[str]
    template_name: Mapped[str]
    service_key: Mapped[str] = mapped_column(default="")
    # The entry that holds the newest version of the packet.
    packet_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    packet_version: Mapped[int] = mapped_column(default=1)
    # Completeness, 0 to 100: only for the author and their mentors.
    score_at_send: Mapped[int]
    score: Mapped[int]
    # What was last asked for and is still missing; "" for nothing.
    asked_field: Mapped[str] = mapped_column(default="")
    asked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    position: Mapped[int] = mapped_column(default=0)
    redirects: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    first_called_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when the next step is called
    paging_failed_at: Mapped[datetime | None]  # the first time; the next step was called then
    # Who may see a private incident because of it: ids in the chat service, of people and groups.
    opens_to: Mapped[list[str]] = mapped_column(JSON, default=list)
    acknowledged_at: Mapped[datetime | None]  # the first time somebody was on it
    taken_at: Mapped[datetime | None]  # by the person who is on it now
    taken_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    exhausted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def is_unanswered(self) -> bool:
        """Tell whether nobody is on it, and somebody still can take it."""
        return self.status in UNANSWERED


class EscalationStep(Base):
    """One step of a ladder: the people it means, as the policy or a person named them.

    `wanted` are values of `Wanted`. `called_at` is when its turn came.
    """

    __tablename__ = "escalation_steps"
    __table_args__ = (Index("ix_escalation_steps_escalation_id", "escalation_id", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    escalation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalations.id"))
    position: Mapped[int]
    wanted: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    wait_seconds: Mapped[int | None]
    is_redirect: Mapped[bool] = mapped_column(default=False)
    # How many have to acknowledge before the ladder pauses.
    acknowledgements: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(default=StepStatus.WAITING)
    # Names that a look-up matched to nobody.
    not_found: Mapped[list[str]] = mapped_column(JSON, default=list)
    # Who a pager named as on call, by its address: values of `Wanted`.
    answers: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(JSON, default=dict)
    # People left out when its turn came, each with a `name` and `why`.
    skipped: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    called_at: Mapped[datetime | None]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the step's people, as messages name them."""
        return tuple(str(one["name"]) for one in self.wanted)


class Medium(StrEnum):
    """The medium of a call; the card names it unless it is the first of these."""

    DIRECT_MESSAGE = "direct_message"
    CHANNEL = "channel"


class EscalationCall(Base):
    """One person called, once. `medium` is how Slack tells them; pagers are rows of their own.

    `acknowledged_at`: they said so to a pager. `arrived_at`: they wrote, pressed or joined here.
    `away` is why they may not notice (do not disturb, a status); they still count as
    called.
    """

    __tablename__ = "escalation_calls"
    __table_args__ = (
        Index("ix_escalation_calls_escalation_id", "escalation_id"),
        UniqueConstraint("step_id", "person_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    escalation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalations.id"))
    step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalation_steps.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    medium: Mapped[str] = mapped_column(default=Medium.DIRECT_MESSAGE)
    status: Mapped[str] = mapped_column(default=CallStatus.OPEN)
    away: Mapped[str | None] = mapped_column(default=None)
    # The name in the step that means them, as they are told why they are called.
    through: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    called_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    # The entry with the reason for declining.
    answer_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))


class PacketRating(StrEnum):
    """How useful a packet was to its receiver: one tap, for the author and their mentors."""

    CLEAR = "clear"  # I could start at once
    USABLE = "usable"  # I had to ask
    UNCLEAR = "unclear"  # I had to start from nothing


class EscalationRating(Base):
    """What a receiver thought of the packet; only the author and their mentors read it."""

    __tablename__ = "escalation_ratings"
    __table_args__ = (UniqueConstraint("escalation_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    escalation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalations.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    rating: Mapped[str]
    rated_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One name in a step: a person's id, an id or email, a group, a role, a rotation, a pager."""

    kind: str  # person, named, group, role, rotation, pager
    value: str
    name: str
    # What makes the policy name them: on_call, owner and so on; "" for a name of its own.
    why: str = ""
    # The name of the person who passed it on to them.
    by: str = ""
    # The service whose on-call, owner or manager they are, by its key.
    service: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """Return the key by which two of them are equal."""
        return self.kind, self.value.casefold()

    def to_json(self) -> dict[str, Any]:
        """Return the value as a step stores it."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> "Wanted":
        """Return the value from what a step or call stores."""
        names = (one.name for one in fields(cls))
        return cls(**{name: stored.get(name, "") for name in names})


def wanted_of(step: EscalationStep) -> tuple[Wanted, ...]:
    """Return the step's names as values."""
    return tuple(map(Wanted.read, step.wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How long an escalation took; None for what hasn't happened yet.

    to_escalate: declared → escalated. to_acknowledge: first called → somebody on it. to_engage:
    declared → taken by the person now on it. Definitions: `figures` in `config/policy.yaml`.
    """

    to_escalate: timedelta
    to_acknowledge: timedelta | None
    to_engage: timedelta | None
    redirects: int


def measures_of(escalation: Escalation, *, declared_at: datetime) -> Measures:
    """Return how long the escalation took, from its row."""
    called_at, first_taken_at = escalation.first_called_at, escalation.acknowledged_at
    taken_at = escalation.taken_at
    return Measures(
        to_escalate=escalation.created_at - declared_at,
        to_acknowledge=first_taken_at - called_at if first_taken_at and called_at else None,
        to_engage=taken_at - declared_at if taken_at else None,
        redirects=escalation.redirects,
    )


async def steps_of(session: AsyncSession, escalation_id: uuid.UUID) -> Sequence[EscalationStep]:
    """Return the steps of the ladder in their order."""
    query = (
        select(EscalationStep)
        .where(EscalationStep.escalation_id == escalation_id)
        .order_by(EscalationStep.position, EscalationStep.id)
    )
    return (await session.execute(query)).scalars().all()


async def calls_of(session: AsyncSession, escalation_id: uuid.UUID) -> Sequence[EscalationCall]:
    """Return the calls, earliest first; calls of one moment in order of the steps."""
    query = (
        select(EscalationCall)
        .join(EscalationStep, EscalationStep.id == EscalationCall.step_id)
        .where(EscalationCall.escalation_id == escalation_id)
        .order_by(EscalationCall.called_at, EscalationStep.position, EscalationCall.id)
    )
    return (await session.execute(query)).scalars().all()


async def escalations_of(
    session: AsyncSession, incident_id: uuid.UUID, *, unanswered_only: bool = False
) -> Sequence[Escalation]:
    """Return the escalations of an incident in their order."""
    query = select(Escalation).where(Escalation.incident_id == incident_id)
    if unanswered_only:
        query = query.where(Escalation.status.in_(UNANSWERED))
    return (await session.execute(query.order_by(Escalation.number))).scalars().all()
