"""The time box: nothing new for a while, and somebody who is guided is asked how it goes.

New is what people put on the incident's record (evidence, an update, a change of status or
severity), whoever did it: then the incident moves, and the one who is guided isn't alone with it.
Their own answers count as well. The reminder isn't moved by each of these: when it comes due it
looks when the last sign was and, if that was lately, goes back to sleep until the time is up.
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

# What shows that an incident moves, when a person recorded it.
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
# The prompts that want an answer from somebody who is guided.
QUESTIONS: Final = (PromptKind.FIRST_FIFTEEN, PromptKind.TIME_BOX)
# How soon to look again while the chat service hasn't taken the last question.
SOON: Final = timedelta(minutes=1)


class Progress(StrEnum):
    """What somebody answers to the question how it goes."""

    PROGRESS = "progress"
    STUCK = "stuck"


class BoxStep(StrEnum):
    """What a time box that comes due comes to."""

    WAIT = "wait"
    ASK = "ask"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One prompt that wants an answer, as the rule sees it; `shown_at` None: not delivered yet."""

    asked_at: datetime
    shown_at: datetime | None
    answered_at: datetime | None
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBox:
    """Where a time box stands.

    `present_since` is when the bot was last away until: what was asked before isn't held against
    anybody. `called_at` is when company was last called because of silence; `in_vain_at`, when
    there was nobody to call: then the questions go on, as nothing else is there.
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
        """Return when something was last heard, of the incident or of the person."""
        answered = (question.answered_at for question in self.questions)
        signs = (self.started_at, self.news_at, *answered)
        return max(sign for sign in signs if sign is not None)

    @property
    def unanswered(self) -> int:
        """Return how many questions in a row were left without an answer."""
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
    """Return the prompts as the rule sees them; one that can't arrive counts as shown."""
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
