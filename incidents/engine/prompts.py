"""Prompts: what the bot asks one person in private to keep them moving, and their answers.

A prompt belongs to its owner. Its words and answers are stored only here: never in the timeline, an
export, an effect or a reminder, which carry its id. Words that the owner puts on the timeline
become a note there and aren't kept here, so that redacting the note leaves no copy.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import AlreadySo, Superseded
from incidents.core.ids import new_id
from incidents.engine.events import PromptChanged
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident
from incidents.storage.database import Base, storable, trimmed

MAX_TEXT = 2000


class PromptKind(StrEnum):
    """What a prompt is about; each kind has a renderer in `bot/features/guidance/prompts.py`."""

    FIRST_FIFTEEN = "first_fifteen"
    TIME_BOX = "time_box"
    MENTOR_CALLED = "mentor_called"
    DECISION = "decision"
    PACKET_FIELD = "packet_field"  # asks the author for what an escalation still lacks
    PACKET_RATING = "packet_rating"  # asks the responder whether the packet was enough to start
    PACKET_RATED = "packet_rated"  # tells the author and their mentors the rating


class PromptStatus(StrEnum):
    """The state of a prompt; a withdrawn one is no longer asked, whether or not it was seen.

    A `told` one asks for nothing: it is a private message to its owner.
    """

    ASKED = "asked"
    TOLD = "told"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Prompt(Base):
    """One question to one person; `key` makes it unique per person, incident and kind."""

    __tablename__ = "prompts"
    __table_args__ = (
        UniqueConstraint("incident_id", "person_id", "kind", "key"),
        Index("ix_prompts_person_id_asked_at", "person_id", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str]
    key: Mapped[str]
    # Data for its renderer, except what the policy or the record already holds.
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(default=PromptStatus.ASKED)
    asked_at: Mapped[datetime]
    # When its owner could first see it, or why they never will.
    delivered_at: Mapped[datetime | None]
    delivery_error: Mapped[str | None]
    answer: Mapped[str | None]
    text: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Tell whether the prompt still waits for an answer."""
        return self.status == PromptStatus.ASKED

    @property
    def is_wanted(self) -> bool:
        """Tell whether the prompt is still worth sending."""
        return self.status in {PromptStatus.ASKED, PromptStatus.TOLD}

    @property
    def is_settled(self) -> bool:
        """Tell whether delivery is finished: it succeeded or can't succeed."""
        return self.delivered_at is not None or self.delivery_error is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptView:
    """A prompt as messages show it to its owner."""

    id: uuid.UUID
    incident_id: uuid.UUID
    person_id: uuid.UUID
    kind: PromptKind
    key: str
    status: PromptStatus
    asked_at: datetime
    answered_at: datetime | None
    answer: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Tell whether the prompt still waits for an answer."""
        return self.status is PromptStatus.ASKED


async def ask(
    uow: UnitOfWork,
    *,
    incident: Incident,
    person_id: uuid.UUID,
    kind: PromptKind,
    key: str,
    data: Mapping[str, Any] | None = None,
    status: PromptStatus = PromptStatus.ASKED,
    is_shown: bool = True,
) -> Prompt:
    """Ask the person once: the same key again returns the earlier prompt and sends nothing.

    The caller has to lock the incident, so that simultaneous requests run one after the other.
    `status` TOLD: the prompt informs and expects no answer. If it isn't `is_shown`, another says it.
    """
    query = select(Prompt).where(
        Prompt.incident_id == incident.id,
        Prompt.person_id == person_id,
        Prompt.kind == kind,
        Prompt.key == key,
    )
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found is not None:
        return found
    prompt = Prompt(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        person_id=person_id,
        kind=kind,
        key=key,
        data=dict(data or {}),
        status=status,
        asked_at=uow.now,
    )
    uow.session.add(prompt)
    await uow.flush()
    if is_shown:
        show(uow, prompt)
    return prompt


async def get_own_prompt(uow: UnitOfWork, prompt_id: uuid.UUID) -> tuple[Prompt, Incident]:
    """Return one of the actor's own prompts, in any status, with its incident, both locked.

    Raises: IncidentNotFound; Superseded when it isn't theirs, as if there were none.
    """
    unlocked = await uow.session.get(Prompt, prompt_id)
    is_own = unlocked is not None and unlocked.person_id == uow.actor.person_id
    if unlocked is None or not is_own or unlocked.workspace_id != uow.workspace_id:
        raise Superseded("prompt")
    # The incident first, then the prompt: every change locks them in this order.
    incident = await uow.get_incident(ById(unlocked.incident_id))
    prompt = await uow.session.get_one(
        Prompt, prompt_id, with_for_update=True, populate_existing=True
    )
    return prompt, incident


async def get_open_prompt(uow: UnitOfWork, prompt_id: uuid.UUID) -> tuple[Prompt, Incident]:
    """Return one of the actor's own prompts that waits for an answer, and its incident, locked.

    Raises: as `get_own_prompt`; Superseded when it is no longer asked; AlreadySo when answered.
    """
    prompt, incident = await get_own_prompt(uow, prompt_id)
    if prompt.status == PromptStatus.ANSWERED:
        raise AlreadySo("your answer", "kept")
    if not prompt.is_open:
        raise Superseded("prompt")
    return prompt, incident


async def answer(uow: UnitOfWork, prompt_id: uuid.UUID, answer: str, *, text: str = "") -> Outcome:
    """Store the owner's answer and its time; `text` is private, cut to MAX_TEXT characters.

    The outcome names no incident: a private answer must not show as activity on the record.

    Raises: as `get_open_prompt`.
    """
    prompt, _ = await get_open_prompt(uow, prompt_id)
    await settle_answer(uow, prompt, answer, text=text)
    return Outcome("prompt_answered", None, {"prompt_id": str(prompt.id)})


async def settle_answer(uow: UnitOfWork, prompt: Prompt, answer: str, *, text: str = "") -> None:
    """Store the answer to a locked, open prompt, and show it as answered."""
    cleaned = trimmed(text)[:MAX_TEXT]
    prompt.status = PromptStatus.ANSWERED
    prompt.answer, prompt.text = storable(answer), cleaned or None
    prompt.answered_at = uow.now
    await uow.flush()
    show(uow, prompt)


async def withdraw(uow: UnitOfWork, prompts: Sequence[Prompt]) -> None:
    """Withdraw open prompts: their messages lose the buttons, and unsent ones aren't sent."""
    for prompt in prompts:
        if prompt.is_wanted:
            prompt.status = PromptStatus.WITHDRAWN
            await uow.flush()
            show(uow, prompt)


def show(uow: UnitOfWork, prompt: Prompt) -> None:
    """Have the prompt's message posted or updated in place."""
    uow.emit(
        PromptChanged(
            prompt_id=prompt.id, incident_id=prompt.incident_id, person_id=prompt.person_id
        )
    )


async def mark_delivered(uow: UnitOfWork, prompt_id: uuid.UUID) -> None:
    """Record when the prompt first reached its owner."""
    prompt = await uow.session.get(Prompt, prompt_id)
    if prompt is not None and prompt.delivered_at is None:
        prompt.delivered_at, prompt.delivery_error = uow.now, None


async def mark_undeliverable(uow: UnitOfWork, prompt_id: uuid.UUID, *, error: str) -> None:
    """Record that the prompt can't reach its owner; `error` is the chat service's code."""
    prompt = await uow.session.get(Prompt, prompt_id)
    if prompt is not None and not prompt.is_settled:
        prompt.delivery_error = error


async def open_prompts(
    session: AsyncSession,
    incident_id: uuid.UUID,
    *,
    person_id: uuid.UUID | None = None,
    kinds: Sequence[PromptKind] = tuple(PromptKind),
) -> list[Prompt]:
    """Return the prompts of these kinds that wait for an answer, of one person or everybody."""
    query = (
        select(Prompt)
        .where(
            Prompt.incident_id == incident_id,
            Prompt.status == PromptStatus.ASKED,
            Prompt.kind.in_(kinds),
        )
        .order_by(Prompt.asked_at)
    )
    if person_id is not None:
        query = query.where(Prompt.person_id == person_id)
    return list((await session.execute(query)).scalars())


async def prompts_of(
    session: AsyncSession, incident_id: uuid.UUID, *, person_id: uuid.UUID, kind: PromptKind
) -> list[Prompt]:
    """Return every prompt of a kind to one person in an incident, in order."""
    query = (
        select(Prompt)
        .where(
            Prompt.incident_id == incident_id,
            Prompt.person_id == person_id,
            Prompt.kind == kind,
        )
        .order_by(Prompt.asked_at, Prompt.key)
    )
    return list((await session.execute(query)).scalars())


def prompt_view(prompt: Prompt) -> PromptView:
    """Return the prompt as its owner sees it."""
    return PromptView(
        id=prompt.id,
        incident_id=prompt.incident_id,
        person_id=prompt.person_id,
        kind=PromptKind(prompt.kind),
        key=prompt.key,
        status=PromptStatus(prompt.status),
        asked_at=prompt.asked_at,
        answered_at=prompt.answered_at,
        answer=prompt.answer or "",
        text=prompt.text or "",
        data=prompt.data,
    )
