"""What is said of proposals as they go on: in the channel, and directly to those it concerns."""

import uuid
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.proposals.messages import (
    answer_buttons,
    break_button,
    done_button,
    status_line,
)
from bot.framework.entry_messages import Ending
from bot.framework.phrases import about, actor_of_entry, instant_of, named_in
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.policy.policy import COMMANDER
from incidents.proposals.tables import ProposalStatus
from incidents.proposals.views import get_proposal_view


def proposed_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that something was proposed."""
    return say(f"{actor_of_entry(entry)} proposes ({entry.text('number')}): {_text(entry)}")


def approved_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a proposal was agreed to."""
    return say(f"*{_name(entry)} approved* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}")


def approved_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return what whoever asked is told: agreed to, until when, and the button that goes on."""
    until = instant_of(entry.content.get("expires_at"))
    holds = f" It holds until {mentions.date(until, '{time}')}." if until else ""
    is_command = bool(entry.content.get("is_command"))
    now = "*Carry out* does it." if is_command else "Go ahead, then say what came of it."
    text = (
        f"{about(incident)}: {actor_of_entry(entry)} agrees to {_name(entry).lower()}. {now}{holds}\n"
        f"*What* {_text(entry)}{_why(entry)}"
    )
    button = done_button(_value(entry, incident), is_command=is_command)
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(button)))


def declined_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a proposal was declined, and why."""
    return say(f"*{_name(entry)} declined* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}")


def lapsed_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that an agreement no longer counts."""
    text = (
        f"*{_name(entry)} waits for an answer again*: whoever approved it no longer can. "
        f"Nothing was carried out. {_text(entry)}"
    )
    return _answerable(text, entry, incident)


def unanswered_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that a proposal still waits, more loudly each time."""
    minutes = max(int(entry.content.get("minutes") or 0), 1)
    waited = "1 minute" if minutes == 1 else f"{minutes} minutes"
    match entry.text("step"):
        case "1" | "2":
            text = (
                f"*{_name(entry)}* has waited {waited} for an answer: {_text(entry)}\nWho agrees?"
            )
        case _:
            # Nobody decides on their own proposal: the commander's is for others.
            commanders = [mentions.mention(p.external_id) for p in incident.holders(COMMANDER)]
            asking = named_in(entry, "requester")
            lead = ", ".join(one for one in commanders if one != asking)
            text = (
                f"*Nobody has answered {_name(entry).lower()} for {waited}: it is "
                f"not approved.*\n*What* {_text(entry)}\n{lead or 'Whoever can decide'}: please decide now. "
                "If it can't wait, *Break glass* goes ahead with a reason, and tells everybody."
            )
    message = _answerable(text, entry, incident)
    if entry.text("step") in {"1", "2"}:
        return message
    buttons = (*answer_buttons(_value(entry, incident)), break_button(_value(entry, incident)))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def unanswered_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question put again to those who may agree."""
    requester = named_in(entry, "requester")
    minutes = max(int(entry.content.get("minutes") or 0), 1)
    text = (
        f"{about(incident)}: {requester} has waited {minutes} min for an answer to "
        f"{_name(entry).lower()}: {_text(entry)}\nA *no* with its reason helps, too."
    )
    return _answerable(text, entry, incident)


def expired_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a proposal ended by itself."""
    if entry.content.get("is_incident_over"):
        why = "the incident is over"
    elif entry.content.get("was_answered"):
        why = "it wasn't carried out in time"
    else:
        why = "nobody answered, so it is not approved"
    return say(f"*{_name(entry)} has ended*: {why}.\n*What* {_text(entry)}")


def broken_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return, loudly, that somebody goes ahead without agreement."""
    text = (
        f"*Break-glass: {actor_of_entry(entry)} goes ahead without approval.*\n"
        f"{_name(entry)}: {_text(entry)}\n*Reason* {mentions.escape(entry.text('reason'))}"
    )
    return blocks.Message(
        text=text, blocks=(blocks.header("Break-glass"), *blocks.paragraphs(text))
    )


def result_asked_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that somebody was asked what came of a proposal."""
    person = named_in(entry, "person")
    return say(f"{person} is asked what came of {_name(entry).lower()}: {_text(entry)}")


def result_asked_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question to whoever went ahead without approval, with the ways to answer it."""
    text = (
        f"{about(incident)}: you went ahead with {_name(entry).lower()} without approval: "
        f"{_text(entry)}\nWhat came of it? *Carried out…* puts it on the record, *Abandon…* if "
        "it wasn't done after all. I ask only once."
    )
    value = _value(entry, incident)
    buttons = (
        done_button(value, is_command=False),
        blocks.button("Abandon…", action_id="proposal_abandon_open", value=value),
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def carried_out_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a proposal was carried out, with its result."""
    result = mentions.escape(entry.text("result"))
    said = f"\n*Result* {result}" if result else ""
    return say(f"*{_name(entry)} carried out*, says {actor_of_entry(entry)}: {_text(entry)}{said}")


def abandoned_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a proposal was given up, and why."""
    return say(
        f"*{_name(entry)} abandoned* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}"
    )


def asked_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question for strong objections."""
    until = instant_of(entry.content.get("until")) or entry.occurred_at
    text = (
        f"*Any strong objections to {_name(entry).lower()}?*\n*What* {_text(entry)}\n"
        f"{actor_of_entry(entry)} decides after {mentions.date(until, '{time_secs}')}. Silence is consent."
    )
    button = blocks.button(
        "Object…", action_id="proposal_object_open", value=_value(entry, incident)
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(button)))


def objected_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return an objection with its reason."""
    reason = mentions.escape(entry.text("reason"))
    return say(f"*Objection* by {actor_of_entry(entry)} to {_name(entry).lower()}: {reason}")


def poll_ended_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return what the question for objections came to."""
    people = entry.content.get("people") or []
    names = ", ".join(mentions.escape_line(str(one.get("name", ""))) for one in people)
    lead = (
        ", ".join(mentions.mention(p.external_id) for p in incident.holders(COMMANDER))
        or "The commander"
    )
    if not names:
        return say(f"No strong objections to {_name(entry).lower()}. {lead} decides.")
    return say(f"Strong objections to {_name(entry).lower()} by {names}. {lead} decides.")


def directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return what a direct message says of an entry that the channel hears in the same words."""
    renderers = {
        "proposal_declined": declined_entry,
        "proposal_expired": expired_entry,
        "approval_lapsed": lapsed_entry,
        "proposal_carried_out": carried_out_entry,
        "proposal_abandoned": abandoned_entry,
        "objection_raised": objected_entry,
        "break_glass": broken_entry,
    }
    return say(f"{about(incident)}: {renderers[entry.kind](entry, incident).text}")


# -- how it ended -----------------------------------------------------------------------------

# While the proposal stands so, the buttons of the message do something.
_ASKED_WHILE = MappingProxyType(
    {
        EntryKind.PROPOSAL_UNANSWERED: ProposalStatus.PENDING,
        EntryKind.APPROVAL_LAPSED: ProposalStatus.PENDING,
        EntryKind.PROPOSAL_APPROVED: ProposalStatus.APPROVED,
        EntryKind.RESULT_ASKED: ProposalStatus.BREAK_GLASS,
    }
)


async def proposal_ending(
    session: AsyncSession, entry: EntryView, _incident: IncidentView
) -> Ending | None:
    """Return how the proposal stands once it isn't asked for any more."""
    proposal = await get_proposal_view(session, uuid.UUID(entry.text("proposal_id")))
    if str(proposal.version) != entry.text("version"):
        return Ending(f"It was changed since: version {proposal.version} is on the card.")
    if proposal.status is _ASKED_WHILE.get(EntryKind(entry.kind)):
        return None
    return Ending(status_line(proposal), is_final=not proposal.is_live)


async def poll_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who objected once the time for objections is over."""
    later = await find_next_entry(session, entry, incident, EntryKind.OBJECTIONS_ENDED)
    if later is not None and later.text("poll_id") == entry.text("poll_id"):
        people = later.content.get("people") or []
        names = ", ".join(mentions.escape_line(str(one.get("name", ""))) for one in people)
        return Ending(f"Strong objections by {names}." if names else "No strong objections.")
    proposal = await get_proposal_view(session, uuid.UUID(entry.text("proposal_id")))
    return None if proposal.is_live else Ending(status_line(proposal))


def _answerable(text: str, entry: EntryView, incident: IncidentView) -> blocks.Message:
    buttons = answer_buttons(_value(entry, incident))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def _value(entry: EntryView, incident: IncidentView) -> str:
    return f"{incident.id}|{entry.text('proposal_id')}|{entry.text('version')}"


def _name(entry: EntryView) -> str:
    return f"Proposal {entry.text('number')}"


def _text(entry: EntryView) -> str:
    said = mentions.escape(entry.text("text"))
    return said if said.endswith((".", "!", "?", "…")) or not said else f"{said}."


def _why(entry: EntryView) -> str:
    reason = mentions.escape(entry.text("reason"))
    return f"\n*Reason* {reason}" if reason else ""
