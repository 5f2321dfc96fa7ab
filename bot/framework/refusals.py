"""The wording of refusals by the domain: what was refused, and what to do next."""

import re
from types import MappingProxyType

from bot.framework.slash_commands import reference_first
from bot.slack.blocks import ButtonElement, Message, actions, section
from bot.slack.ids import is_user_id
from bot.slack.mentions import code, date, escape, escape_line, mention, plain
from bot.slack.truncation import shorten
from incidents.core.errors import (
    AlreadySo,
    Busy,
    DomainError,
    EditClash,
    IncidentNotFound,
    IncidentOver,
    InformationMissing,
    InvalidInput,
    MayAgree,
    MayNotAnswer,
    NothingToUndo,
    NotPermitted,
    Superseded,
    TransitionRefused,
)
from incidents.core.ids import parse_reference

# An example repeats this much of the typed command, to show where the reference goes.
_LONGEST_EXAMPLE = 60

# Why the action came too late, by the key of `Superseded`.
_SUPERSEDED = MappingProxyType(
    {
        "command": "{by} has command now, so nothing was changed. Give them a minute; after that, "
        "`{slash} role commander me` asks them for it.",
        "drill": "This drill is over, so nothing was done. Its scorecard comes by direct message.",
        "role": "{by} has taken this role meanwhile, so nothing was changed.",
        "prompt": "This question is asked no longer, so nothing was changed.",
        "no_prompts": "I ask you nothing here, so there is nothing to switch off or on.",
        "handoff_accepted": "This handoff is over: {by} accepted it.",
        "handoff_declined": "This handoff is over: {by} declined it.",
        "handoff_agreed": "{by} has agreed already. I'm asking the next commander.",
        "handoff_pending": "{by} has already proposed a handoff; it's waiting for an answer. Urgent? "
        "Press *Take over…* on it, or send `{slash} takeover` with the reason.",
        "proposal": "This proposal isn't there any more. Start again from where you were.",
        "proposal_draft": "This wasn't asked for yet.",
        "proposal_pending": "This was asked for already. It waits for an answer, on its card.",
        "proposal_waiting": "Nobody has agreed to this yet, so nothing was done. It waits on its card.",
        "proposal_cleared": "This needs nobody's agreement: it may be carried out.",
        "proposal_approved": "{by} has approved this already. Nothing was changed.",
        "proposal_declined": "{by} has declined this, so nothing was done.",
        "proposal_abandoned": "{by} has abandoned this, so nothing was done.",
        "proposal_carried_out": "This was carried out already, says {by}.",
        "proposal_break_glass": "{by} goes ahead with this already (break-glass).",
        "proposal_expired": "This has ended: its time is over. `{slash} propose` asks again.",
        "proposal_incident_over": "This ended with the incident, so nothing was done. If it is still "
        "needed, `{slash} propose` asks again in an incident that is open.",
        "proposal_changed": "{by} has changed this proposal since. Look at its card again, then answer.",
        "proposal_redacted": "What was proposed here was redacted, so nobody can say what it was. "
        "`{slash} propose` asks again.",
        "objection_poll": "Nobody is asking for objections to this now. Say it in the channel.",
        "handoff_withdrawn": "This handoff is over: it was withdrawn. Command stayed where it was.",
        "escalation": "{by} is on it already, so nothing was changed. Nothing for you to do.",
        "escalation_taken": "Somebody is on it already, so nothing was changed.",
        "escalation_steps": "Nobody is left on this ladder who could be called now. "
        "`{slash} escalate @someone` calls somebody else.",
        "escalation_withdrawn": "This escalation was withdrawn, so nothing was done. "
        "`{slash} escalate` starts a new one.",
        "escalation_over": "The incident is over, and this escalation with it. Nothing was done.",
        "shadowing": "This is over already. `{slash} shadow list` shows what you follow.",
        "debrief": "This debrief isn't open to you.",
        "mentor_asked": "This question about a mentor isn't yours, or it's over. Nothing was changed.",
        "stage_in_command": "{by} is in command of an incident, so nothing was changed. Set the stage "
        "when that is over, or when somebody else has command.",
        "stage_now": "This can't be changed at the moment, so nothing was changed. Try again later.",
        "junior_roles": "They hold no role here any more, so there is nothing to take over.",
        "handover_accepted": "This on-call handoff is over: {by} accepted it.",
        "handover_withdrawn": "This on-call handoff was withdrawn, so nothing was done.",
    }
)

# What the person isn't allowed to do, by the action's key; each fits after "can".
_DEEDS = MappingProxyType(
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
        "snooze": "put the update off",
        "add_note": "add to the timeline",
        "withdraw_entry": "withdraw this from the timeline",
        "hide_entry": "hide this",
        "redact_entry": "destroy this text",
        "check_in": "answer or ask for this check-in",
        "export": "export the timeline",
        "use_channel": "choose the channel",
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
        "set_stage": "set somebody's stage or name their mentors",
        "sign_off": "sign this person off",
    }
)

# Who has a right, where the policy's key would puzzle people.
_HOLDERS = MappingProxyType(
    {
        "peer": "somebody who works solo everywhere",
        "solo": "somebody who works solo here",
        "senior": "a senior",
        "mentor": "a mentor of the person",
        "solo_mentor": "a mentor of the person who works solo there",
    }
)

# The names of refused values, where their keys would puzzle people.
_FIELDS = MappingProxyType(
    {
        "person": "That",
        "people": "That",
        "original": "The other incident",
        "next": "The time to the next update",
        "next_in": "The time to the next update",
        "duration": "The delay",
        "minutes": "The time box",
        "due_on": "The due date",
        "list": "That list",
        "owner": "The owner",
        "check": "That check",
        "action": "That action",
        "action_item": "That action item",
        "item": "That action item",
        "mentor": "The mentor",
        "drill": "This",
        "shadow": "That role or service",
        "next_person": "The next person on call",
        "note": "The note",
        "words": "The note",
        "word": "That",
        "target": "That",
        "step": "That step",
        "field": "That field",
        "escalation": "That escalation",
        "answer": "That answer",
    }
)


def say(text: str, *buttons: ButtonElement) -> Message:
    """Return a message of one section, with buttons below; the text is its own fallback."""
    return Message(text=text, blocks=(section(text), *((actions(*buttons),) if buttons else ())))


def refusal_message(error: DomainError, *, slash: str, typed: str = "") -> Message:
    """Return the domain's refusal as a message; `typed` is the text of a refused command."""
    return say(refusal_text(error, slash=slash, typed=typed))


def refusal_text(error: DomainError, *, slash: str, typed: str = "") -> str:
    """Return the refusal as text: nothing was changed, and what would help."""
    match error:
        case IncidentNotFound(reference=None):
            return _not_here(" ".join(plain(typed).split()), slash=slash)
        case IncidentNotFound(reference=reference):
            return f"There is no incident {escape(reference or '')}. `{slash} list` shows the open ones."
        case NotPermitted(action=action, needs=needs):
            return _not_permitted(action, needs, slash=slash)
        case MayNotAnswer() | MayAgree():
            return _answering(error, slash=slash)
        case TransitionRefused():
            return _transition(error, slash=slash)
        case InformationMissing(fields=fields):
            return f"Still needed first: {', '.join(_words(name) for name in fields)}."
        case InvalidInput(field=field, problem=problem, example=example):
            return invalid_text(field, problem, _whole_line(example, typed, slash=slash))
        case AlreadySo() | Superseded() | IncidentOver():
            return _as_it_is(error, slash=slash)
        case EditClash(fields=fields):
            listed = ", ".join(_words(name) for name in fields)
            return f"Somebody else changed this meanwhile ({listed}). Look again, then edit."
        case NothingToUndo():
            return "You have no note or mark of your own left to withdraw here."
        case Busy():
            return "Many people are changing this at once. Nothing was recorded; try again."
    return "This isn't possible now. Nothing was changed."


def _not_here(typed: str, *, slash: str) -> str:
    ready = reference_first(typed)
    if ready:
        line = code(f"{slash} {ready}")
        return f"An incident's number comes first, so nothing was done. To send: {line}"
    line = code(f"{slash} INC-12 {shorten(typed, _LONGEST_EXAMPLE) or 'show'}")
    return (
        f"This channel doesn't belong to an incident. Name one, for example {line}, or see "
        f"`{slash} list`."
    )


def _as_it_is(error: AlreadySo | Superseded | IncidentOver, *, slash: str) -> str:
    match error:
        case AlreadySo(what="the incident", detail="resolved" | "closed" as detail):
            return (
                f"The incident is already {escape(detail)}, so nothing was done. If it goes on, "
                f"`{slash} reopen` with the reason takes it up again."
            )
        case AlreadySo(what="incident", detail="private"):
            return (
                "Nothing to change: the incident is already private. To bring in somebody else: "
                f"`{slash} invite @someone`."
            )
        case AlreadySo(what="the incident", detail="cancelled") | IncidentOver(status="cancelled"):
            return (
                "The incident is cancelled and stays so, so nothing was done. If it goes on, "
                f"declare a new one with `{slash} declare`."
            )
        case AlreadySo(what=what, detail=detail):
            return f"Nothing to change: {_words(what)} is already {escape(detail) or 'so'}."
        case IncidentOver(status=status):
            return (
                f"The incident is {status}, so its roles stay as they were. Reopen it first: "
                f"`{slash} reopen` with the reason."
            )
        case Superseded(what=what, by=by) if what in _SUPERSEDED:
            return _SUPERSEDED[what].format(by=_person(by) or "Somebody", slash=slash)
    who = f" by {escape(error.by)}" if error.by else ""
    return f"This has changed meanwhile{who}, so nothing was done. Here is how it is now."


def _person(name: str) -> str:
    """Return a name, escaped; a user id becomes a mention, since we don't know the name yet."""
    return mention(name) if is_user_id(name) else escape_line(name)


def _words(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def _not_permitted(action: str, needs: str, *, slash: str) -> str:
    what = _DEEDS.get(action, _words(action))
    if needs == "member":
        return (
            f"Guests and people from other workspaces can't {what} here. "
            "Ask a member of the workspace to do it for you."
        )
    if action == "take_over" and "responder" in needs:
        return (
            "Only responders and seniors can take over command. Join the incident channel, or "
            f"take a role with `{slash} role`. Then *Take over…*, or `{slash} takeover` with the "
            "reason, works at once."
        )
    if "responder" in needs:
        return (
            f"Only responders can {what}: people with a role or in the incident channel. "
            f"Join the channel, or take a role with `{slash} role`."
        )
    who = " or ".join(_grantee(name) for name in needs.split(", "))
    if action == "sign_off":
        return (
            f"Only {who or 'nobody'} can {what}, so nothing was changed. Ask one of them; the person "
            f"sees with `{slash} progress` who they are."
        )
    if action == "set_stage":
        return (
            f"Only {who or 'nobody'} can {what}, so nothing was changed. Ask one of them; "
            f"`{slash} progress` shows who mentors you."
        )
    return f"Only {who or 'a member'} can {what}. Ask them in the incident channel."


def _answering(error: MayNotAnswer | MayAgree, *, slash: str) -> str:
    if isinstance(error, MayAgree):
        return (
            "You may agree to this yourself, so there is no glass to break: *Approve* on its card, or "
            f"`{slash} proposal {error.number} approve`. It is as quick. Nothing was done yet."
        )
    named = ", ".join(_person(name) for name in error.who)
    granted = " or ".join(_grantee(name) for name in error.needs.split(", ") if name)
    who = named or granted or "nobody, by the policy"
    if error.is_own:
        return f"You proposed this yourself, so somebody else has to decide: {who}. They are told."
    return f"Thank you, but this isn't yours to decide here. Who may: {who}."


def _grantee(name: str) -> str:
    """Return the holder of a right as text: a person, or a role or group by its key."""
    if name in _HOLDERS:
        return _HOLDERS[name]
    return _person(name) if is_user_id(name) else escape_line(name.replace("_", " "))


def _transition(error: TransitionRefused, *, slash: str) -> str:
    current = f"The incident is {error.current}{_since(error)}"
    if error.current == error.target:
        return f"The incident is already {error.current}{_since(error)}. Nothing was changed."
    if not error.possible:
        return f"{current} and stays so. If it goes on, declare a new one with `{slash} declare`."
    if error.target == "reopened":
        return f"{current}: it is open, so there is nothing to reopen."
    listed = ", ".join(error.possible)
    return f"{current}; it can't become {error.target}. Possible now: {listed}."


def _since(error: TransitionRefused) -> str:
    """Return who changed the status and when, for the person who came second."""
    if not error.by or error.at is None:
        return ""
    return f" ({escape_line(error.by)}, {date(error.at)})"


def _whole_line(example: str, typed: str, *, slash: str) -> str:
    """Return the example; if it begins with the typed verb, as the whole line to type."""
    before, words = slash, typed.split()
    if words and parse_reference(words[0]) is not None:
        before, words = f"{slash} {words[0].upper()}", words[1:]
    named, _, bare = example.partition(" ")
    shown = bare if parse_reference(named) is not None else example
    if shown.partition(" ")[0] not in {one.casefold() for one in words[:2]}:  # `update snooze`
        return example
    return f"`{before} {shown}`"


def invalid_text(field: str, problem: str, example: str) -> str:
    """Return what is wrong with a value, for a command's answer or a form's field."""
    known = {
        "empty": "is needed",
        "unknown": "isn't there",
        "future": "can't be in the future",
        "past": "can't be in the past",
        "too_long": "is too long",
        "not_a_time": "isn't clear: say how long ago it was, up to a year, or a day and a time of day",
        "needs_a_clock_time": "needs a time of day, too",
        "has_to_be_said": "is needed: the note seems to begin with a time, but it isn't clear",
        "not_a_duration": "has to be a number of minutes, hours or days",
        "not_a_day": "has to be a day",
        "out_of_range": "is too short or too long",
        "not_a_person": "isn't a person we can find; type `@` and choose a name",
        "one_at_a_time": "can't be two: name one at a time. Nothing was done yet",
        "a_guest": "is a guest or from another workspace; choose a member",
        "a_stranger": "is from another workspace; choose somebody of yours",
        "a_bot": "is a bot; choose a person",
        "a_group": "is a group; name the people in it",
        "deactivated": "is deactivated; choose somebody else",
        "order": "doesn't fit the other times",
        "same": "is this incident itself; name the other one",
        "not_a_channel": "isn't a channel we can read; type `#` and choose a name",
        "not_seen": "isn't one Sitrep can see; invite Sitrep there first with `/invite`",
        "in_use": "already belongs to another incident",
        "is_public": "is open to others, and this incident is private",
        "is_everybodys": "is the one that everybody is in; choose another",
        "is_archived": "is archived; bring it back first",
        "is_exposed": "can be read by people who may not see the incident",
        "is_announcements": "is where incidents are announced; choose another",
        "not_allowed": "can't be an existing one: the policy opens one for each incident",
        "its_duplicate": "is itself a duplicate of this incident",
        "not_reached": "hasn't been reached yet",
        "not_a_choice": "isn't there in this drill",
        "author": "comes from somebody else: you escalated this yourself",
        "for_you": "comes from somebody else: they are called to help you",
        "nobody_behind_it": "has nobody to call in the policy",
        "not_in_drill": "isn't part of this drill, so nobody was called; name its mentor instead",
        "no_scenario": "isn't a drill with a scenario",
        "yourself": "has to be somebody else",
    }.get(problem, problem)
    name = _FIELDS.get(field) or _words(field).capitalize()
    if problem == "unknown" and re.fullmatch(r"[\w.&' -]+(?:, [\w.&' -]+)+", example):
        return f"{name} has to be one of: {escape(example)}."
    text = f"{name} {known}."
    return f"{text} For example: {escape(example)}" if example else text
