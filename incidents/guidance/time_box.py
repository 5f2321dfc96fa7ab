"""The time box: after a quiet while, ask a guided person how it goes.

News is what people put on the incident's record (evidence, an update, a change of status or
severity), by anybody: then the incident moves, and the guided person isn't alone with it. Their own
answers count, too. News doesn't move the reminder. When it comes due, it checks for the last sign;
if that was recent, it waits for the rest of the time.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.checkins.entries import CheckinAnswered
from incidents.core.people import ActorKind
from incidents.engine.prompts import Prompt, PromptKind
from incidents.escalation.entries import Escalated, EscalationTaken
from incidents.incident.entries import (
    Edited,
    MilestoneSet,
    SeverityChanged,
    StatusChanged,
    UpdatePosted,
)
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import FileLinked, Marked, Note, Pinned

# Entries that show that the incident moves, if a person recorded them.
NEWS: Final = frozenset(
    entry_type.kind
    for entry_type in (
        Note,
        Marked,
        Pinned,
        FileLinked,
        UpdatePosted,
        StatusChanged,
        SeverityChanged,
        MilestoneSet,
        Edited,
        CheckinAnswered,
        Escalated,
        EscalationTaken,
    )
)
# The prompts that ask a guided person for an answer.
QUESTIONS: Final = (PromptKind.FIRST_FIFTEEN, PromptKind.TIME_BOX)
# How soon to look again while the chat service hasn't delivered the last question.
SOON: Final = timedelta(minutes=1)


class Progress(StrEnum):
    """Answers to the question how it goes."""

    PROGRESS = "progress"
    STUCK = "stuck"


class BoxStep(StrEnum):
    """What to do when a time box comes due."""

    WAIT = "wait"
    ASK = "ask"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One prompt that needs an answer, as the rule sees it; `shown_at` None: not delivered yet."""

    asked_at: datetime
    shown_at: datetime | None
    answered_at: datetime | None
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBox:
    """The state of a time box.

    `present_since` is when the bot's last absence ended: older questions don't count against
    anybody. `called_at` is when a mentor was last called because of silence. `in_vain_at` is when
    there was nobody to call: then the questions continue.
    """

    started_at: datetime
    news_at: datetime | None
    present_since: datetime
    questions: tuple[Question, ...] = ()
    called_at: datetime | None = None
    in_vain_at: datetime | None = None
    is_stuck: bool = False

    @property
    def last_sign_at(self) -> datetime:
        """Return when there was last news of the incident or an answer from the person."""
        answered = (question.answered_at for question in self.questions)
        signs = (self.started_at, self.news_at, *answered)
        return max(sign for sign in signs if sign is not None)

    @property
    def unanswered(self) -> int:
        """Return how many questions in a row were left unanswered."""
        since = max(self.last_sign_at, self.present_since, self.in_vain_at or self.started_at)
        return sum(
            question.answered_at is None and question.asked_at >= since
            for question in self.questions
        )


@dataclass(frozen=True, slots=True)
class BoxDecision:
    """What to do now, and when to look again."""

    step: BoxStep
    next_at: datetime


def decide_time_box(
    box: TimeBox, *, length: timedelta, unanswered: int, now: datetime
) -> BoxDecision:
    """Decide on a time box that is due: one question after an absence, and one at a time."""
    quiet_until = box.last_sign_at + length
    if quiet_until > now:
        return BoxDecision(BoxStep.WAIT, quiet_until)
    if box.called_at is not None and box.called_at >= box.last_sign_at:
        return BoxDecision(BoxStep.WAIT, now + length)  # somebody is on their way
    if box.is_stuck and (box.in_vain_at is None or box.in_vain_at < box.last_sign_at):
        return BoxDecision(BoxStep.CALL, now + length)
    waiting = [question for question in box.questions if question.is_open]
    if any(question.shown_at is None for question in waiting):
        return BoxDecision(BoxStep.WAIT, now + SOON)
    shown = [question.shown_at for question in waiting if question.shown_at is not None]
    recent = [moment for moment in shown if moment >= box.present_since]
    if recent and max(recent) + length > now:
        return BoxDecision(BoxStep.WAIT, max(recent) + length)
    step = BoxStep.CALL if box.unanswered >= unanswered else BoxStep.ASK
    return BoxDecision(step, now + length)


def questions_among(prompts: Sequence[Prompt]) -> tuple[Question, ...]:
    """Return the prompts as the rule sees them; one that can't be delivered counts as shown."""
    return tuple(
        Question(
            asked_at=prompt.asked_at,
            shown_at=prompt.delivered_at or (prompt.asked_at if prompt.delivery_error else None),
            answered_at=prompt.answered_at,
            is_open=prompt.is_open,
        )
        for prompt in prompts
    )


async def last_news_at(session: AsyncSession, incident_id: uuid.UUID) -> datetime | None:
    """Return when a person last put something new on the record, or None."""
    query = select(func.max(TimelineEntry.recorded_at)).where(
        TimelineEntry.incident_id == incident_id,
        TimelineEntry.actor_kind == ActorKind.PERSON,
        TimelineEntry.kind.in_(NEWS),
    )
    return (await session.execute(query)).scalar_one_or_none()
