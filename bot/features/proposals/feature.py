"""Proposals in Slack: `propose` and `proposal`, one card kept current, its buttons and forms."""

import re
import uuid
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from bot.features.proposals import entries, forms, messages
from bot.features.proposals.card import PROPOSAL, refresh_of_entry
from bot.framework.feature import Command, Feature, Flag
from bot.framework.incident_forms import view_for_form
from bot.framework.proposal_offer import ASK_FORM
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request, incident_by_id, split_first
from bot.slack import mentions
from incidents.core.errors import InvalidInput, Superseded
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action
from incidents.proposals.answers import approve, break_glass, decline
from incidents.proposals.ask import ask_for_draft, propose, revise
from incidents.proposals.carry_out import abandon, carry_out
from incidents.proposals.effects import RefreshProposalOfEntry
from incidents.proposals.objections import ask_objections, object_to
from incidents.proposals.tables import LIVE, Proposal, ProposalWords, proposals_of
from incidents.proposals.views import ProposalView, get_proposal_view
from incidents.registry.guarded_commands import PERFORMERS, command_text

Verb = Callable[..., Coroutine[Any, Any, Outcome]]

_EXAMPLE = "propose Restart checkout in eu-west --class change"
_NUMBER = re.compile(r"[0-9]{1,6}")
_LABELS = re.compile(r"(?:^|(?<=\s))(risk|undo|check):\s*", re.IGNORECASE)

# The verb, and the name under which its use case takes the words after it (None: it takes none).
_VERBS: dict[str, tuple[Verb, str | None]] = {
    "approve": (approve, "reason"),
    "decline": (decline, "reason"),
    "object": (object_to, "reason"),
    "objections": (ask_objections, None),
    "carried-out": (carry_out, "result"),
    "carried_out": (carry_out, "result"),
    "carry-out": (carry_out, "result"),
    "done": (carry_out, "result"),
    "abandon": (abandon, "reason"),
    "break-glass": (break_glass, "reason"),
    "break_glass": (break_glass, "reason"),
}

# As help and refusals name them, each once.
_SHOWN_VERBS = ("approve", "decline", "objections", "object", "done", "abandon", "break-glass")

# Which answer each button's form is for.
_OPENED_BY = {
    "proposal_decline_open": "decline",
    "proposal_object_open": "object",
    "proposal_carried_out_open": "carried_out",
    "proposal_abandon_open": "abandon",
    "proposal_break_open": "break_glass",
}


# -- proposing --------------------------------------------------------------------------------


async def propose_command(request: Request) -> Reply:
    """Propose at once with `--class`; without, open the form with the words filled in."""
    words = split_words(mentions.plain(request.words.text))
    given = request.words.flags.get("class")
    ref = request.incident_ref()
    if given is None or not words.text:
        return await _open_propose(request, ref, words=words)
    outcome = await request.transact(partial(propose, ref=ref, words=words, class_key=given))
    return _told(request, outcome)


async def open_propose_form(request: Request) -> Reply:
    """Open the form from a button; where a command was refused, with what it would have done."""
    ref, (_, _, action) = request.incident_of_value(), request.value.partition("|")
    if action not in PERFORMERS:
        return await _open_propose(request, ref, words=ProposalWords(text=""))
    # What wasn't said yet is left for the person to fill in.
    text = command_text(action, {"severity_name": "…", "original": "…"})
    chosen = request.policy.proposals.class_of(action)
    key = chosen.key if chosen is not None else ""
    return await _open_propose(request, ref, words=ProposalWords(text=text), class_key=key)


async def _open_propose(
    request: Request, ref: IncidentRef, *, words: ProposalWords, class_key: str = ""
) -> Reply:
    view, proposals = (
        await view_for_form(request, ref, action=Action.PROPOSE),
        request.policy.proposals,
    )
    await request.open_view(forms.propose_form(view, proposals, words=words, class_key=class_key))
    return None


async def open_revise_form(request: Request) -> Reply:
    """Open the form that changes one's own proposal."""
    ref, proposal_id, _ = _parts(request.value)
    view, proposal = await _views(request, ref, proposal_id)
    await request.open_view(forms.revise_form(view, proposal, request.policy.proposals))
    return None


async def propose_submitted(request: Request) -> Reply:
    """Propose, or propose anew, from the form; what can't be taken is said in its field."""
    ref, form = request.incident_of_metadata(), request.form
    words, chosen = forms.read_words(form), form.choice("class") or ""
    use_case: UseCase = partial(propose, ref=ref, words=words, class_key=chosen)
    if request.metadata.get("proposal_id"):
        use_case = partial(
            revise,
            ref=ref,
            proposal_id=uuid.UUID(str(request.metadata["proposal_id"])),
            words=words,
            class_key=chosen,
            version=int(request.metadata.get("version") or 0) or None,
        )
    try:
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return _told(request, outcome)


def split_words(text: str) -> ProposalWords:
    """Return the proposal typed as one text, in which `risk:`, `undo:` and `check:` may begin parts."""
    first, *rest = _LABELS.split(text)
    found = {label.lower(): part for label, part in zip(rest[::2], rest[1::2], strict=True)}
    trimmed = {name: part.strip().rstrip(",;|").strip() for name, part in found.items()}
    return ProposalWords(text=first.strip().rstrip(",;|").strip(), **trimmed)


# -- asking for a command -----------------------------------------------------------------------


async def ask_pressed(request: Request) -> Reply:
    """Ask for agreement to the command that was kept."""
    ref, proposal_id, _ = _parts(request.value)
    use_case = partial(ask_for_draft, ref=ref, proposal_id=proposal_id)
    return _told(request, await request.transact(use_case))


async def ask_submitted(request: Request) -> Reply:
    """Ask for agreement to what a form wanted; with a reason, go ahead without."""
    ref = request.incident_of_metadata()
    proposal_id = uuid.UUID(str(request.metadata["proposal_id"]))
    reason = request.form.text("reason")
    use_case: UseCase = partial(ask_for_draft, ref=ref, proposal_id=proposal_id)
    if reason:
        use_case = partial(break_glass, ref=ref, proposal_id=proposal_id, reason=reason)
    return _told(request, await request.transact(use_case))


# -- answering ----------------------------------------------------------------------------------


async def proposal_command(request: Request) -> Reply:
    """Show or answer a proposal: `/incident proposal [2] [approve|decline|…] [words]`."""
    slash = request.policy.command
    view = await view_for_form(request, request.incident_ref(), action=Action.VIEW)
    async with request.services.database.reading() as session:
        all_of_them = await proposals_of(session, view.id)
        number, word, words = _number_and_verb(request.words.text, all_of_them)
        waiting = [one for one in all_of_them if one.status in LIVE]
        meant = waiting if number is None else [a for a in all_of_them if a.number == number]
        proposal = await get_proposal_view(session, meant[0].id) if meant else None
    if proposal is None:
        what = f"There is no proposal {number}" if number else "No proposal is waiting"
        return Say(say(f"{what} in {view.reference}. `{slash} propose` makes one."))
    if not word:
        return Say(messages.proposal_card(proposal, view, is_direct=True))
    verb = _VERBS.get(word.casefold())
    if verb is None:
        known = ", ".join(_SHOWN_VERBS)
        raise InvalidInput("word", f"isn't one of {known}", f"proposal {proposal.number} approve")
    if len(meant) > 1:
        # A risky step mustn't be agreed to by a guess at which one was meant.
        numbers = ", ".join(str(one.number) for one in meant)
        which = f"Say which, as in `{slash} proposal {proposal.number} {word.casefold()}`."
        return Say(say(f"Several proposals wait ({numbers}), so nothing was done. {which}"))
    use_case, named = verb
    given = {named: mentions.plain(words)} if named else {}
    done = partial(use_case, ref=ById(view.id), proposal_id=proposal.id, **given)
    return _told(request, await request.transact(done))


def _number_and_verb(text: str, known: Sequence[Proposal]) -> tuple[int | None, str, str]:
    """Return the number, the verb and the words after them; the number before the verb or after.

    After it, where words may follow that begin with one, it is a number if there is such a proposal.
    """
    first, rest = split_first(text)
    second, after = split_first(rest)
    if _NUMBER.fullmatch(first):
        return int(first), second, after
    if _NUMBER.fullmatch(second) and int(second) in {one.number for one in known}:
        return int(second), first, after
    return None, first, rest


async def approve_pressed(request: Request) -> Reply:
    """Agree."""
    return await _press(request, approve)


async def carry_out_pressed(request: Request) -> Reply:
    """Let the bot carry out the command that was agreed to."""
    return await _press(request, carry_out)


async def objections_pressed(request: Request) -> Reply:
    """Ask everybody for strong objections."""
    ref, proposal_id, _ = _parts(request.value)
    use_case = partial(ask_objections, ref=ref, proposal_id=proposal_id)
    return _told(request, await request.transact(use_case))


async def _press(request: Request, verb: Verb) -> Reply:
    ref, proposal_id, version = _parts(request.value)
    use_case = partial(verb, ref=ref, proposal_id=proposal_id, version=version)
    return _told(request, await request.transact(use_case))


async def open_answer_form(request: Request) -> Reply:
    """Open the form for an answer in words; the pressed button says which."""
    verb = _OPENED_BY[str(request.action.get("action_id"))]
    ref, _, _ = _parts(request.value)
    view = await view_for_form(request, ref, action=Action.VIEW)
    title = f"{view.reference} {view.title}"
    await request.open_view(forms.answer_form(verb, title=title, value=request.value))
    return None


async def answer_submitted(request: Request) -> Reply:
    """Answer in words, from the form."""
    ref, proposal_id, version = _parts(str(request.metadata.get("value", "")))
    verb, named = _VERBS.get(str(request.metadata.get("verb", "")), (decline, "reason"))
    given: dict[str, Any] = {named: request.form.text("reason")} if named else {}
    if verb is not object_to:
        given["version"] = version
    use_case = partial(verb, ref=ref, proposal_id=proposal_id, **given)
    try:
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        if error.field != "reason":
            raise
        return FieldErrors({"reason": invalid_text(error.field, error.problem, error.example)})
    # What differs from what was asked is said; the rest is seen on the card.
    return _told(request, outcome) if outcome.kind.startswith("proposal_") else None


def _told(request: Request, outcome: Outcome) -> Reply:
    return Say(say(messages.outcome_text(outcome, slash=request.policy.command)))


def _parts(value: str) -> tuple[ById, uuid.UUID, int | None]:
    """Return incident, proposal and version of a value `incident|proposal|version`."""
    incident_id, proposal_id, version, *_ = [*value.split("|"), "", ""]
    ref = incident_by_id(incident_id)
    try:
        return ref, uuid.UUID(proposal_id), int(version) if version else None
    except ValueError:
        raise Superseded("proposal") from None


async def _views(
    request: Request, ref: ById, proposal_id: uuid.UUID
) -> tuple[IncidentView, ProposalView]:
    view = await view_for_form(request, ref, action=Action.PROPOSE)
    async with request.services.database.reading() as session:
        proposal = await get_proposal_view(session, proposal_id)
    if proposal.incident_id != view.id:
        raise Superseded("proposal")
    return view, proposal


_DIRECT = (
    EntryKind.PROPOSAL_DECLINED,
    EntryKind.PROPOSAL_EXPIRED,
    EntryKind.APPROVAL_LAPSED,
    EntryKind.PROPOSAL_CARRIED_OUT,
    EntryKind.PROPOSAL_ABANDONED,
    EntryKind.OBJECTION_RAISED,
    EntryKind.BREAK_GLASS,
)

FEATURE = Feature(
    name="proposals",
    commands=(
        Command(
            name="propose",
            usage="propose what to do [risk: …] [undo: …] [check: …] [--class change]",
            summary="Ask for agreement to a risky step; without a class, opens the form.",
            handler=propose_command,
            flags=(Flag("class", "How risky it is, as the policy names it.", metavar="change"),),
            examples=(
                _EXAMPLE,
                "propose Roll back risk: carts are lost undo: redeploy --class change",
            ),
            is_once_a_minute=True,
        ),
        Command(
            name="proposal",
            usage="proposal [2] [approve|decline|objections|object|done|abandon|break-glass] [words]",
            summary="Show a proposal, answer it, or say what came of it.",
            handler=proposal_command,
            aliases=("proposals",),
            examples=("proposal 2 decline It loses the carts in progress",),
        ),
    ),
    actions={
        "proposal_propose_open": open_propose_form,
        "proposal_ask": ask_pressed,
        "proposal_approve": approve_pressed,
        "proposal_carry_out": carry_out_pressed,
        "proposal_objections": objections_pressed,
        "proposal_revise_open": open_revise_form,
        "proposal_decline_open": open_answer_form,
        "proposal_object_open": open_answer_form,
        "proposal_carried_out_open": open_answer_form,
        "proposal_abandon_open": open_answer_form,
        "proposal_break_open": open_answer_form,
    },
    views={
        forms.PROPOSE_FORM: propose_submitted,
        forms.ANSWER_FORM: answer_submitted,
        ASK_FORM: ask_submitted,
    },
    effects={RefreshProposalOfEntry: refresh_of_entry},
    live_messages=(PROPOSAL,),
    entries={
        EntryKind.ACTION_PROPOSED: entries.proposed_entry,
        EntryKind.PROPOSAL_REVISED: entries.proposed_entry,
        EntryKind.PROPOSAL_APPROVED: entries.approved_entry,
        EntryKind.PROPOSAL_DECLINED: entries.declined_entry,
        EntryKind.APPROVAL_LAPSED: entries.lapsed_entry,
        EntryKind.PROPOSAL_UNANSWERED: entries.unanswered_entry,
        EntryKind.PROPOSAL_EXPIRED: entries.expired_entry,
        EntryKind.BREAK_GLASS: entries.broken_entry,
        EntryKind.RESULT_ASKED: entries.result_asked_entry,
        EntryKind.PROPOSAL_CARRIED_OUT: entries.carried_out_entry,
        EntryKind.PROPOSAL_ABANDONED: entries.abandoned_entry,
        EntryKind.OBJECTIONS_ASKED: entries.asked_entry,
        EntryKind.OBJECTION_RAISED: entries.objected_entry,
        EntryKind.OBJECTIONS_ENDED: entries.poll_ended_entry,
    },
    direct_entries={
        EntryKind.PROPOSAL_APPROVED: entries.approved_directly,
        EntryKind.PROPOSAL_UNANSWERED: entries.unanswered_directly,
        EntryKind.RESULT_ASKED: entries.result_asked_directly,
        **dict.fromkeys(_DIRECT, entries.directly),
    },
    endings={
        EntryKind.PROPOSAL_APPROVED: entries.proposal_ending,
        EntryKind.PROPOSAL_UNANSWERED: entries.proposal_ending,
        EntryKind.APPROVAL_LAPSED: entries.proposal_ending,
        EntryKind.RESULT_ASKED: entries.proposal_ending,
        EntryKind.OBJECTIONS_ASKED: entries.poll_ending,
    },
)
