"""What Slack refused for good: said where people look, with *Retry*."""

import uuid

from bot.framework.arguments import Arguments
from bot.framework.feature import Feature
from bot.framework.requests import Request
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.engine.failed_effects import effect_words, refusal_reason, retry_effect
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import EntryView, IncidentView


def effect_failed(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say what Slack refused, that nothing is lost, and offer to try again."""
    what, error = effect_words(entry.text("effect_kind")), entry.text("error")
    reason = refusal_reason(error)
    text = (
        f"{incident.reference}: Slack refused {what}{f', because {reason}' if reason else ''}. "
        "Everything is on the record and the incident goes on. Press *Retry* once the cause is "
        "mended."
    )
    # For whoever mends it: what Slack calls it.
    answer = f"Slack's answer: {mentions.code(error)}"
    retry = blocks.button("Retry", action_id="effect_retry", value=entry.text("effect_id"))
    return blocks.Message(
        text=f"{text} {answer}",
        blocks=(blocks.section(text), blocks.actions(retry), blocks.context(answer)),
    )


class OnEffect(Arguments, gone="effect"):
    """What Slack had refused."""

    effect_id: uuid.UUID


def retried_text(_: Request, outcome: Outcome) -> str:
    """Return what is told to whoever tries again."""
    return f"Trying again: {effect_words(outcome.data['effect_kind'])}."


FEATURE = Feature(
    name="failures",
    verbs=(Verb(OnEffect, buttons=("effect_retry",), use_case=retry_effect, tell=retried_text),),
    entries={"effect_failed": effect_failed},
    direct_entries={"effect_failed": effect_failed},
)
