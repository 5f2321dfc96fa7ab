"""The conversation of a mentor and a junior: its message, forwarded requests, *Take over*."""

import uuid
from dataclasses import replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.packet import packet_lines
from bot.framework.arguments import Arguments
from bot.framework.effect_context import Dropped
from bot.framework.feature import Feature
from bot.framework.live_messages import InChannel, LiveMessage, Showing, ToPeople
from bot.framework.phrases import about
from bot.framework.refusals import say
from bot.framework.requests import Request, Services
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.engine.unit_of_work import Outcome
from incidents.escalation.entries import Escalated, EscalationCompleted
from incidents.incident.payload import Payload, decode
from incidents.incident.views import EntryView, IncidentView, get_entry_view
from incidents.learning.effects import ForwardToMentor, ShowMentorConversation
from incidents.learning.mentoring import (
    FORWARDS,
    ConversationView,
    get_conversation_view,
    keep_channel,
    take_over_from_junior,
)
from incidents.policy.proposals import Need
from incidents.proposals.entries import ActionProposed, ProposalRevised
from incidents.registry.entries import ENTRY_TYPES


class OnConversation(Arguments, gone="junior_roles"):
    """The conversation between a mentor and a junior."""

    conversation_id: uuid.UUID


def taken_over(_: Request, outcome: Outcome) -> str:
    """Return the reply to the mentor who took over."""
    roles = ", ".join(mentions.escape_line(name) for name in outcome.data["roles"])
    junior = mentions.escape_line(outcome.data["junior"])
    return f"You're {roles} of {outcome.data['reference']} now. I've told {junior} and the channel."


# -- messages -------------------------------------------------------------------------------


def conversation_message(view: ConversationView) -> blocks.Message:
    """Return the pair's message: who does what, and *Take over* while the junior holds a role."""
    if view.incident is None:
        return say("This incident is handled privately now.")
    incident = view.incident
    junior, mentor = (
        mentions.mention(view.junior.external_id),
        mentions.mention(view.mentor.external_id),
    )
    state = f"{about(incident)}: {mentions.escape_line(incident.severity_name)}, {incident.status}."
    roles = ", ".join(mentions.escape_line(name) for name in view.junior_roles)
    if not incident.is_open:
        return say(f"{state} {junior}, {mentor}: a good moment to talk it through.")
    if not roles:
        return say(
            f"{state} {junior} has no role in it now. {mentor}, you two can still talk here."
        )
    text = (
        f"{state}\n{junior} is {roles}, and {mentor} mentors. Ask anything here: only you two read "
        f"it. I'll post {mentions.escape_line(view.junior.name)}'s escalations and proposals here, too. "
        f"{mentions.escape_line(view.mentor.name)} can press *Take over* at any time; I'll tell you both."
    )
    take = blocks.button("Take over", action_id="mentor_take_over", value=str(view.id))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(take)))


def forwarded_message(
    entry: EntryView, incident: IncidentView, view: ConversationView
) -> blocks.Message:
    """Return the junior's escalation or proposal, forwarded to the mentor."""
    junior, mentor = (
        mentions.escape_line(view.junior.name),
        mentions.mention(view.mentor.external_id),
    )
    asked = decode(entry.kind, entry.content, ENTRY_TYPES).payload
    head = f"{mentor}: {_deed(asked, view, junior)} {about(incident)}."
    lines = [head, *asked_lines(asked)]
    text = "\n".join(lines)
    body = [p for line in lines for p in blocks.paragraphs(line)]
    if view.junior_roles and incident.is_open:
        take = blocks.button("Take over", action_id="mentor_take_over", value=str(view.id))
        body.append(blocks.actions(take))
    return blocks.Message(text=text, blocks=tuple(body))


def _deed(asked: Payload, view: ConversationView, junior: str) -> str:
    match asked:
        case Escalated():
            to = "you" if asked.to == view.mentor.name else mentions.escape_line(asked.to)
            target = f" to {to}" if to else ""
            # An entry without an author was sent by the bot.
            is_own = asked.author is not None
            return (
                f"{junior} is escalating{target} in"
                if is_own
                else f"I'm escalating{target} for {junior} in"
            )
        case EscalationCompleted():
            return f"{junior} has completed the escalation in"
        case ProposalRevised():
            return f"{junior} has changed a proposal in"
        case ActionProposed(needs=Need.NOBODY):
            return f"{junior} proposes an action, which needs nobody's agreement, in"
    return f"{junior} proposes an action and asks for agreement in"


def asked_lines(asked: Payload) -> tuple[str, ...]:
    """Return the lines of the request: the packet's known fields, or the proposal's words."""
    match asked:
        case Escalated(packet=packet) | EscalationCompleted(packet=packet):
            return packet_lines(packet, None) or ("Nothing is filled in yet.",)
        case ActionProposed() | ProposalRevised():
            named = (
                ("What", asked.text),
                ("Class", asked.class_name),
                ("Risk", asked.risk),
                ("How to undo", asked.undo),
                ("How we'll know", asked.check),
            )
            return tuple(f"*{name}* {mentions.escape(text)}" for name, text in named if text)
    return ()


# -- effects --------------------------------------------------------------------------------


async def _look(
    session: AsyncSession, effect: ShowMentorConversation, services: Services
) -> Showing | Dropped:
    view = await get_conversation_view(
        session, effect.conversation_id, workspace_id=services.workspace.id
    )
    if not view.is_active:
        return Dropped("somebody of the two has left")
    two = (view.junior.external_id, view.mentor.external_id)
    is_hidden = view.channel_id is None and view.incident is None
    return Showing(
        conversation_message(view),
        ToPeople(two, unless="not theirs to see" if is_hidden else ""),
        on_shown=lambda channel_id: partial(
            keep_channel, conversation_id=view.id, channel_id=channel_id
        ),
    )


CONVERSATION = LiveMessage(
    effect=ShowMentorConversation,
    purpose="mentor_conversation",
    subject=lambda effect: effect.conversation_id,
    look=_look,
)


async def _look_at_forwarded(
    session: AsyncSession, effect: ForwardToMentor, services: Services
) -> Showing | Dropped:
    view = await get_conversation_view(
        session, effect.conversation_id, workspace_id=services.workspace.id
    )
    entry = await get_entry_view(session, effect.entry_id)
    if not view.is_active or entry.is_redacted:
        return Dropped("not to be forwarded")
    # Without a conversation, send it to the mentor.
    place = InChannel(view.channel_id) if view.channel_id else ToPeople((view.mentor.external_id,))
    if view.incident is None:
        return Showing(conversation_message(view), replace(place, unless="not to be forwarded"))
    return Showing(forwarded_message(entry, view.incident, view), place)


FORWARDED = LiveMessage(
    effect=ForwardToMentor,
    purpose=FORWARDS,
    subject=lambda effect: effect.entry_id,
    look=_look_at_forwarded,
)

FEATURE = Feature(
    name="mentoring",
    verbs=(
        Verb(
            OnConversation,
            buttons=("mentor_take_over",),
            use_case=take_over_from_junior,
            tell=taken_over,
        ),
    ),
    live_messages=(CONVERSATION, FORWARDED),
)
