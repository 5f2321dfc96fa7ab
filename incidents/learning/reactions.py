"""Reactions for learners: following up entries after the commit, and showing the results."""

import uuid
from typing import Any

from incidents.core.ids import derived_id
from incidents.engine.effects import Effect
from incidents.engine.plan import IncidentPlan, Plan
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.learning.effects import (
    CopyCall,
    FollowLearners,
    ForwardToMentor,
    InviteShadow,
    SendShadowBrief,
    ShareDebrief,
    ShowDebrief,
    ShowMentorConversation,
    ShowShadowing,
)
from incidents.learning.events import (
    CallCopied,
    ConversationChanged,
    DebriefAsked,
    DebriefEvent,
    DebriefUnwritten,
    DebriefWritten,
    ForwardOutdated,
    JuniorAsked,
    ShadowBroughtIn,
    ShadowingChanged,
    WatchingChanged,
)


def follow_learners(plan: IncidentPlan[Any]) -> None:
    """Follow up the entry for shadows, juniors and mentors after the commit."""
    effect = FollowLearners(incident_id=plan.facts.incident_id, entry_id=plan.entry.id)
    plan.add(effect, lane="learners")


# -- shadows --------------------------------------------------------------------------------


def show_shadowing(plan: Plan[ShadowingChanged]) -> None:
    """Update the shadowing for one of its two people."""
    event = plan.event
    effect = ShowShadowing(shadowing_id=event.shadowing_id, person_id=event.person_id)
    _show(plan, event.person_id, effect, of=f"{event.shadowing_id}:{event.person_id}")


def welcome_shadow(plan: Plan[ShadowBroughtIn]) -> None:
    """Invite a shadow to the channel and send them the brief."""
    event = plan.event
    invite = InviteShadow(incident_id=event.incident_id, observation_id=event.observation_id)
    brief = SendShadowBrief(incident_id=event.incident_id, observation_id=event.observation_id)
    plan.add(invite, lane=f"{event.incident_id}:shadows", after=event.channel_effect_id)
    plan.add(brief, lane=_lane(event.person_id))


def refresh_brief(plan: Plan[WatchingChanged]) -> None:
    """Update the shadow's brief."""
    event = plan.event
    brief = SendShadowBrief(incident_id=event.incident_id, observation_id=event.observation_id)
    _show(plan, event.person_id, brief, of=str(event.observation_id))


def copy_call(plan: Plan[CallCopied]) -> None:
    """Send a shadow one copy of this call."""
    event = plan.event
    effect = CopyCall(
        incident_id=event.incident_id,
        escalation_id=event.escalation_id,
        call_id=event.call_id,
        person_id=event.person_id,
    )
    once = derived_id(event.call_id, f"{effect.kind}:{event.person_id}")
    plan.add(effect, lane=_lane(event.person_id), effect_id=once)


# -- debriefs -------------------------------------------------------------------------------


def show_debrief(plan: Plan[DebriefEvent]) -> None:
    """Ask the owner for the debrief, or show them what they wrote."""
    event = plan.event
    effect = ShowDebrief(incident_id=event.incident_id, debrief_id=event.debrief_id)
    _show(plan, event.owner_id, effect, of=str(event.debrief_id))


def wait_for_debrief(plan: Plan[DebriefAsked]) -> None:
    """Set the reminder for an unwritten debrief."""
    plan.set_reminder(
        Remind(
            kind=ReminderKind.DEBRIEF_UNWRITTEN,
            subject_type="debrief",
            subject_id=plan.event.debrief_id,
            incident_id=plan.event.incident_id,
            due_at=plan.now + plan.policy.shadowing.debrief_reminder,
        )
    )


def remind_of_debrief(plan: Plan[DebriefUnwritten]) -> None:
    """Ask the owner again, in a new message."""
    event = plan.event
    effect = ShowDebrief(
        incident_id=event.incident_id, debrief_id=event.debrief_id, is_reminder=True
    )
    plan.add(effect, lane=_lane(event.owner_id))


def show_in_reminder(plan: Plan[DebriefWritten]) -> None:
    """Update the reminder as well, if there was one."""
    event = plan.event
    if event.was_reminded:
        effect = ShowDebrief(
            incident_id=event.incident_id, debrief_id=event.debrief_id, is_reminder=True
        )
        _show(plan, event.owner_id, effect, of=f"{event.debrief_id}:reminder")


def share_debrief(plan: Plan[DebriefWritten]) -> None:
    """Show the debrief to its readers, or update it there."""
    event = plan.event
    for reader in event.readers:
        effect = ShareDebrief(
            incident_id=event.incident_id, debrief_id=event.debrief_id, person_id=reader
        )
        _show(plan, reader, effect, of=f"{event.debrief_id}:{reader}")


def stop_waiting(plan: Plan[DebriefWritten]) -> None:
    """Cancel the reminder: the debrief is written."""
    plan.set_reminder(
        CancelReminder(
            kind=ReminderKind.DEBRIEF_UNWRITTEN,
            subject_type="debrief",
            subject_id=plan.event.debrief_id,
        )
    )


# -- juniors and mentors --------------------------------------------------------------------


def show_conversation(plan: Plan[ConversationChanged]) -> None:
    """Open the pair's conversation or update it with where the incident stands."""
    event = plan.event
    effect = ShowMentorConversation(
        incident_id=event.incident_id, conversation_id=event.conversation_id
    )
    key = f"{effect.kind}:{event.conversation_id}"
    plan.add(effect, lane=_conversation_lane(event), coalesce_key=key)


def forward_to_mentor(plan: Plan[JuniorAsked]) -> None:
    """Forward the junior's request to the mentor, once."""
    event = plan.event
    effect = ForwardToMentor(
        incident_id=event.incident_id,
        conversation_id=event.conversation_id,
        entry_id=event.entry_id,
    )
    once = derived_id(event.entry_id, f"{effect.kind}:{event.conversation_id}")
    plan.add(effect, lane=_conversation_lane(event), effect_id=once)


def refresh_forward(plan: Plan[ForwardOutdated]) -> None:
    """Update what was forwarded: it loses its button."""
    event = plan.event
    effect = ForwardToMentor(
        incident_id=event.incident_id,
        conversation_id=event.conversation_id,
        entry_id=event.entry_id,
    )
    plan.add(effect, lane=_conversation_lane(event))


def _conversation_lane(event: ConversationChanged | JuniorAsked | ForwardOutdated) -> str:
    # One lane, so that the conversation opens before anything is forwarded to it.
    return f"{event.incident_id}:mentor:{event.conversation_id}"


def _show(plan: Plan[Any], person_id: uuid.UUID, effect: Effect, *, of: str) -> None:
    """Plan a refresh of a live message, unless the same one is already waiting."""
    key = f"{effect.kind}:{of}"
    plan.add(effect, lane=_lane(person_id), name=of, coalesce_key=key)


def _lane(person_id: uuid.UUID) -> str:
    """Return the lane of one person's messages about learning."""
    return f"learning:{person_id}"
