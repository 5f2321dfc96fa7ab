"""How entries about escalations are said in the channel, and to the author directly."""

from collections.abc import Mapping
from typing import Any

from bot.features.escalation_card import MAY_NOT_WAKE
from bot.features.escalation_fields import FIELDS, FieldWords
from bot.features.role_messages import actor_of_entry
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.escalation_words import called_so_far, standstill
from incidents.packet import PacketField
from incidents.read_models import EntryView, IncidentView


def taken_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return that somebody is on it, as the channel hears it."""
    text = f"*{_mention(entry, 'person')} is on it* ({_escalation(entry)}). Nobody else is called."
    return b.Message(text=f"{incident.reference}: {text}", blocks=(b.section(text),))


def taken_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return that somebody is on it, as the author hears it."""
    text = (
        f"{_about(incident)}: *{_mention(entry, 'person')} is on it* ({_escalation(entry)}). "
        "Stay with them until they have what they need."
    )
    return b.Message(text=text, blocks=(b.section(text),))


def exhausted_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Say loudly that nobody is on it, why, and what to do now."""
    called = _called(entry)
    lines = (
        f"{m.here()} *{_standstill(entry)}.*",
        f"Called so far: {m.escape_line(called_so_far(called))}." if called else "",
        f"*Do this now.* {_what_now(entry)} If you can take it yourself, press *I'm on it*.",
        MAY_NOT_WAKE,
    )
    text = "\n".join(line for line in lines if line)
    return b.Message(
        text=f"{incident.reference}: {text}",
        blocks=(*b.paragraphs(text), b.actions(_take(entry, incident), _again(incident))),
    )


def exhausted_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Say to commander and author that nobody is on it, why, and what to do now."""
    text = f"{_about(incident)}. *{_standstill(entry)}.* {_what_now(entry)}"
    return b.Message(text=text, blocks=(b.section(text), b.actions(_again(incident))))


def questioned_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Ask the author for what whoever is called wants to know, with a button to answer."""
    who, field = _mention(entry, "person"), entry.text("field")
    what = _question(entry, field)
    text = (
        f"{_about(incident)}: {who} needs one more thing for {_escalation(entry)}: *{what}*\n"
        "A short answer will do, also that it isn't known."
    )
    value = f"{incident.id}|{entry.text('escalation_id')}|{field}"
    answer = b.button("Answer…", action_id="escalation_field_open", value=value, style="primary")
    return b.Message(text=text, blocks=(*b.paragraphs(text), b.actions(answer)))


def completed_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return to who had asked for more that it is there now."""
    text = (
        f"{_about(incident)}: what you asked for is there ({_escalation(entry)}). "
        "The message that called you shows it."
    )
    return b.Message(text=text, blocks=(b.section(text),))


def withdrawn_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Tell the author that somebody else took it back, why, and how to call again."""
    reason = entry.text("reason")
    why = f"\n*Reason* {m.escape(reason)}" if reason else ""
    text = (
        f"{_about(incident)}: {actor_of_entry(entry)} has withdrawn {_escalation(entry)}, so nobody "
        f"is called for it any more.{why}\nDo you still need somebody? Escalate again."
    )
    again = () if not incident.is_open else (b.actions(_again(incident)),)
    return b.Message(text=text, blocks=(*b.paragraphs(text), *again))


def _called(entry: EntryView) -> list[Mapping[str, Any]]:
    return [one for one in entry.content.get("called") or () if isinstance(one, Mapping)]


def _standstill(entry: EntryView) -> str:
    why = standstill(str(one["how"]) for one in _called(entry))
    return f"Escalation {m.escape_line(entry.text('number'))}: {why}"


def _what_now(entry: EntryView) -> str:
    if not _called(entry):
        return "Phone somebody who can help, or press *Escalate to somebody else…* and name them."
    return "Phone somebody who can help. Or escalate again and name somebody else."


def _question(entry: EntryView, field: str) -> str:
    if field in tuple(PacketField):
        words: FieldWords = FIELDS[PacketField(field)]
        return words.label
    return m.escape_line(entry.text("question") or field.replace("_", " "))


def _escalation(entry: EntryView) -> str:
    return f"escalation {m.escape_line(entry.text('number'))}"


def _about(incident: IncidentView) -> str:
    where = f" in {m.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return f"*{incident.reference}* {m.escape_line(incident.title)}{where}"


def _mention(entry: EntryView, name: str) -> str:
    person = entry.content.get(name)
    external_id = person.get("external_id") if isinstance(person, dict) else None
    return m.mention(str(external_id)) if external_id else "somebody"


def _take(entry: EntryView, incident: IncidentView) -> b.ButtonElement:
    value = f"{incident.id}|{entry.text('escalation_id')}|{entry.sequence}"
    return b.button("I'm on it", action_id="escalation_take", value=value, style="primary")


def _again(incident: IncidentView) -> b.ButtonElement:
    value = f"{incident.id}|{incident.version}"
    return b.button("Escalate to somebody else…", action_id="escalate_open", value=value)
