"""Entries about escalations: calls, answers, additions to the packet, and the end.

Each names its escalation by number. None names the person that the bot escalates for, who may be
somebody who is learning.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import (
    SOMEBODY,
    Detail,
    HowLong,
    Part,
    Sentence,
    Telling,
    Who,
    Words,
    detail,
    listed,
    said,
    telling,
)
from incidents.escalation.packet import Packet, field_name, packet_details
from incidents.incident.payload import Payload

_NO_ID: Final = uuid.UUID(int=0)

# Why the bot calls a step, as the end of a sentence.
_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        "no_answer": ", because nobody answered in time",
        "declined": ", because the people called before can't",
        "unavailable": ", because the people called before may not see it",
        "no_sign": ", because nobody who acknowledged has shown up",
        "paging_failed": ", because paging failed",
        "chosen": ", without waiting longer",
        "redirected": ", after a redirect",
        "found": ", after looking them up",
    }
)

# Why somebody was left out, in brackets after their name.
WHY_SKIPPED: Mapping[str, str] = MappingProxyType(
    {
        "a_bot": "a bot",
        "deactivated": "deactivated",
        "a_stranger": "from another workspace",
        "absent": "absent, says the policy",
        "at_work": "already on it",
        "called_before": "called before",
        "nobody_in_role": "nobody has this role",
        "empty_group": "nobody is in it",
        "not_found": "not found",
        "no_rotation": "the policy has no such rotation any more",
        "not_in_drill": "would be called, but this is a drill",
        "not_in_private": "not in this private incident",
    }
)

# How each person called answered, listed after their name when nobody is left to call.
STANDS: Mapping[str, str] = MappingProxyType(
    {
        "no_answer": "no answer",
        "may_answer": "may still answer",
        "asked": "asked for more",
        "declined": "can't",
        "passed_on": "passed it on",
    }
)
_SILENT = frozenset({"no_answer", "may_answer"})
_REFUSED = frozenset({"declined", "passed_on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutEscalation(Payload):
    """The escalation that an entry is about."""

    escalation_id: uuid.UUID = _NO_ID
    number: int = 0

    @property
    def name(self) -> str:
        """The escalation's name in sentences."""
        return f"escalation {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsPacket(AboutEscalation):
    """An entry with a version of the packet; the first one also names the template."""

    template_key: str = ""
    version: int = 0
    packet: Packet = field(default_factory=Packet)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernsAuthor(AboutEscalation):
    """An entry that the author is told about; None if the bot escalated for somebody."""

    author: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(ConcernsAuthor):
    """An answer by somebody who was called."""

    person: Who = SOMEBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(HoldsPacket):
    """Somebody escalated: to which people, and with which packet."""

    kind: ClassVar[str] = "escalated"
    template: str = ""
    service: str = ""
    to: str = ""
    author: Who | None = None
    is_urgent: bool = False
    severity: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who it was escalated to, as which kind, and the whole packet."""
        to = self.to or self.service
        named: Sentence = (" to ", Words(to)) if to else ()
        kind = (" (", Words(self.template), ", urgent)" if self.is_urgent else ")")
        return telling("escalated", *named, *kind, details=packet_details(self.packet))


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A person who was called, and the id of the call."""

    person: Who
    call_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A name that called nobody, and why, as a key of `WHY_SKIPPED`."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A person who was called, and what they did: a key of `STANDS`, or why they may not notice."""

    person: Who
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCalled(AboutEscalation):
    """A step was called: its people, those left out, and until when they can answer."""

    kind: ClassVar[str] = "escalation_called"
    step: int = 0
    to: tuple[str, ...] = ()
    people: tuple[Called, ...] = ()
    skipped: tuple[LeftOut, ...] = ()
    looking_up: tuple[str, ...] = ()
    # The step whose names need a look-up now.
    look_up_step_id: uuid.UUID | None = None
    away: tuple[Standing, ...] = ()
    because: str = ""
    due_at: datetime | None = None
    wait_seconds: int = 0

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was called and why now, how long they have, and who wasn't called."""
        called = listed(one.person for one in self.people)
        named: Sentence = ("called ", *called) if called else ("found nobody to call",)
        left_out = (
            Words(f"{one.name} ({WHY_SKIPPED.get(one.why, one.why)})") for one in self.skipped
        )
        away = [(one.person, ": ", Words(one.how)) for one in self.away]
        return telling(
            *named,
            f" for {self.name}, step {self.step} (",
            *listed(Words(name) for name in self.to),
            f"){_BECAUSE.get(self.because, '')}",
            details=(
                detail("Waiting", _lasting(self.wait_seconds)) if called else None,
                Detail(listed(left_out), "Left out"),
                *(Detail(one, "May not notice") for one in away),
                Detail(listed(Words(name) for name in self.looking_up), "Looking up"),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallUnknown(AboutEscalation):
    """A pager didn't say who is on call at an address, so the fallback is called."""

    kind: ClassVar[str] = "on_call_unknown"
    address: str = ""
    problem: str = ""
    # The policy's fallback as it names it; "" if it has none.
    then: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which pager didn't say, why, and who is called instead."""
        after: Sentence = (
            ("calling the fallback, ", Words(self.then), ", instead")
            if self.then
            else (f"{self.name} goes on with the next step: the policy names no fallback",)
        )
        return telling(
            "couldn't find out who is on call at ",
            Words(self.address),
            "; ",
            *after,
            details=(said(self.problem, "Reason"),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTaken(Answer):
    """Somebody is on it."""

    kind: ClassVar[str] = "escalation_taken"
    waited_seconds: int = 0

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how long it took until somebody was on it."""
        waited = _lasting(self.waited_seconds)
        return telling(f"took {self.name} after ", waited, "; nobody else is called")


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationDeclined(Answer):
    """Somebody who was called can't help."""

    kind: ClassVar[str] = "escalation_declined"
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they can't, and why."""
        return telling(f"declined {self.name}", details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRedirected(Answer):
    """Somebody redirected the escalation to others."""

    kind: ClassVar[str] = "escalation_redirected"
    to: tuple[str, ...] = ()
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who it was redirected to, and why."""
        to = listed(Words(name) for name in self.to)
        return telling(f"redirected {self.name} to ", *to, details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationQuestioned(Answer):
    """Somebody who was called asked for more: a field, or a question of the template."""

    kind: ClassVar[str] = "escalation_questioned"
    field: str = ""
    question: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what they asked for."""
        wanted = Words(self.question) if self.question else field_name(self.field).lower()
        return telling(f"asked for more on {self.name}: ", wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCompleted(HoldsPacket):
    """Somebody added to the packet; `asked_by` is the person who had asked for it."""

    kind: ClassVar[str] = "escalation_completed"
    changed: tuple[str, ...] = ()
    asked_by: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what is new in the packet."""
        return telling(
            f"added to {self.name} (version {self.version})",
            details=packet_details(self.packet, only=self.changed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationExhausted(ConcernsAuthor):
    """Nobody is on it, and nobody is left to call."""

    kind: ClassVar[str] = "escalation_exhausted"
    called: tuple[Standing, ...] = ()
    waited_seconds: int = 0

    @property
    def why(self) -> str:
        """Why the ladder ended, as the middle of a sentence."""
        return standstill(one.how for one in self.called)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return why nobody is on it, who was called, and what helps now."""
        after: Sentence = (" after ", _lasting(self.waited_seconds)) if self.called else ()
        stands: list[Part] = []
        for one in self.called:
            stands += [
                *([", "] if stands else []),
                one.person,
                f" ({STANDS.get(one.how, one.how)})",
            ]
        by_phone = "Call somebody by phone" if stands else "Name somebody, or call them by phone"
        return telling(
            f"reached the end of {self.name}",
            *after,
            f": {self.why}",
            details=(Detail(tuple(stands), "Called"), Detail((by_phone,))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationWithdrawn(ConcernsAuthor):
    """The calling stopped: the escalation was withdrawn, or the incident is over."""

    kind: ClassVar[str] = "escalation_withdrawn"
    # "withdrawn", or the status that ended the incident.
    because: str = ""
    reason: str = ""

    @property
    def is_withdrawn(self) -> bool:
        """Whether somebody withdrew it."""
        return self.because == "withdrawn"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that it is over, and why."""
        if self.is_withdrawn:
            return telling(f"withdrew {self.name}", details=(said(self.reason),))
        over = f"ended {self.name}: the incident is {self.because}"
        return telling(over, details=(said(self.reason),))


def standstill(stands: Iterable[str]) -> str:
    """Return why a ladder ended, as the middle of a sentence, without blame for silence.

    `stands` are keys of `STANDS`, one for each person who was called.
    """
    known = set(stands)
    if not known:
        return "there was nobody to call"
    if known <= _SILENT:
        return "nobody has answered yet, and nobody else is left to call"
    if known <= _REFUSED:
        return "the people called can't take it, and nobody else is left to call"
    return "nobody is on it, and nobody else is left to call"


def packet_in(content: Mapping[str, object] | None) -> Packet:
    """Return the packet that an entry holds, or an empty packet if it is redacted."""
    held = HoldsPacket.read(content)
    return held.packet if held is not None else Packet()


def _lasting(seconds: int) -> HowLong:
    return HowLong(timedelta(seconds=seconds))


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Escalated,
    EscalationCalled,
    OnCallUnknown,
    EscalationTaken,
    EscalationDeclined,
    EscalationRedirected,
    EscalationQuestioned,
    EscalationCompleted,
    EscalationExhausted,
    EscalationWithdrawn,
)
