"""Phrases that many messages share: who did it, about which incident, and why it is refused."""

from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.slack import blocks, mentions
from bot.slack.sentences import SlackText
from incidents.core.sentences import Who
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.learning.shadowing import ShadowingView

_MARKS = ("🔴", "🟠", "🟡", "🔵", "⚪")


def severity_mark(rank: int) -> str:
    """Return the coloured mark of a severity's rank: red for the worst, 1."""
    return _MARKS[min(max(rank, 1), len(_MARKS)) - 1]


def hidden_message(incident: IncidentView) -> blocks.Message:
    """Return the message that replaces a call once the incident is hidden from its reader."""
    text = (
        f"{incident.reference} is handled privately now. There is nothing for you to do. Thank you."
    )
    return blocks.Message(text=text, blocks=(blocks.context(text),))


def named(person: Who | None) -> str:
    """Return a mention of the person, or their name; "" for None."""
    return SlackText().person(person) if person is not None else ""


def actor_of_entry(entry: EntryView) -> str:
    """Return the name of the entry's actor, escaped."""
    return mentions.escape_line(entry.actor_name)


def about(incident: IncidentView) -> str:
    """Return the incident's reference, title and channel, to begin a direct message."""
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}"


def followed_text(view: ShadowingView) -> str:
    """Return the mentor, role or service that a shadowing follows."""
    return followed(view.mentor, role_name=view.role_name, service_name=view.service_name)


def followed(mentor: PersonView | None, *, role_name: str, service_name: str) -> str:
    """Return the mentor, role or service that is followed; exactly one is given."""
    if mentor is not None:
        return mentions.escape_line(mentor.name)
    if role_name:
        return f"the role {mentions.escape_line(role_name)}"
    return f"the service {mentions.escape_line(service_name)}"


def instant_of(value: object) -> datetime | None:
    """Return the instant stored as text in an entry's content or an outcome, or None."""
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


# -- refusals ------------------------------------------------------------------------------------

# Why the action came too late, by the key of `Superseded`.
SUPERSEDED: Final = MappingProxyType(
    {
        "command": "{by} has command now, so nothing changed. Give {by} a minute, then ask: "
        "`{slash} role commander me`",
        "drill": "This drill is over. I send its scorecard by direct message.",
        "role": "{by} has taken this role meanwhile, so nothing changed.",
        "prompt": "I no longer need an answer to this question.",
        "no_prompts": "You have no prompts in this incident.",
        "handoff_accepted": "{by} has already accepted this handoff.",
        "handoff_declined": "{by} has already declined this handoff.",
        "handoff_agreed": "{by} has already agreed. I'm asking the next commander.",
        "handoff_pending": "{by} has already proposed a handoff, and nobody has answered yet. Urgent? "
        "Press *Take over…* on it, or type `{slash} takeover why`",
        "proposal": "This proposal is gone. Start again from where you were.",
        "proposal_draft": "Nobody has been asked for this yet.",
        "proposal_pending": "You've already asked for this. It's waiting for an answer on its card.",
        "proposal_waiting": "Nobody has agreed to this yet, so nothing was done. It's waiting on its card.",
        "proposal_cleared": "This needs no approval. Go ahead.",
        "proposal_approved": "{by} has already approved this.",
        "proposal_declined": "{by} has declined this, so nothing was done.",
        "proposal_abandoned": "{by} has abandoned this, so nothing was done.",
        "proposal_carried_out": "{by} has already carried this out.",
        "proposal_break_glass": "{by} is already going ahead with this (break-glass).",
        "proposal_expired": "This proposal has expired. Ask again with `{slash} propose`",
        "proposal_incident_over": "This proposal ended with its incident, so nothing was done. If you still "
        "need it, propose it in an open incident: `{slash} propose`",
        "proposal_changed": "{by} has changed this proposal. Read its card again, then answer.",
        "proposal_redacted": "The text of this proposal was redacted. Propose it again: "
        "`{slash} propose`",
        "objection_poll": "Nobody is asking for objections to this now. Say it in the channel.",
        "handoff_withdrawn": "This handoff was withdrawn. Command stayed where it was.",
        "escalation": "{by} is already on it. Nothing for you to do.",
        "escalation_taken": "Somebody is already on it, so nothing changed.",
        "escalation_steps": "I have nobody left to call for this. Name somebody: "
        "`{slash} escalate @someone`",
        "escalation_withdrawn": "This escalation was withdrawn, so nothing was done. "
        "Start a new one: `{slash} escalate`",
        "escalation_over": "This escalation ended with its incident, so nothing was done.",
        "shadowing": "This has already ended. See what you follow: `{slash} shadow list`",
        "debrief": "This debrief isn't open to you.",
        "mentor_asked": "This question about a mentor isn't yours, or it has ended. Nothing changed.",
        "stage_in_command": "{by} is in command of an incident, so nothing changed. Set the stage "
        "when it is over, or when somebody else has command.",
        "stage_now": "The stage can't change right now. Try again later.",
        "junior_roles": "The person you mentor has no role here now, so there is nothing to take over.",
        "handover_accepted": "{by} has already accepted this on-call handover.",
        "maintenance": "This maintenance is gone. Nothing changed.",
        "handover_withdrawn": "This on-call handover was withdrawn. Nothing changed.",
    }
)

# Nothing to change, where `what` and `detail` alone would puzzle people.
ALREADY: Final = MappingProxyType(
    {
        "commander": "{detail} is already in command.",
        "channel": "{detail} is already the incident's channel.",
        "owner": "{detail} already has it.",
        "the maintenance": "The maintenance is already {detail}, so nothing changed.",
        "the owner": "{detail} already has it.",
        "the postmortem's owner": "{detail} already writes the postmortem.",
        "escalation": "{detail} is already on it.",
        "severity": "The severity is already {detail}.",
        "everything": "Everything is already as you wrote it.",
        "note": "The note already says that.",
        "packet": "The packet already says that.",
        "step": "I've already called that step.",
        "entry": "That entry is already {detail}.",
        "your answer": "I already have your answer.",
        "your prompts": "Your prompts in this incident are already {detail}.",
        "this shadowing": "You already follow that.",
        "who is on call": "{detail} is already on call until then.",
        "the override": "There's no override for {detail}.",
        "shadowing": "You've already stopped shadowing.",
    }
)

# What the person isn't allowed to do, by the action's key; each fits after "can".
DEEDS: Final = MappingProxyType(
    {
        "declare": "declare incidents",
        "practise": "act in this drill",
        "edit": "edit the incident",
        "change_status": "change the status",
        "resolve": "resolve the incident",
        "close": "close the incident",
        "reopen": "reopen the incident",
        "cancel": "cancel the incident",
        "mark_duplicate": "cancel the incident as a duplicate",
        "raise_severity": "raise the severity",
        "lower_severity": "lower the severity",
        "assign_role": "give somebody a role",
        "claim_role": "take a role",
        "handoff": "hand off command",
        "answer_handoff": "answer this handoff",
        "give_up_command": "give up command",
        "take_command": "take command",
        "take_over": "take over command",
        "post_update": "post an update",
        "test_pager": "test somebody else's pagers",
        "edit_maintenance": "change somebody else's maintenance",
        "snooze": "put the update off",
        "add_note": "add to the timeline",
        "withdraw_entry": "withdraw this from the timeline",
        "hide_entry": "hide this",
        "redact_entry": "destroy this text",
        "check_in": "answer or ask for this check-in",
        "export": "export the timeline",
        "use_channel": "choose the channel",
        "move_to_private": "move the incident to a private channel",
        "invite": "invite people to this incident",
        "uninvite": "remove somebody from this incident",
        "view": "see incidents",
        "manage_postmortem": "work on the postmortem",
        "manage_action_items": "change action items",
        "retry_effect": "try this again",
        "escalate": "escalate, or add to an escalation",
        "answer_escalation": "answer this escalation",
        "withdraw_escalation": "withdraw this escalation",
        "rate_packet": "say whether the packet was enough",
        "propose": "propose an action",
        "revise_proposal": "change or ask for this proposal",
        "carry_out": "say what came of this",
        "break_glass": "go ahead without approval",
        "break_others_glass": "go ahead with this without approval",
        "ask_objections": "ask for strong objections",
        "shadow": "shadow",
        "hand_over_shift": "hand over a shift",
        "override_on_call": "say who stands in",
        "set_stage": "set somebody's stage or name their mentors",
        "sign_off": "sign this person off",
    }
)

# Who has a right, where the policy's key would puzzle people.
HOLDERS: Final = MappingProxyType(
    {
        "commander": "the commander",
        "deputy": "the deputy",
        "scribe": "the scribe",
        "manager": "a manager",
        "peer": "somebody who works solo everywhere",
        "solo": "somebody who works solo here",
        "senior": "a senior",
        "mentor": "a mentor of the person",
        "solo_mentor": "a mentor of the person who works solo there",
    }
)

# The names of refused values, where their keys would puzzle people.
FIELDS: Final = MappingProxyType(
    {
        "person": "that",
        "people": "that",
        "word": "that",
        "target": "that",
        "original": "the other incident",
        "next": "the time to the next update",
        "next_in": "the time to the next update",
        "duration": "the delay",
        "minutes": "the time box",
        "list": "that list",
        "check": "that check",
        "action": "that action",
        "action_item": "that action item",
        "item": "that action item",
        "drill": "this",
        "shadow": "that role or service",
        "next_person": "the next person on call",
        "words": "the note",
        "step": "that step",
        "field": "that field",
        "escalation": "that escalation",
        "answer": "that answer",
        "class": "the class of action",
        "template": "the kind",
        "until": "the last day",
        "stand_in": "the stand-in",
        "override_until": "the end of the override",
        "on_call_subject": "the rotation or service",
        "channel": "that channel",
        "last": "`--last`",
        "detected_at": "the time of detection",
        "impact_started_at": "the start of the impact",
        "impact_ended_at": "the end of the impact",
        "mitigated_at": "the time of mitigation",
        "resolved_at": "the time of resolving",
    }
)

# What is wrong with a value, by the key of `InvalidInput`; each follows the value's name.
PROBLEMS: Final = MappingProxyType(
    {
        "empty": "is missing",
        "unknown": "doesn't exist",
        "future": "can't be in the future",
        "past": "can't be in the past",
        "too_long": "is too long",
        "not_a_time": "isn't clear. Say how long ago it was, up to a year, or name a day and a time",
        "needs_a_clock_time": "needs a time of day, too",
        "has_to_be_said": "is missing: your note seems to begin with one, but I can't read it",
        "not_a_duration": "has to be a number of minutes, hours or days",
        "not_a_day": "has to be a day",
        "out_of_range": "is too short or too long",
        "not_a_person": "isn't a person I can find. Type `@` and choose a name",
        "one_at_a_time": "can't be two people. Name one; nothing was done yet",
        "a_guest": "is a guest or from another workspace. Choose a member",
        "a_stranger": "is somebody from another workspace. Choose a member of yours",
        "a_bot": "is a bot. Choose a person",
        "a_group": "is a group. Name the people in it",
        "deactivated": "is a deactivated account. Choose somebody else",
        "order": "doesn't fit the other times",
        "same": "is this incident itself. Name the other one",
        "not_a_channel": "isn't a channel I can read. Type `#` and choose a name",
        "not_seen": "isn't one I can see. Type `/invite @Sitrep` there first",
        "in_use": "already belongs to another incident",
        "is_public": "is open to others, and this incident is private",
        "is_everybodys": "has everybody in it. Choose another",
        "is_archived": "is archived. Unarchive it first",
        "is_exposed": "can be read by people who may not see the incident",
        "is_announcements": "is where incidents are announced. Choose another",
        "not_allowed": "can't be used: the policy opens a new channel for each incident",
        "its_duplicate": "is itself a duplicate of this incident",
        "not_reached": "hasn't been reached yet",
        "not_a_choice": "isn't part of this drill",
        "author": "has to come from somebody else: you escalated this yourself",
        "for_you": "has to come from somebody else: they are called to help you",
        "nobody_behind_it": "has nobody to call in the policy",
        "not_in_drill": "isn't part of this drill, so I called nobody. Name the drill's mentor",
        "no_scenario": "isn't a drill with a scenario",
        "yourself": "can't be you",
    }
)
