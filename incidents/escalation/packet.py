"""The escalation packet: what somebody who is called needs to know, as a frozen value.

To add a field: its key in `PacketField`, here the attribute and its line in `FIELDS` (words, points,
what it can lack, how the record fills it in), the templates that ask for it in the policy, and its
row in docs/juniors.md.

Completeness is a rubric that anybody can check with a pencil. Points:
- 2 for each field of the template that is filled in, and 2 for each of its own questions that is
  answered. "Checked, none" fills in the changes.
- 1 more for each of these that holds, where the template has the field: `evidence` holds a link;
  `scope` holds a number; `ask` is one specific ask (one line, at most one question mark, three
  words or twelve characters at least, forty words at most); the changes were looked for
  (`changes_checked`, or changes are named).

The score is the share of the points that the template allows, 0 to 100, rounded to the nearest. It
is 100 exactly when nothing is missing. It measures what a reader still has to ask, not the author.
Only the author and their mentors see it.

Texts live only in timeline entries (one per version), so that redacting an entry leaves no copy
elsewhere.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from incidents.core.errors import InvalidInput
from incidents.core.sentences import Detail, detail, said, when
from incidents.incident.incident import Incident
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField
from incidents.storage.database import kept_text

# Characters of one field; longer text is cut with a mark.
MAX_TEXT: Final = 2500
# As many lines as a form shows at a glance, newest kept.
MOST_LINES: Final = 8
_QUESTION_POINTS: Final = 2
FEWEST_WORDS, FEWEST_CHARACTERS, MOST_WORDS = 3, 12, 40

_LINK: Final = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)


# -- what is special about a field ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lack:
    """What a field that is filled in can still lack, for a point less; `question` asks for it."""

    key: str
    name: str
    question: str
    is_fine: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """How a field is named, asked for, scored, and filled in from the record.

    `phrase` names it within a sentence. `notes` are the words before a colon that let a note fill
    the field, one line each; `known` returns what the incident itself says.
    """

    name: str
    phrase: str
    question: str
    hint: str = ""
    is_long: bool = True
    points: int = 2
    lack: Lack | None = None
    choices: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    is_newest_note: bool = False
    known: Callable[[Incident], str] | None = None


def has_link(text: str) -> bool:
    """Tell whether the text holds a web address."""
    return _LINK.search(text) is not None


def has_number(text: str) -> bool:
    """Tell whether the text has a number in figures: 12 %, 3 of 5, 400 customers."""
    return any(character.isdecimal() for character in text)


def is_specific(ask: str) -> bool:
    """Tell whether the text is one answerable ask: one line, one question, more than a word."""
    lines = [line for line in ask.splitlines() if line.strip()]
    words = ask.split()
    is_said = len(words) >= FEWEST_WORDS or len(ask.strip()) >= FEWEST_CHARACTERS
    is_one = len(lines) == 1 and ask.count("?") <= 1
    return is_said and is_one and len(words) <= MOST_WORDS


def newest_lines(texts: Iterable[str]) -> str:
    """Return the newest non-empty texts, each once and on its own line."""
    kept = [" ".join(text.split()) for text in texts if text.strip()]
    return "\n".join(list(dict.fromkeys(kept))[-MOST_LINES:])


def _since(incident: Incident) -> str:
    started_at = incident.impact_started_at
    return f"{started_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if started_at else ""


# -- the packet -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One version of a packet, with the fields that forms and cards show; empty: not said yet.

    `changes_checked` means "checked, none": somebody looked for changes. `answers` are those to the
    template's own questions, by key.
    """

    ask: str = ""
    answer_by: datetime | None = None
    symptoms: str = ""
    since: str = ""
    scope: str = ""
    impact: str = ""
    evidence: str = ""
    changes: str = ""
    changes_checked: bool = False
    tried: str = ""
    hypothesis: str = ""
    confidence: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether a field, or a question of the template, is answered."""
        match name:
            case PacketField.ANSWER_BY:
                return self.answer_by is not None
            case PacketField.CHANGES:
                return self.changes_checked or bool(self.changes.strip())
            case _ if name in FIELDS:
                return bool(str(getattr(self, name)).strip())
            case _:
                return bool(self.answers.get(name, "").strip())


# What helps most comes first: in this order a packet's gaps are named.
FIELDS: Final[Mapping[str, FieldSpec]] = MappingProxyType(
    {
        PacketField.ASK: FieldSpec(
            "Ask",
            "the ask",
            "What do you need from them?",
            "One thing they can do or decide, such as: is it safe to fail over the database?",
            points=3,
            lack=Lack(
                "specific_ask",
                "one specific ask",
                "What is the one thing you need from them? One sentence, one question.",
                is_specific,
            ),
        ),
        PacketField.ANSWER_BY: FieldSpec(
            "Answer by", "by when", "By when?", "Empty means as soon as possible.", is_long=False
        ),
        PacketField.SYMPTOMS: FieldSpec(
            "Symptoms",
            "what people see",
            "What do people see?",
            "What fails or is slow, with the error text if there is one.",
            known=lambda incident: newest_lines([incident.title, incident.summary]),
        ),
        PacketField.SINCE: FieldSpec(
            "Since",
            "since when",
            "Since when?",
            "A time, or what it began with. A guess is fine: say so.",
            is_long=False,
            known=_since,
        ),
        PacketField.SCOPE: FieldSpec(
            "Scope",
            "how far it reaches",
            "How far does it reach?",
            "With a number if you can: share of requests, customers, regions.",
            is_long=False,
            points=3,
            lack=Lack(
                "scope_number",
                "a number for the scope",
                "Can you put a number on how far it reaches? A share, a count, a rough guess.",
                has_number,
            ),
        ),
        PacketField.IMPACT: FieldSpec(
            "Impact",
            "who is affected",
            "Who and what is affected?",
            "Customers, data, money, other services.",
            known=lambda incident: incident.impact,
        ),
        PacketField.EVIDENCE: FieldSpec(
            "Evidence",
            "a link to a graph or log",
            "What shows it?",
            "Links to graphs, logs, traces. One link is worth more than a description.",
            points=3,
            lack=Lack(
                "evidence_link",
                "a link as evidence",
                "Is there a link that shows it? A graph, a log, a trace, a message.",
                has_link,
            ),
            notes=("evidence",),
        ),
        PacketField.CHANGES: FieldSpec(
            "Recent changes",
            "what changed just before",
            "What changed just before?",
            "Deploys, flags, configuration, traffic, certificates, providers.",
            points=3,
            notes=("changes", "changed", "change"),
        ),
        PacketField.HYPOTHESIS: FieldSpec(
            "Hypothesis",
            "a guess at the cause",
            "What do you think it is?",
            "A guess is welcome. None is fine, too.",
            notes=("hypothesis",),
            is_newest_note=True,
        ),
        PacketField.CONFIDENCE: FieldSpec(
            "Confidence",
            "how sure that guess is",
            "How sure are you?",
            choices=(
                ("low", "Low: a guess"),
                ("medium", "Medium: it fits what I see"),
                ("high", "High: I can show it"),
            ),
        ),
        PacketField.TRIED: FieldSpec(
            "Tried",
            "what was tried",
            "What was tried, and what came of it?",
            "One a line: what you did → what happened → what it changed for customers.",
            notes=("tried",),
        ),
    }
)
# The order in forms and on cards.
READING_ORDER: Final = tuple(PacketField(name) for name in Packet.__annotations__ if name in FIELDS)
LACKS: Final[Mapping[str, str]] = MappingProxyType(
    {spec.lack.key: name for name, spec in FIELDS.items() if spec.lack is not None}
)
CONFIDENCES: Final = tuple(key for key, _ in FIELDS[PacketField.CONFIDENCE].choices)
_TEXTS: Final = tuple(
    name for name in FIELDS if name not in {PacketField.ANSWER_BY, PacketField.CONFIDENCE}
)


def cleaned(packet: Packet) -> Packet:
    """Return the packet as it is stored: trimmed, storable, cut to size.

    Raises: InvalidInput for an unknown confidence.
    """
    if packet.confidence not in {"", *CONFIDENCES}:
        raise InvalidInput("confidence", "unknown", ", ".join(CONFIDENCES), packet.confidence)
    texts: dict[str, Any] = {
        name: kept_text(str(getattr(packet, name)), most=MAX_TEXT) for name in _TEXTS
    }
    kept = {key: kept_text(text, most=MAX_TEXT) for key, text in packet.answers.items()}
    return replace(packet, **texts, answers={key: text for key, text in kept.items() if text})


def changed(packet: Packet, changes: Mapping[str, Any]) -> Packet:
    """Return the packet with these fields changed; `answers` replace all earlier ones.

    Raises: InvalidInput for a field that a packet doesn't have.
    """
    known = {item.name for item in fields(Packet)}
    for name in changes.keys() - known:
        raise InvalidInput("field", "unknown", ", ".join(sorted(known - {str(name)})))
    return cleaned(replace(packet, **changes))


def changed_fields(old: Packet, new: Packet) -> tuple[str, ...]:
    """Return the names of the fields and questions in which two versions differ."""
    plain = [
        # Ticking "checked, none" counts as saying something about the changes.
        "changes" if item.name == "changes_checked" else item.name
        for item in fields(Packet)
        if item.name != "answers" and getattr(old, item.name) != getattr(new, item.name)
    ]
    asked = [key for key in new.answers if new.answers[key] != old.answers.get(key, "")]
    gone = [key for key in old.answers if key not in new.answers]
    return tuple(dict.fromkeys((*plain, *asked, *gone)))


# -- how it reads in an entry ---------------------------------------------------------------


def field_name(key: str) -> str:
    """Return a field's name in words; for a template's own question, its key."""
    return FIELDS[key].name if key in FIELDS else key.replace("_", " ").capitalize()


def packet_details(
    packet: Packet, *, only: Collection[str] | None = None
) -> Iterator[Detail | None]:
    """Yield what the packet says, or only these fields and questions of it."""
    for name, spec in FIELDS.items():
        if only is not None and name not in only:
            continue
        match name:
            case PacketField.ANSWER_BY:
                yield detail(spec.name, when(packet.answer_by))
            case PacketField.CHANGES if packet.changes_checked and not packet.changes:
                yield detail(spec.name, "checked, none found")
            case _:
                yield said(getattr(packet, name), spec.name)
    for key, answer in packet.answers.items():
        if only is None or key in only:
            yield said(answer, field_name(key))


# -- completeness ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete a packet is, 0 to 100, and what is missing, most useful first.

    `missing` names fields, questions, and what a field lacks (`LACKS`).
    """

    score: int
    missing: tuple[str, ...]


def most_useful(missing: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return the missing items that weigh most, the first of equals first."""
    ordered = sorted(missing, key=lambda item: -_points(item))
    return tuple(ordered[:most])


def _points(missing: str) -> int:
    if missing in LACKS:
        return 1
    return FIELDS[missing].points if missing in FIELDS else _QUESTION_POINTS


def rate(packet: Packet, template: EscalationTemplate) -> Completeness:
    """Return how complete the packet is for this template."""
    got, possible = 0, 0
    missing: list[str] = []
    for name, spec in FIELDS.items():
        if name not in template.fields:
            continue
        possible += spec.points
        if not packet.has(name):
            missing.append(name)
            continue
        is_lacking = spec.lack is not None and not spec.lack.is_fine(getattr(packet, name))
        got += spec.points - is_lacking
        if spec.lack is not None and is_lacking:
            missing.append(spec.lack.key)
    for question in template.questions:
        possible += _QUESTION_POINTS
        if packet.has(question.key):
            got += _QUESTION_POINTS
        else:
            missing.append(question.key)
    if not possible:
        return Completeness(100, ())
    score = (200 * got + possible) // (2 * possible)
    # Rounding must not make an incomplete packet look complete.
    return Completeness(min(score, 99) if missing else score, tuple(missing))
