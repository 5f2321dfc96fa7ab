"""Completeness of an escalation packet: a rubric that anybody can check with a pencil.

Points:
- 2 for each of the template's fields that is filled in, and 2 for each of its own questions that
  is answered. "Checked, none" fills in the changes.
- 1 more for each of these that holds, where the template has the field: `evidence` holds a link;
  `scope` holds a number; `ask` is one specific ask (one line, at most one question mark, three
  words or twelve characters at least, forty words at most); the changes were looked for
  (`changes_checked`, or changes are named).

The score is the share of the points that the template allows, 0 to 100, rounded to the nearest.
It is 100 exactly when nothing is missing. It says how much the one who is called has to ask back,
and nothing of the author: it is shown to them and their mentors alone.
"""

import re
from dataclasses import dataclass
from typing import Final

from incidents.escalation.packet import Packet
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField

FIELD_POINTS: Final = 2
QUALITY_POINTS: Final = 1

# What `missing` names besides fields and questions: filled in, but not yet as useful as it can be.
EVIDENCE_LINK: Final = "evidence_link"
SCOPE_NUMBER: Final = "scope_number"
SPECIFIC_ASK: Final = "specific_ask"

FEWEST_WORDS, FEWEST_CHARACTERS, MOST_WORDS = 3, 12, 40

_LINK: Final = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete a packet is, 0 to 100, and what is missing, the most useful first."""

    score: int
    missing: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing."""
        return not self.missing


def rate(packet: Packet, template: EscalationTemplate) -> Completeness:
    """Return how complete the packet is for this kind of escalation."""
    got, possible = 0, 0
    missing: list[str] = []
    for field in _fields(template):
        allowed = FIELD_POINTS + (QUALITY_POINTS if field in _QUALITY else 0)
        possible += allowed
        if not packet.has(field):
            missing.append(field.value)
            continue
        lacks = _lacks(packet, field)
        got += allowed - (QUALITY_POINTS if lacks else 0)
        if lacks:
            missing.append(lacks)
    for question in template.questions:
        possible += FIELD_POINTS
        if packet.has(question.key):
            got += FIELD_POINTS
        else:
            missing.append(question.key)
    if not possible:
        return Completeness(100, ())
    score = (200 * got + possible) // (2 * possible)
    # Rounding must not call complete what isn't.
    return Completeness(min(score, 99) if missing else score, tuple(missing))


def has_link(text: str) -> bool:
    """Tell whether the text holds a web address."""
    return _LINK.search(text) is not None


def has_number(text: str) -> bool:
    """Tell whether the text holds a number in figures: 12 %, 3 of 5, 400 customers."""
    return any(character.isdecimal() for character in text)


def is_specific(ask: str) -> bool:
    """Tell whether the text is one ask that can be answered: one line, one question, not a word."""
    lines = [line for line in ask.splitlines() if line.strip()]
    words = ask.split()
    is_said = len(words) >= FEWEST_WORDS or len(ask.strip()) >= FEWEST_CHARACTERS
    is_one = len(lines) == 1 and ask.count("?") <= 1
    return is_said and is_one and len(words) <= MOST_WORDS


_QUALITY: Final = frozenset(
    {PacketField.EVIDENCE, PacketField.SCOPE, PacketField.ASK, PacketField.CHANGES}
)


def _fields(template: EscalationTemplate) -> tuple[PacketField, ...]:
    """Return the template's fields, each once, in the order in which they help most."""
    return tuple(field for field in PacketField if field in template.fields)


def _lacks(packet: Packet, field: PacketField) -> str:
    """Return what a filled-in field lacks; changes that are named were looked for."""
    match field:
        case PacketField.EVIDENCE if not has_link(packet.evidence):
            return EVIDENCE_LINK
        case PacketField.SCOPE if not has_number(packet.scope):
            return SCOPE_NUMBER
        case PacketField.ASK if not is_specific(packet.ask):
            return SPECIFIC_ASK
    return ""
