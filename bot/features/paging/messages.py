"""The loud message when paging has failed."""

from bot.features.escalation.card import OnEscalation
from bot.framework.arguments import known_id, to_value
from bot.slack import blocks, mentions
from incidents.calling.entries import PageFailed
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView


def failed_entry(failed: PageFailed, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Alert the channel: who wasn't woken and why, what I'm trying now, and what people can do."""
    whom = (
        mentions.mention(failed.person.external_id)
        if failed.person.external_id
        else mentions.escape_line(failed.person.name or failed.address)
    )
    pager, why = mentions.escape_line(failed.pager), mentions.escape_line(failed.problem)
    then = (
        f"I'm trying {mentions.escape_line(failed.then)} now."
        if failed.then
        else "I know no other way to wake them."
    )
    text = (
        f"{mentions.here()} *I couldn't page {whom} through {pager}* ({why}). {then}\n"
        "If it can't wait, *phone them*: *Show phone numbers* has what I know."
    )
    value = to_value(OnEscalation(ById(incident.id), known_id(failed.escalation_id)))
    phones = blocks.button("Show phone numbers", action_id="escalation_phones", value=value)
    return blocks.Message(
        text=f"{incident.reference}: {text}",
        blocks=(*blocks.paragraphs(text), blocks.actions(phones)),
    )
