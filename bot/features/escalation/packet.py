"""Packet fields in Slack: form inputs and mrkdwn; names and questions come from `FIELDS`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn, width
from incidents.escalation.packet import (
    CONFIDENCES,
    FIELDS,
    LACKS,
    MAX_TEXT,
    READING_ORDER,
    Lack,
    Packet,
    field_name,
)
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField

# Prefix of the block id of a template's own question, before the question's key.
QUESTION: Final = "question_"
CHECKED: Final = "changes_checked"


def field_of(missing: str) -> str:
    """Return the field or question that a missing item belongs to."""
    return LACKS.get(missing, missing)


def name_of(missing: str, template: EscalationTemplate | None) -> str:
    """Return the display name of a field, a template's question, or a field's missing part."""
    lack = _lack(missing)
    if lack is not None:
        return lack.name
    if missing in FIELDS:
        return field_name(missing)
    return question_of(missing, template) or field_name(missing)


def _lack(missing: str) -> Lack | None:
    return FIELDS[LACKS[missing]].lack if missing in LACKS else None


def names_of(missing: Sequence[str], template: EscalationTemplate | None) -> str:
    """Return missing items as they read within a sentence."""
    return ", ".join(
        FIELDS[item].phrase if item in FIELDS else name_of(item, template) for item in missing
    )


def question_of(field: str, template: EscalationTemplate | None) -> str:
    """Return the text of a template's own question, or "" if the template doesn't have it."""
    questions = template.questions if template is not None else ()
    return next((item.text for item in questions if item.key == field), "")


def question_for(missing: str, template: EscalationTemplate | None) -> str:
    """Return the question that asks the author for a missing item, with its hint."""
    lack = _lack(missing)
    if lack is not None:
        return lack.question
    if missing not in FIELDS:
        return question_of(missing, template) or name_of(missing, template)
    if missing == PacketField.ANSWER_BY:
        return "By when do you need their answer?"
    spec = FIELDS[missing]
    return f"{spec.question} {spec.hint}".strip()


def inputs_for(
    field: str, packet: Packet, *, template: EscalationTemplate | None, is_alone: bool = False
) -> tuple[blocks.Block, ...]:
    """Return the inputs for one field; `is_alone`: required, except for `changes`."""
    if field not in FIELDS:
        label = question_of(field, template) or field
        answer = packet.answers.get(field, "")
        return (_text(f"{QUESTION}{field}", label, answer, is_needed=is_alone),)
    key, spec = PacketField(field), FIELDS[field]
    is_wanted = is_alone or (template is not None and key in template.fields)
    hint = spec.hint if is_wanted else f"{spec.hint} This kind needs it less.".strip()
    match key:
        case PacketField.CONFIDENCE:
            options = [blocks.option(text, value=value) for value, text in spec.choices]
            initial = packet.confidence or None
            return (
                blocks.select(
                    key,
                    label=spec.question,
                    options=options,
                    initial=initial,
                    optional=not is_alone,
                ),
            )
        case PacketField.ANSWER_BY:
            return (
                blocks.datetime_input(
                    key,
                    label=spec.question,
                    initial=packet.answer_by,
                    hint=hint,
                    optional=not is_alone,
                ),
            )
        case PacketField.CHANGES:
            text = _text(key, spec.question, packet.changes, hint=hint, is_needed=False)
            return (text, _checked_box(packet))
    value = str(getattr(packet, key))
    return (_text(key, spec.question, value, hint=hint, is_long=spec.is_long, is_needed=is_alone),)


def _text(
    block_id: str,
    label: str,
    value: str,
    *,
    hint: str = "",
    is_long: bool = True,
    is_needed: bool = False,
) -> blocks.Block:
    return blocks.text_input(
        block_id,
        label=label,
        initial=value,
        multiline=is_long,
        optional=not is_needed,
        hint=hint or None,
        max_length=MAX_TEXT,
    )


def _checked_box(packet: Packet) -> blocks.Block:
    since = f"since {packet.since}" if packet.since.strip() else "since it began"
    return blocks.checkboxes(
        CHECKED,
        label="Nothing found?",
        options=[blocks.option(f"Checked: no changes {since}", value="checked")],
        initial=["checked"] if packet.changes_checked else [],
    )


def block_of(field: str) -> str:
    """Return the block id of a field's input, where Slack shows its errors."""
    return field if field in FIELDS else f"{QUESTION}{field}"


def read_packet(form: blocks.FormState, packet: Packet, *, fields: Sequence[str]) -> Packet:
    """Return the packet with these fields read from the form; the others stay."""
    return replace(packet, **read_changes(form, packet, fields=fields))


def read_changes(
    form: blocks.FormState, packet: Packet, *, fields: Sequence[str]
) -> dict[str, Any]:
    """Return the form's values of these fields, by packet attribute."""
    changes: dict[str, Any] = {}
    answers = dict(packet.answers)
    for field in fields:
        match field:
            case PacketField.CONFIDENCE:
                changes[field] = form.choice(field) or ""
            case PacketField.ANSWER_BY:
                changes[field] = form.instant(field)
            case PacketField.CHANGES:
                changes[field] = form.text(field)
                changes[CHECKED] = form.checked(CHECKED, "checked")
            case _ if field in FIELDS:
                changes[field] = form.text(field)
            case _:
                answers[field] = form.text(f"{QUESTION}{field}")
    if answers != dict(packet.answers):
        changes["answers"] = {key: text for key, text in answers.items() if text}
    return changes


def packet_lines(packet: Packet, template: EscalationTemplate | None) -> tuple[str, ...]:
    """Return the known fields as mrkdwn, one line each, most useful first."""
    return tuple(_lines(packet, template))


def _lines(packet: Packet, template: EscalationTemplate | None) -> Iterator[str]:
    for field in READING_ORDER:
        match field:
            case PacketField.ANSWER_BY:
                if packet.answer_by is not None:
                    yield f"*{FIELDS[field].name}* {mentions.date(packet.answer_by, '{time}')}"
                # A template's own questions are what its people need first.
                yield from _answers(packet, template)
            case PacketField.CHANGES:
                yield from _changes(packet)
            case PacketField.HYPOTHESIS:
                yield from _hypothesis(packet)
            case PacketField.CONFIDENCE:  # shown with the hypothesis
                continue
            case _:
                yield from _line(field, getattr(packet, field))


def _answers(packet: Packet, template: EscalationTemplate | None) -> Iterator[str]:
    for key, answer in packet.answers.items():
        if answer.strip():
            yield f"*{mentions.escape_line(name_of(key, template))}* {mentions.escape(answer.strip())}"


def _line(field: PacketField, text: str) -> Iterator[str]:
    if text.strip():
        yield f"*{FIELDS[field].name}* {mentions.escape(text.strip())}"


def _changes(packet: Packet) -> Iterator[str]:
    if packet.changes.strip():
        yield from _line(PacketField.CHANGES, packet.changes)
    elif packet.changes_checked:
        since = packet.since.strip()
        yield from _line(PacketField.CHANGES, f"checked, none since {since or 'it began'}")


def _hypothesis(packet: Packet) -> Iterator[str]:
    if packet.hypothesis.strip():
        is_known = packet.confidence in CONFIDENCES
        confidence = f" (confidence: {packet.confidence})" if is_known else ""
        name = FIELDS[PacketField.HYPOTHESIS].name
        yield f"*{name}*{confidence} {mentions.escape(packet.hypothesis.strip())}"


def fitted(lines: Sequence[str], *, limit: int) -> str:
    """Return the lines as one text of at most `limit`, cutting the longest lines first.

    No line is dropped: a field at the end is worth as much as one at the beginning.
    """
    longest = _fair_length([width(line) for line in lines], room=limit - len(lines))
    return "\n".join(shorten_mrkdwn(line, longest) for line in lines)


def _fair_length(lengths: Sequence[int], *, room: int) -> int:
    """Return the greatest line length at which all lines fit into `room` together."""
    left = room
    for place, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - place)
        if length > share:
            return max(share, 1)
        left -= length
    return max(lengths, default=1)
