"""What Slack refused for good: said where people look, with *Retry*."""

import uuid
from functools import partial

from bot.feature import Feature
from bot.refusals import say
from bot.replies import Reply, Say
from bot.requests import Request
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.errors import Superseded
from incidents.failed_effects import retry_effect
from incidents.read_models import EntryView, IncidentView

_WHAT = {
    "open_incident_channel": "opening the incident channel",
    "invite_person": "inviting somebody",
    "invite_policy_people": "inviting the people the policy names",
    "refresh_status_card": "showing the status card",
    "pin_status_card": "pinning the status card",
    "refresh_announcement": "announcing the incident",
    "set_channel_topic": "setting the channel's topic",
    "add_bookmarks": "adding the channel's bookmarks",
    "post_entry": "posting a message in the channel",
    "tell_person": "sending a direct message",
    "upload_export": "uploading the export",
    "upload_postmortem": "uploading the postmortem",
}


def what_failed(effect_kind: str) -> str:
    """Return an effect's kind in words that fit after "Slack refused"."""
    return _WHAT.get(effect_kind, effect_kind.replace("_", " "))


def effect_failed(entry: EntryView, incident: IncidentView) -> b.Message:
    """Say what Slack refused, that nothing is lost, and offer to try again."""
    what, error = what_failed(entry.text("effect_kind")), m.escape(entry.text("error"))
    text = (
        f"{incident.reference}: Slack refused {what} ({error}). "
        "Everything is on the record and the incident goes on."
    )
    retry = b.button("Retry", action_id="effect_retry", value=entry.text("effect_id"))
    return b.Message(
        text=f"{text} Press Retry once the cause is mended.",
        blocks=(b.section(text), b.actions(retry)),
    )


async def retry_pressed(request: Request) -> Reply:
    """Try again what Slack had refused."""
    try:
        effect_id = uuid.UUID(request.value)
    except ValueError:
        raise Superseded("effect") from None
    outcome = await request.transact(partial(retry_effect, effect_id=effect_id))
    return Say(say(f"Trying again: {what_failed(outcome.data['effect_kind'])}."))


FEATURE = Feature(
    name="failures",
    actions={"effect_retry": retry_pressed},
    entries={"effect_failed": effect_failed},
    direct_entries={"effect_failed": effect_failed},
)
