"""The escalation packet: what somebody who is called needs to know, as a frozen value.

Its words are kept in timeline entries alone (one per version), so that redacting an entry leaves
no copy elsewhere. What a packet is worth is in `completeness.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import instant_text
from incidents.policy.packet_fields import PacketField
from incidents.storage.database import kept_text

# Characters of one field; more is cut with a mark.
MAX_TEXT: Final = 2500
CONFIDENCES: Final = ("low", "medium", "high")


_TEXTS: Final = tuple(
    name for name in PacketField if name not in {PacketField.ANSWER_BY, PacketField.CONFIDENCE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One version of a packet; empty texts are what nobody has said yet.

    `changes_checked` says "checked, none": the changes were looked for. `answers` are those to the
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
    hypothesis: str = ""
    confidence: str = ""
    tried: str = ""
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def has(self, name: str) -> bool:
        """Tell whether a field, or a question of the template, is answered."""
        match name:
            case PacketField.ANSWER_BY:
                return self.answer_by is not None
            case PacketField.CHANGES:
                return self.changes_checked or bool(self.changes.strip())
            case _ if name in tuple(PacketField):
                return bool(str(getattr(self, name)).strip())
            case _:
                return bool(self.answers.get(name, "").strip())

    def to_content(self) -> dict[str, Any]:
        """Return the packet as JSON values for an entry; what is empty is left out."""
        found: dict[str, Any] = {name.value: getattr(self, name) for name in _TEXTS}
        found["confidence"] = self.confidence
        found["changes_checked"] = self.changes_checked
        found["answer_by"] = instant_text(self.answer_by) if self.answer_by else None
        found["answers"] = dict(self.answers)
        return {key: value for key, value in found.items() if value}


def packet_from(content: Mapping[str, Any]) -> Packet:
    """Return the packet that an entry holds; of a redacted one, {}, an empty packet."""
    texts: dict[str, Any] = {
        name.value: str(content[name]) for name in _TEXTS if content.get(name) is not None
    }
    moment = content.get("answer_by")
    answers = content.get("answers")
    return Packet(
        **texts,
        confidence=str(content.get("confidence") or ""),
        changes_checked=bool(content.get("changes_checked")),
        answer_by=datetime.fromisoformat(moment).astimezone(UTC) if moment else None,
        answers=_answers(answers if isinstance(answers, Mapping) else {}),
    )


def cleaned(packet: Packet) -> Packet:
    """Return the packet as it is kept: trimmed, storable, not too long.

    Raises: InvalidInput for a confidence that isn't one.
    """
    if packet.confidence not in {"", *CONFIDENCES}:
        raise InvalidInput("confidence", "unknown", ", ".join(CONFIDENCES))
    texts: dict[str, Any] = {
        name.value: kept_text(str(getattr(packet, name)), most=MAX_TEXT) for name in _TEXTS
    }
    return replace(packet, **texts, answers=_answers(packet.answers))


def changed(packet: Packet, changes: Mapping[str, Any]) -> Packet:
    """Return the packet with these fields as given; `answers` take the place of all there were.

    Raises: InvalidInput for a field that a packet doesn't have.
    """
    known = {item.name for item in fields(Packet)}
    for name in changes.keys() - known:
        raise InvalidInput("field", "unknown", ", ".join(sorted(known - {str(name)})))
    return cleaned(replace(packet, **changes))


def changed_fields(old: Packet, new: Packet) -> tuple[str, ...]:
    """Return the names of the fields and questions in which two versions differ."""
    plain = [
        # Ticking "checked, none" says something of the changes.
        "changes" if item.name == "changes_checked" else item.name
        for item in fields(Packet)
        if item.name != "answers" and getattr(old, item.name) != getattr(new, item.name)
    ]
    asked = [key for key in new.answers if new.answers[key] != old.answers.get(key, "")]
    gone = [key for key in old.answers if key not in new.answers]
    return tuple(dict.fromkeys((*plain, *asked, *gone)))


def _answers(answers: Mapping[str, Any]) -> Mapping[str, str]:
    kept = {str(key): kept_text(str(text), most=MAX_TEXT) for key, text in answers.items()}
    return MappingProxyType({key: text for key, text in kept.items() if text})
