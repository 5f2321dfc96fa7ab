"""Offers to ask for approval when an action needs it first; the listeners' wrapper calls this."""

import uuid
from dataclasses import replace
from functools import partial

from bot.framework.arguments import Arguments, OnIncident, to_metadata, to_value
from bot.framework.requests import Reply, Request, Say, ShowView
from bot.slack import blocks, mentions
from incidents.core.errors import DomainError, NeedsApproval, NotPermitted
from incidents.core.people import PersonKind
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
from incidents.proposals.ask import keep_draft

ASK_FORM = "proposal_ask_submit"

_FIRST = "This needs somebody's agreement first, so nothing was done yet."
_THEN = "Once somebody has agreed, you carry it out with one press. I'm asking them right away."


class OnProposal(Arguments, gone="proposal"):
    """A proposal, the version that the person saw, and their reason."""

    ref: IncidentRef
    proposal_id: uuid.UUID
    version: int | None = None
    reason: str = ""


class Proposing(OnIncident):
    """A new proposal, in words or for a command's action; with an id, a revision of that one."""

    action: str = ""
    text: str = ""
    risk: str = ""
    undo: str = ""
    check: str = ""
    class_key: str = ""
    proposal_id: uuid.UUID | None = None
    seen: int | None = None


async def offer_approval(request: Request, needed: NeedsApproval) -> Reply:
    """Store the person's action as a draft, and offer to ask for approval of exactly that."""
    services = request.services
    outcome = await services.transactions.run(
        partial(keep_draft, needed=needed),
        actor=request.actor,
        workspace_id=services.workspace.id,
    )
    if request.is_form:
        return ShowView(offer_form(outcome))
    return Say(offer_message(outcome))


def offer_proposal(
    request: Request, refused: DomainError, message: blocks.Message
) -> blocks.Message:
    """Return the refusal, with a button to propose the action if the policy gives it a class."""
    if not isinstance(refused, NotPermitted) or refused.incident_id is None or request.is_form:
        return message
    is_known = request.policy.proposals.class_of(refused.action) is not None
    if not is_known or request.actor.person_kind is not PersonKind.MEMBER:
        return message
    value = to_value(Proposing(ById(refused.incident_id), action=refused.action))
    propose = blocks.button("Propose it…", action_id="proposal_propose_open", value=value)
    return blocks.Message(text=message.text, blocks=(*message.blocks, blocks.actions(propose)))


def offer_message(outcome: Outcome) -> blocks.Message:
    """Return the offer as a message that only the person sees."""
    text = f"{_FIRST}\n*You wanted to* {_wanted(outcome)}\n{_THEN}"
    value = to_value(replace(_draft(outcome), version=1))
    buttons = (
        blocks.button("Ask for approval", action_id="proposal_ask", value=value, style="primary"),
        blocks.button("Break glass…", action_id="proposal_break_open", value=value, style="danger"),
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def offer_form(outcome: Outcome) -> blocks.View:
    """Return the offer as a form, to replace the submitted one."""
    return blocks.modal(
        "Somebody has to agree",
        blocks=[
            *blocks.paragraphs(f"{_FIRST}\n*You wanted to* {_wanted(outcome)}"),
            blocks.context(_THEN),
            blocks.text_input(
                "reason",
                label="Can't it wait? Break glass, with the reason",
                optional=True,
                max_length=1000,
                hint="Goes ahead now, without agreement, and tells everybody. Leave empty to ask.",
            ),
        ],
        callback_id=ASK_FORM,
        submit="Go on",
        private_metadata=to_metadata(_draft(outcome)),
    )


def _draft(outcome: Outcome) -> OnProposal:
    if outcome.incident_id is None:
        raise TypeError("a draft belongs to an incident")
    return OnProposal(ById(outcome.incident_id), uuid.UUID(outcome.data["proposal_id"]))


def _wanted(outcome: Outcome) -> str:
    text = mentions.escape(outcome.data["text"])
    return text[:1].lower() + text[1:]
