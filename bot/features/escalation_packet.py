"""How an escalation packet reads: every field that is known, the ask first, nothing cut unfairly."""

from collections.abc import Iterator, Sequence

from bot.features.escalation_fields import FIELDS, name_of
from bot.slack import mentions as m
from bot.slack.truncation import shorten_mrkdwn, width
from incidents.escalation_policy import EscalationTemplate
from incidents.packet import CONFIDENCES, Packet, PacketField

_F = PacketField


def packet_lines(packet: Packet, template: EscalationTemplate | None) -> tuple[str, ...]:
    """Return the known fields as mrkdwn, one each, in the order in which they help."""
    return tuple(_lines(packet, template))


def _lines(packet: Packet, template: EscalationTemplate | None) -> Iterator[str]:
    yield from _line(_F.ASK, packet.ask)
    if packet.answer_by is not None:
        yield f"*{FIELDS[_F.ANSWER_BY].name}* {m.date(packet.answer_by, '{time}')}"
    for key, answer in packet.answers.items():
        if answer.strip():
            yield f"*{m.escape_line(name_of(key, template))}* {m.escape(answer.strip())}"
    yield from _line(_F.SYMPTOMS, packet.symptoms)
    yield from _line(_F.SINCE, packet.since)
    yield from _line(_F.SCOPE, packet.scope)
    yield from _line(_F.IMPACT, packet.impact)
    yield from _line(_F.EVIDENCE, packet.evidence)
    yield from _changes(packet)
    yield from _line(_F.TRIED, packet.tried)
    yield from _hypothesis(packet)


def _line(field: PacketField, text: str) -> Iterator[str]:
    if text.strip():
        yield f"*{FIELDS[field].name}* {m.escape(text.strip())}"


def _changes(packet: Packet) -> Iterator[str]:
    if packet.changes.strip():
        yield from _line(_F.CHANGES, packet.changes)
    elif packet.changes_checked:
        since = packet.since.strip()
        yield from _line(_F.CHANGES, f"checked, none since {since or 'it began'}")


def _hypothesis(packet: Packet) -> Iterator[str]:
    if packet.hypothesis.strip():
        is_known = packet.confidence in CONFIDENCES
        confidence = f" (confidence: {packet.confidence})" if is_known else ""
        yield f"*{FIELDS[_F.HYPOTHESIS].name}*{confidence} {m.escape(packet.hypothesis.strip())}"


def fitted(lines: Sequence[str], *, limit: int) -> str:
    """Return the lines as one text of at most `limit`: long ones are cut before short ones are.

    A field at the end is worth as much as one at the beginning, so that none is left out.
    """
    longest = _fair_length([width(line) for line in lines], room=limit - len(lines))
    return "\n".join(shorten_mrkdwn(line, longest) for line in lines)


def _fair_length(lengths: Sequence[int], *, room: int) -> int:
    """Return the length that lines are cut to, so that together they fit into the room."""
    left = room
    for place, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - place)
        if length > share:
            return max(share, 1)
        left -= length
    return max(lengths, default=1)
