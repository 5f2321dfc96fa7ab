"""What waits for somebody, on their Home tab: one line each, with its button or its channel."""

from bot.features.checkins.messages import OnCheckin
from bot.features.escalation.card import OnEscalation
from bot.features.handover.messages import OnHandover
from bot.features.postmortem.action_items import OnItem
from bot.features.roles.handoff_messages import OnHandoff
from bot.framework.arguments import OnIncident, to_value
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn
from incidents.core.times import day_text
from incidents.incident.incident import ById
from incidents.registry.waiting import Waiting, WaitsFor

_LONGEST_TEXT = 200


def waiting_block(one: Waiting) -> blocks.Block:
    """Return one thing that waits, with the button for it."""
    incident = one.incident
    if incident is None:
        return blocks.section(_asked(one), accessory=_shift_button(one))
    where = f" {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    due = f", due {day_text(one.due_on)}" if one.due_on else ""
    about = f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}"
    button = _button(one, OnIncident(ById(incident.id), one.version))
    return blocks.section(f"{_asked(one)}{due}\n{about}", accessory=button)


def _asked(one: Waiting) -> str:
    by = mentions.escape_line(one.by.name) if one.by else "Somebody"
    match one.what:
        case WaitsFor.CALL:
            return f"{by} calls you" if one.by else "You are called"
        case WaitsFor.HANDOFF:
            return f"{by} wants to hand you command"
        case WaitsFor.HANDOFF_REQUEST:
            return f"{by} asks for a change of command"
        case WaitsFor.SHIFT:
            return f"{by} wants to hand you the shift: the note is in my messages to you"
        case WaitsFor.CHECKIN:
            return f"{by} asked you to check in"
        case WaitsFor.PROPOSAL:
            return f"{by} asks you about proposal {one.number}: answer it in the channel"
        case WaitsFor.CARRYING_OUT:
            return f"Your proposal {one.number} can be carried out: say so in the channel"
        case WaitsFor.POSTMORTEM:
            return "You write the postmortem"
        case WaitsFor.ACTION_ITEM:
            text = shorten_mrkdwn(mentions.escape_line(one.text), _LONGEST_TEXT)
            return f"Action item {one.number}: {text}"


def _shift_button(one: Waiting) -> blocks.ButtonElement:
    value = to_value(OnHandover(one.subject_id))
    return blocks.button("Accept", action_id="handover_accept", value=value)


def _button(one: Waiting, about: OnIncident) -> blocks.ButtonElement | None:
    ref = about.ref
    match one.what:
        case WaitsFor.CALL:
            value = to_value(OnEscalation(ref, one.subject_id, call_id=one.call_id))
            return blocks.button("I'm on it", action_id="escalation_take", value=value)
        case WaitsFor.HANDOFF | WaitsFor.HANDOFF_REQUEST:
            value = to_value(OnHandoff(ref, one.subject_id))
            return blocks.button("Accept", action_id="handoff_accept", value=value)
        case WaitsFor.CHECKIN:
            value = to_value(OnCheckin(ref, one.subject_id, one.number))
            return blocks.button("Answer…", action_id="checkin_answer_open", value=value)
        case WaitsFor.POSTMORTEM:
            value = to_value(about)
            return blocks.button("Write…", action_id="postmortem_write_open", value=value)
        case WaitsFor.ACTION_ITEM:
            value = to_value(OnItem(ref, one.number))
            return blocks.button("Done", action_id="action_item_done", value=value)
    return None
