"""The forms about proposals: proposing or changing one, and the one field that an answer needs."""

import json
from dataclasses import dataclass

from bot.framework.incident_forms import remember
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.incident.views import IncidentView
from incidents.policy.proposals import ActionClass, Approvals, Need, suggest_class
from incidents.proposals.tables import ProposalWords
from incidents.proposals.views import ApprovalView

PROPOSE_FORM = "approval_propose_submit"
ANSWER_FORM = "approval_answer_submit"

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class AnswerField:
    """What an answer's form asks for."""

    title: str
    label: str
    submit: str
    placeholder: str
    is_optional: bool = False
    hint: str | None = None


ANSWERS = {
    "decline": AnswerField(
        "Decline",
        "Why not?",
        "Decline",
        "Failing over loses the last minute of orders",
        hint="Goes on the timeline. Say what would change your mind.",
    ),
    "object": AnswerField(
        "Strong objection", "What speaks against it?", "Object", "The replica is 20 minutes behind"
    ),
    "carried_out": AnswerField(
        "Carried out",
        "What came of it?",
        "Carried out",
        "Errors are back to normal since 14:12",
        is_optional=True,
    ),
    "abandon": AnswerField(
        "Abandon", "Why isn't it done?", "Abandon", "The errors stopped by themselves"
    ),
    "break_glass": AnswerField(
        "Break glass",
        "Why can't it wait?",
        "Go ahead",
        "Data is being lost right now and nobody answers",
        hint="Goes ahead without agreement. The channel, the commander and all who may agree hear it.",
    ),
}


def propose_form(
    view: IncidentView, approvals: Approvals, *, words: ProposalWords, class_key: str = ""
) -> b.View:
    """Return the form that proposes; the words suggest a class, the person chooses."""
    chosen = class_key or suggest_class(words.text, approvals).key
    return b.modal(
        f"Propose in {view.reference}",
        blocks=_fields(view.title, approvals, words=words, chosen=chosen),
        callback_id=PROPOSE_FORM,
        submit="Propose",
        private_metadata=remember(view),
    )


def revise_form(view: IncidentView, approval: ApprovalView, approvals: Approvals) -> b.View:
    """Return the form that changes a proposal."""
    words = approval.words or ProposalWords(text="")
    metadata = remember(view, approval_id=str(approval.id), version=approval.version)
    return b.modal(
        f"Change proposal {approval.number}",
        blocks=_fields(view.title, approvals, words=words, chosen=approval.class_key),
        callback_id=PROPOSE_FORM,
        submit="Propose anew",
        private_metadata=metadata,
    )


def _fields(
    title: str, approvals: Approvals, *, words: ProposalWords, chosen: str
) -> list[b.Block]:
    options = [
        b.option(item.name, value=item.key, description=_need(item)) for item in approvals.classes
    ]
    meanings = "\n".join(
        f"*{m.escape_line(item.name)}* {m.escape_line(item.meaning)}" for item in approvals.classes
    )
    return [
        b.context(m.escape_line(title)),
        b.text_input(
            "text",
            label="What do you propose to do?",
            initial=words.text or None,
            multiline=True,
            max_length=_LONGEST,
            placeholder="Restart the checkout pods in eu-west, one by one",
        ),
        b.radio("class", label="Class of action", options=options, initial=chosen),
        b.context(meanings),
        _optional("risk", "What could go wrong?", words.risk, "Carts in progress are lost"),
        _optional("undo", "How to undo it?", words.undo, "Scale back up; no data changes"),
        _optional("check", "How will we know it worked?", words.check, "Error rate under 1 %"),
    ]


def answer_form(verb: str, *, title: str, value: str) -> b.View:
    """Return the form with the one field that an answer needs; `value` is the pressed button's."""
    field = ANSWERS[verb]
    return b.modal(
        field.title,
        blocks=[
            b.context(m.escape_line(title)),
            b.text_input(
                "reason",
                label=field.label,
                multiline=True,
                optional=field.is_optional,
                max_length=1000,
                placeholder=field.placeholder,
                hint=field.hint,
            ),
        ],
        callback_id=ANSWER_FORM,
        submit=field.submit,
        private_metadata=json.dumps({"value": value, "verb": verb}),
    )


def read_words(form: b.FormState) -> ProposalWords:
    """Return what the form says is proposed."""
    return ProposalWords(
        text=form.text("text"),
        risk=form.text("risk"),
        undo=form.text("undo"),
        check=form.text("check"),
    )


def _optional(name: str, label: str, initial: str, placeholder: str) -> b.Block:
    return b.text_input(
        name,
        label=label,
        initial=initial or None,
        multiline=True,
        optional=True,
        max_length=_LONGEST,
        placeholder=placeholder,
    )


def _need(item: ActionClass) -> str:
    match item.needs:
        case Need.NOBODY:
            return "Needs nobody's agreement"
        case Need.STANDARD:
            return "Needs a peer or senior"
        case Need.MAJOR:
            return "Needs the commander or a manager"
