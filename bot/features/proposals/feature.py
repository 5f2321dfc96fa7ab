"""Proposals in Slack: `propose`, `proposal`, and the card's buttons and forms."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from bot.features.proposals import entries, forms, messages
from bot.features.proposals.card import PROPOSAL, refresh_of_entry
from bot.framework.arguments import Words
from bot.framework.entry_messages import ends, shown, told_directly
from bot.framework.feature import Feature
from bot.framework.proposal_offer import ASK_FORM, OnProposal, Proposing
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Flag, Repeat, split_first
from bot.framework.verbs import AskFirst, Form, Verb, as_typed, view_for_form
from bot.slack import mentions
from incidents.core.errors import InvalidInput, Superseded
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action
from incidents.policy.proposals import Need
from incidents.proposals.answers import approve, break_glass, decline
from incidents.proposals.ask import ask_for_draft, propose, revise
from incidents.proposals.carry_out import abandon, carry_out
from incidents.proposals.effects import RefreshProposalOfEntry
from incidents.proposals.entries import (
    ApprovalLapsed,
    BreakGlass,
    ObjectionRaised,
    ObjectionsAsked,
    ObjectionsEnded,
    ProposalAbandoned,
    ProposalApproved,
    ProposalCarriedOut,
    ProposalDeclined,
    ProposalExpired,
    ProposalUnanswered,
    ResultAsked,
)
from incidents.proposals.objections import ask_objections, object_to
from incidents.proposals.tables import LIVE, Proposal, ProposalWords, proposals_of
from incidents.proposals.views import ProposalView, get_proposal_view
from incidents.registry.guarded_commands import PERFORMERS, command_text

_EXAMPLE = "propose Restart checkout risk: carts are lost undo: none needed --class change"
_NUMBER = re.compile(r"[0-9]{1,6}")
_LABELS = re.compile(r"(?:^|(?<=\s))(risk|undo|check):\s*", re.IGNORECASE)

# The verbs that a refusal lists, without their aliases.
_SHOWN_VERBS = ("approve", "decline", "objections", "object", "done", "abandon", "break-glass")


# -- proposing --------------------------------------------------------------------------------


def typed_proposal(request: Request) -> Proposing | AskFirst[Proposing]:
    """Parse `propose what to do --class change`; without text or class, open the form."""
    words = split_words(mentions.plain(request.words.text))
    given = Proposing(
        request.incident_ref(),
        text=words.text,
        risk=words.risk,
        undo=words.undo,
        check=words.check,
        class_key=request.words.flags.get("class", ""),
    )
    chosen = request.policy.proposals.find_class(given.class_key)
    is_asked = chosen is not None and chosen.needs is not Need.NOBODY
    is_whole = given.text and given.class_key and not (is_asked and not (given.risk and given.undo))
    return given if is_whole else AskFirst(given)


async def open_proposal(request: Request, given: Proposing) -> Form[Proposing]:
    """Return the form, prefilled from typed words, a refused command, or an existing proposal."""
    proposals = request.policy.proposals
    if given.proposal_id is not None:
        view, proposal = await _views(request, given.ref, given.proposal_id)
        form = forms.revise_form(view, proposal, proposals)
        return Form(form, replace(given, ref=ById(view.id), seen=proposal.version))
    view = await view_for_form(request, given.ref, action=Action.PROPOSE)
    words, class_key = words_of(given), given.class_key
    if given.action in PERFORMERS:
        # The person fills in the parts that aren't known yet.
        text = command_text(given.action, {"severity_name": "…", "original": "…"})
        chosen = proposals.class_of(given.action)
        words, class_key = ProposalWords(text=text), chosen.key if chosen is not None else ""
    form = forms.propose_form(view, proposals, words=words, class_key=class_key)
    return Form(form, Proposing(ById(view.id)))


async def put(uow: UnitOfWork, given: Proposing) -> Outcome:
    """Make a new proposal, or change an existing one."""
    words, class_key = words_of(given), given.class_key
    if given.proposal_id is None:
        return await propose(uow, given.ref, words=words, class_key=class_key)
    return await revise(
        uow,
        given.ref,
        proposal_id=given.proposal_id,
        words=words,
        class_key=class_key,
        version=given.seen,
    )


def words_of(given: Proposing) -> ProposalWords:
    """Return the four texts of the proposal."""
    return ProposalWords(text=given.text, risk=given.risk, undo=given.undo, check=given.check)


def split_words(text: str) -> ProposalWords:
    """Split one typed text into a proposal's parts at `risk:`, `undo:` and `check:`."""
    first, *rest = _LABELS.split(text)
    found = {label.lower(): part for label, part in zip(rest[::2], rest[1::2], strict=True)}
    trimmed = {name: part.strip().rstrip(",;|").strip() for name, part in found.items()}
    return ProposalWords(text=first.strip().rstrip(",;|").strip(), **trimmed)


# -- answering ----------------------------------------------------------------------------------


async def ask_or_break(uow: UnitOfWork, given: OnProposal) -> Outcome:
    """Ask for approval of the stored command; with a reason, break glass instead."""
    if not given.reason:
        return await ask_for_draft(uow, given.ref, proposal_id=given.proposal_id)
    return await break_glass(uow, given.ref, proposal_id=given.proposal_id, reason=given.reason)


async def carry_out_with(uow: UnitOfWork, given: OnProposal) -> Outcome:
    """Carry out the command, or record that the step was carried out and its result."""
    return await carry_out(
        uow,
        given.ref,
        proposal_id=given.proposal_id,
        result=given.reason,
        version=given.version,
    )


async def proposal(request: Request, given: Words) -> Reply:
    """Show or answer a proposal: `/incident proposal [2] [approve|decline|…] [words]`."""
    slash = request.policy.command
    view = await view_for_form(request, given.ref, action=Action.VIEW)
    async with request.services.database.reading() as session:
        all_of_them = await proposals_of(session, view.id)
        number, word, words = _number_and_verb(given.text, all_of_them)
        waiting = [one for one in all_of_them if one.status in LIVE]
        meant = waiting if number is None else [a for a in all_of_them if a.number == number]
        shown = await get_proposal_view(session, meant[0].id) if meant else None
    if shown is None:
        what = f"There is no proposal {number}" if number else "No proposal is waiting"
        return Say(say(f"{what} in {view.reference}. Make one: `{slash} propose`"))
    if not word:
        return Say(messages.proposal_card(shown, view, is_direct=True, is_copy=False))
    verb = _VERBS.get(word.casefold())
    if verb is None:
        raise InvalidInput("answer", "unknown", ", ".join(_SHOWN_VERBS), word)
    if len(meant) > 1:
        # Never guess which risky step somebody means to approve.
        numbers = ", ".join(str(one.number) for one in meant)
        which = f"Say which: `{slash} proposal {shown.number} {word.casefold()}`"
        return Say(say(f"Several proposals are waiting ({numbers}), so nothing was done. {which}"))
    answer = OnProposal(ById(view.id), shown.id, reason=mentions.plain(words))
    return await verb.carry_out(request, answer)


def _number_and_verb(text: str, known: Sequence[Proposal]) -> tuple[int | None, str, str]:
    """Return the number, the verb and the words after them; the number may come before or after.

    After the verb, a number counts only if a proposal has it: a reason may start with one, too.
    """
    first, rest = split_first(text)
    second, after = split_first(rest)
    if _NUMBER.fullmatch(first):
        return int(first), second, after
    if _NUMBER.fullmatch(second) and int(second) in {one.number for one in known}:
        return int(second), first, after
    return None, first, rest


def told(request: Request, outcome: Outcome) -> str:
    """Return the reply after a step: the result, and what comes next."""
    return messages.outcome_text(outcome, slash=request.policy.command)


def told_what_differs(request: Request, outcome: Outcome) -> str | None:
    """Return the reply after a step; to a form or press, only if it isn't the one asked for.

    The card shows the expected outcome.
    """
    is_as_asked = not outcome.kind.startswith("proposal_") and not outcome.is_repeat
    return None if request.is_press and is_as_asked else told(request, outcome)


def put_told(request: Request, outcome: Outcome) -> Say:
    """Return the reply to the author; a command needs none if the card asks somebody."""
    is_asked = outcome.kind == "proposed" and bool(outcome.data.get("told"))
    return Say(say(told(request, outcome)), is_needed=not is_asked)


async def _views(
    request: Request, ref: IncidentRef, proposal_id: uuid.UUID
) -> tuple[IncidentView, ProposalView]:
    view = await view_for_form(request, ref, action=Action.PROPOSE)
    async with request.services.database.reading() as session:
        proposal = await get_proposal_view(session, proposal_id)
    if proposal.incident_id != view.id:
        raise Superseded("proposal")
    return view, proposal


_DIRECT = (
    ProposalDeclined,
    ProposalExpired,
    ApprovalLapsed,
    ProposalCarriedOut,
    ProposalAbandoned,
    ObjectionRaised,
    BreakGlass,
)

PROPOSE = Verb(
    Proposing,
    usage="propose what to do [risk: …] [undo: …] [check: …] [--class change]",
    summary="Ask for agreement to a risky step; without a class, opens the form.",
    flags=(Flag("class", "How risky it is, as the policy names it.", metavar="change"),),
    examples=(
        _EXAMPLE,
        "propose Roll back risk: carts are lost undo: redeploy --class change",
    ),
    repeat=Repeat.WORDS,
    typed=typed_proposal,
    form="proposal_propose_submit",
    opened_by=("proposal_propose_open",),
    open=open_proposal,
    read=lambda request, given: replace(given, class_key=request.form.choice("class") or ""),
    do=put,
    tell=put_told,
    is_echoed=True,
)
APPROVE = Verb(OnProposal, buttons=("proposal_approve",), use_case=approve, tell=told_what_differs)
DECLINE = Verb(
    OnProposal,
    form="proposal_decline_submit",
    opened_by=("proposal_decline_open",),
    show=lambda _, view, __: forms.answer_form(view, forms.DECLINE),
    use_case=decline,
    tell=told_what_differs,
)
OBJECT = Verb(
    OnProposal,
    form="proposal_object_submit",
    opened_by=("proposal_object_open",),
    show=lambda _, view, __: forms.answer_form(view, forms.OBJECT),
    use_case=object_to,
    tell=told_what_differs,
)
OBJECTIONS = Verb(
    OnProposal,
    buttons=("proposal_objections",),
    use_case=ask_objections,
    tell=told_what_differs,
)
CARRY_OUT = Verb(
    OnProposal,
    buttons=("proposal_carry_out",),
    form="proposal_carried_out_submit",
    opened_by=("proposal_carried_out_open",),
    show=lambda _, view, __: forms.answer_form(view, forms.CARRIED_OUT),
    do=carry_out_with,
    tell=told_what_differs,
)
ABANDON = Verb(
    OnProposal,
    form="proposal_abandon_submit",
    opened_by=("proposal_abandon_open",),
    show=lambda _, view, __: forms.answer_form(view, forms.ABANDON),
    use_case=abandon,
    tell=told_what_differs,
)
BREAK_GLASS = Verb(
    OnProposal,
    form="proposal_break_submit",
    opened_by=("proposal_break_open",),
    show=lambda _, view, __: forms.answer_form(view, forms.BREAK_GLASS),
    use_case=break_glass,
    tell=told_what_differs,
)

_VERBS: dict[str, Verb[OnProposal]] = {
    "approve": APPROVE,
    "decline": DECLINE,
    "object": OBJECT,
    "objections": OBJECTIONS,
    "carried-out": CARRY_OUT,
    "carried_out": CARRY_OUT,
    "carry-out": CARRY_OUT,
    "done": CARRY_OUT,
    "abandon": ABANDON,
    "break-glass": BREAK_GLASS,
    "break_glass": BREAK_GLASS,
}

_PLAIN = r"approve|decline|abandon|carried[-_]out|carry-out|break[-_]glass"
_ANY = rf"(?:{_PLAIN}|objections|object|done)(?=\s|$)"
# An answer alone, with its number, or after it. `propose approve the failover` may be a step.
_ANSWERED = rf"(?P<rest>(?:\d+\s+)?{_ANY}|{_ANY}\s+\d+|\d+(?:\s+(?:{_PLAIN})(?=\s).*)?)|list"
_PERHAPS_ANSWERED = rf"(?:\d+\s+)?{_ANY}.*"

FEATURE = Feature(
    name="proposals",
    verbs=(
        PROPOSE,
        Verb(
            Words,
            usage="proposal [2] [approve|decline|objections|object|done|abandon|break-glass] [words]",
            family="propose",
            when=_ANSWERED,
            doubt=_PERHAPS_ANSWERED,
            inside="propose [2] approve|decline|objections|object|done|abandon|break-glass [words]",
            summary="Show a proposal, answer it, or report its result.",
            aliases=("proposals",),
            examples=("proposal 2 decline It loses the carts in progress",),
            typed=as_typed,
            perform=proposal,
        ),
        Verb(
            OnProposal,
            buttons=("proposal_revise_open",),
            perform=lambda request, given: PROPOSE.ask(
                request, Proposing(given.ref, proposal_id=given.proposal_id)
            ),
        ),
        Verb(OnProposal, buttons=("proposal_ask",), form=ASK_FORM, do=ask_or_break, tell=told),
        APPROVE,
        DECLINE,
        OBJECT,
        OBJECTIONS,
        CARRY_OUT,
        ABANDON,
        BREAK_GLASS,
    ),
    effects={RefreshProposalOfEntry: refresh_of_entry},
    live_messages=(PROPOSAL,),
    entries=(
        shown(ProposalApproved, entries.approved_entry),
        *(
            shown(one, entries.ended_entry)
            for one in (ProposalDeclined, ProposalExpired, ProposalCarriedOut, ProposalAbandoned)
        ),
        shown(ApprovalLapsed, entries.lapsed_entry),
        shown(ProposalUnanswered, entries.unanswered_entry),
        shown(BreakGlass, entries.broken_entry),
        shown(ObjectionsAsked, entries.asked_entry),
        shown(ObjectionsEnded, entries.poll_ended_entry),
    ),
    direct_entries=(
        shown(ProposalApproved, entries.approved_directly),
        shown(ProposalUnanswered, entries.unanswered_directly),
        shown(ResultAsked, entries.result_asked_directly),
        *((one.kind, told_directly) for one in _DIRECT),
    ),
    endings=(
        ends(ProposalApproved, entries.proposal_ending),
        ends(ProposalUnanswered, entries.proposal_ending),
        ends(ApprovalLapsed, entries.proposal_ending),
        ends(ResultAsked, entries.proposal_ending),
        ends(ObjectionsAsked, entries.poll_ending),
    ),
)
