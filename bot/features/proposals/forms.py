"""Forms about proposals: propose, change, and the one-field forms to answer."""

from dataclasses import dataclass

from bot.slack import blocks, mentions
from incidents.incident.views import IncidentView
from incidents.policy.proposals import ActionClass, Need, Proposals, suggest_class
from incidents.proposals.tables import ProposalWords
from incidents.proposals.views import ProposalView

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class AnswerField:
    """The texts of an answer's form."""

    title: str
    label: str
    submit: str
    placeholder: str
    is_optional: bool = False
    hint: str | None = None


DECLINE = AnswerField(
    "Decline",
    "Why not?",
    "Decline",
    "Failing over loses the last minute of orders",
    hint="Goes on the timeline. Say what would change your mind.",
)
OBJECT = AnswerField(
    "Strong objection", "What speaks against it?", "Object", "The replica is 20 minutes behind"
)
CARRIED_OUT = AnswerField(
    "Carried out",
    "What was the result?",
    "Carried out",
    "Errors are back to normal since 14:12",
    is_optional=True,
)
ABANDON = AnswerField(
    "Abandon", "Why isn't it done?", "Abandon", "The errors stopped by themselves"
)
BREAK_GLASS = AnswerField(
    "Break glass",
    "Why can't it wait?",
    "Go ahead",
    "Data is being lost right now and nobody answers",
    hint="Goes ahead without approval. I tell the channel, the commander and everybody who may approve.",
)


def propose_form(
    view: IncidentView, proposals: Proposals, *, words: ProposalWords, class_key: str = ""
) -> blocks.View:
    """Return the form to propose; unless `class_key` is given, the words suggest a class."""
    given = proposals.find_class(class_key) if class_key else None
    chosen = (given or suggest_class(words.text, proposals)).key
    return blocks.modal(
        f"Propose in {view.reference}",
        blocks=_fields(view.title, proposals, words=words, chosen=chosen),
        submit="Propose",
    )


def revise_form(view: IncidentView, proposal: ProposalView, proposals: Proposals) -> blocks.View:
    """Return the form to change a proposal."""
    words = proposal.words or ProposalWords(text="")
    return blocks.modal(
        f"Change proposal {proposal.number}",
        blocks=_fields(view.title, proposals, words=words, chosen=proposal.class_key),
        submit="Propose again",
    )


def _fields(
    title: str, proposals: Proposals, *, words: ProposalWords, chosen: str
) -> list[blocks.Block]:
    options = [
        blocks.option(item.name, value=item.key, description=_need(item))
        for item in proposals.classes
    ]
    meanings = "\n".join(
        f"*{mentions.escape_line(item.name)}* {mentions.escape_line(item.meaning)}"
        for item in proposals.classes
    )
    return [
        blocks.context(mentions.escape_line(title)),
        blocks.text_input(
            "text",
            label="What do you propose to do?",
            initial=words.text or None,
            multiline=True,
            max_length=_LONGEST,
            placeholder="Restart the checkout pods in eu-west, one by one",
        ),
        blocks.radio("class", label="Class of action", options=options, initial=chosen),
        blocks.context(meanings),
        blocks.context("Risk and undo are needed unless the step needs no approval."),
        _optional("risk", "What could go wrong?", words.risk, "Carts in progress are lost"),
        _optional("undo", "How to undo it?", words.undo, "Scale back up; no data changes"),
        _optional("check", "How will we know it worked?", words.check, "Error rate under 1 %"),
    ]


def answer_form(view: IncidentView, field: AnswerField) -> blocks.View:
    """Return the form with one text field, for an answer."""
    return blocks.modal(
        field.title,
        blocks=[
            blocks.context(mentions.escape_line(f"{view.reference} {view.title}")),
            blocks.text_input(
                "reason",
                label=field.label,
                multiline=True,
                optional=field.is_optional,
                max_length=1000,
                placeholder=field.placeholder,
                hint=field.hint,
            ),
        ],
        submit=field.submit,
    )


def _optional(name: str, label: str, initial: str, placeholder: str) -> blocks.Block:
    return blocks.text_input(
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
            return "Needs no approval"
        case Need.STANDARD:
            return "Needs somebody who works solo"
        case Need.MAJOR:
            return "Needs the commander or a manager"
