"""Shows what Slack refused permanently, with *Retry*."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments
from bot.framework.entry_messages import Ending, ends, shown
from bot.framework.feature import Feature
from bot.framework.requests import Request
from bot.framework.slack_refusals import what_to_do_first
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.sentences import SlackText
from incidents.core.sentences import render
from incidents.engine.entries import EffectFailed, EffectRetried, effect_words, refusal_reason
from incidents.engine.settling import is_dead, retry_effect
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import EntryView, IncidentView, find_next_entry


def effect_failed(
    failed: EffectFailed, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Post what Slack refused and that nothing is lost, with a *Retry* button."""
    what, reason = render(failed.what(), SlackText()), refusal_reason(failed.error)
    text = (
        f"{incident.reference}: I couldn't {what}, because {reason or 'Slack refused it'}. "
        "Everything is on the record. "
        f"{what_to_do_first(failed.error)}"
    )
    # Slack's error code, for the person who fixes the cause.
    answer = f"Slack's answer: {mentions.code(failed.error)}"
    retry = blocks.button("Retry", action_id="effect_retry", value=str(failed.effect_id))
    return blocks.Message(
        text=f"{text} {answer}",
        blocks=(blocks.section(text), blocks.actions(retry), blocks.context(answer)),
    )


class OnEffect(Arguments, gone="effect"):
    """The effect that Slack refused."""

    effect_id: uuid.UUID


def retried_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to the person who pressed *Retry*."""
    return f"I'm trying again to {effect_words(outcome.data['effect_kind'])}."


async def retry_ending(
    failed: EffectFailed, session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who retried the effect, or that it is no longer needed."""
    if failed.effect_id is not None and await is_dead(session, failed.effect_id):
        return None

    def is_its_retry(content: Mapping[str, Any]) -> bool:
        retried = EffectRetried.read(content)
        return retried is not None and retried.effect_id == failed.effect_id

    found = await find_next_entry(
        session, entry, incident, EffectRetried.kind, matches=is_its_retry
    )
    if found is None:
        return Ending("This is no longer needed.")
    at = mentions.date(found.recorded_at, "{time}")
    return Ending(f"{mentions.escape_line(found.actor_name)} tried it again at {at}.")


FEATURE = Feature(
    name="failures",
    verbs=(Verb(OnEffect, buttons=("effect_retry",), use_case=retry_effect, tell=retried_text),),
    entries=(shown(EffectFailed, effect_failed),),
    endings=(ends(EffectFailed, retry_ending),),
)
