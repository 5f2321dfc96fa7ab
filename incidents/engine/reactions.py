"""Reactions that many entries share: posting in the channel, updating cards."""

from incidents.engine.effects import (
    CatchUp,
    EraseEntryMessage,
    PostEntry,
    RefreshEntryMessages,
    SendPrompt,
)
from incidents.engine.entries import EffectFailed, WasAway
from incidents.engine.events import (
    CameBack,
    EntryMessageNotRefreshed,
    EntryMessagesOutdated,
    PromptChanged,
    RedactedTextRewritten,
)
from incidents.engine.plan import IncidentPlan, Plan
from incidents.incident.payload import Payload


def post(plan: IncidentPlan[Payload]) -> None:
    """Post the entry in the incident channel."""
    plan.post()


def log(plan: IncidentPlan[Payload]) -> None:
    """Post the entry under the status card, where it makes no line in the channel."""
    plan.log()


def ask(plan: IncidentPlan[Payload]) -> None:
    """Post the entry, which asks for something; if nobody reads the channel, tell the lead."""
    plan.ask()


def refresh_card(plan: IncidentPlan[Payload]) -> None:
    """Update the status card."""
    plan.refresh_card()


def refresh_announcement(plan: IncidentPlan[Payload]) -> None:
    """Update the announcement."""
    plan.refresh_announcement()


def set_topic(plan: IncidentPlan[Payload]) -> None:
    """Update the channel's topic."""
    plan.set_topic()


def refresh_entry_messages(plan: IncidentPlan[Payload]) -> None:
    """Update messages about earlier entries whose request may be over."""
    plan.refresh_entry_messages()


def look_at_entry_messages_again(plan: IncidentPlan[EntryMessagesOutdated]) -> None:
    """Check a message again whose request ended while it was being posted."""
    plan.refresh(RefreshEntryMessages(incident_id=plan.facts.incident_id), lane="entries")


def refresh_alone(plan: Plan[EntryMessageNotRefreshed]) -> None:
    """A message that couldn't be refreshed with the others is tried again in its own lane."""
    event = plan.event
    effect = RefreshEntryMessages(incident_id=event.incident_id, message_id=event.message_id)
    plan.add(
        effect,
        lane=f"{event.incident_id}:entries:{event.message_id}",
        name=str(event.message_id),
        coalesce_key=f"{effect.kind}:{event.message_id}",
    )


def erase_again(plan: Plan[RedactedTextRewritten]) -> None:
    """Erase a text again that was redacted while its message was being edited."""
    event = plan.event
    effect = EraseEntryMessage(incident_id=event.incident_id, entry_id=event.entry_id)
    plan.add(effect, lane=f"{event.incident_id}:erasing", name=str(event.entry_id))


def say_failure(plan: IncidentPlan[EffectFailed]) -> None:
    """Report a dead letter in the channel, or to the lead if nobody reads it there.

    Who said what couldn't be posted hears it, too.
    """
    if plan.event.effect_kind == PostEntry.kind or not plan.facts.has_readers:
        for person_id in dict.fromkeys((plan.facts.lead_id, plan.event.author_id)):
            plan.tell(person_id)
    else:
        plan.post()


def catch_up(plan: Plan[CameBack]) -> None:
    """Read what was missed in each incident's channel, in lanes that nothing waits for."""
    absence_id = plan.event.absence_id
    for incident_id in plan.event.incident_ids:
        effect = CatchUp(incident_id=incident_id, absence_id=absence_id)
        plan.add(
            effect,
            lane=f"{incident_id}:absence",
            name=str(incident_id),
            # Counts as a refresh: it leaves places for what people wait for.
            coalesce_key=f"{effect.kind}:{incident_id}:{absence_id}",
        )


def say_absence(plan: IncidentPlan[WasAway]) -> None:
    """Say in the channel how long Sitrep was away, unless it said so of another time just now."""
    if not plan.event.is_repeat:
        plan.post()


def show_prompt(plan: Plan[PromptChanged]) -> None:
    """Post the prompt's message to its owner, or update it in place."""
    prompt = plan.event
    effect = SendPrompt(
        incident_id=prompt.incident_id, prompt_id=prompt.prompt_id, person_id=prompt.person_id
    )
    # A separate lane, so that nothing more important waits for a prompt.
    lane = f"{prompt.incident_id}:prompts:{prompt.person_id}"
    plan.add(effect, lane=lane, coalesce_key=f"{effect.kind}:{prompt.prompt_id}")
