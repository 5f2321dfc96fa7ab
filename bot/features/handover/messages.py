"""Renders the handover of a shift: the draft to edit, the note, its questions and forms."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from bot.framework.arguments import Arguments, to_value
from bot.framework.phrases import followed_text
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten
from incidents.core.times import spoken_duration
from incidents.handover.draft import (
    MOST,
    HandoverDraft,
    OpenEscalation,
    OpenIncident,
    PendingAction,
    ResolvedIncident,
    RiskyChange,
)
from incidents.handover.hand_over import MAX_QUESTION, MAX_SECTION
from incidents.handover.tables import (
    HandoverStatus,
    HandoverView,
    NoteRating,
    QuestionView,
)
from incidents.incident.views import PersonView
from incidents.learning.shadowing import ShadowingView
from incidents.proposals.tables import ProposalStatus

# The sections of a note in order, with titles; each is a field in the form.
SECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "incidents": "Open incidents",
        "resolved": "Resolved in this shift",
        "changes": "Risky changes",
        "escalations": "Open escalations",
        "actions": "Pending actions",
        "shadowings": "Learning",
        "words": "What else they should know",
    }
)

# What the next person can say of a note.
RATINGS: Final[Mapping[NoteRating, str]] = MappingProxyType(
    {NoteRating.CLEAR: "It was clear", NoteRating.ASKED: "I had to ask"}
)

# The sections that a form leaves out while they are empty.
_OPTIONAL: Final = frozenset({"resolved", "shadowings"})
_LONGEST_LINE = 200


class OnHandover(Arguments, gone="handover_withdrawn"):
    """A handover, and a question about it."""

    handover_id: uuid.UUID
    text: str = ""


class OnQuestion(Arguments, gone="handover_withdrawn"):
    """A question about a handover, and the answer."""

    handover_id: uuid.UUID
    question_id: uuid.UUID
    text: str = ""


class OnRating(Arguments, gone="handover_withdrawn"):
    """An accepted handover, and whether its note was enough."""

    handover_id: uuid.UUID
    rating: NoteRating


# -- the draft ------------------------------------------------------------------------------


def sections_of(draft: HandoverDraft, *, now: datetime) -> dict[str, str]:
    """Return the draft as editable plain text by section; "" if a section is empty.

    Times are in UTC, because its two readers may be in different zones.
    """
    return {
        "incidents": _lines((_incident(one, now=now) for one in draft.incidents), draft.incidents),
        "resolved": _lines((_resolved(one, now=now) for one in draft.resolved), draft.resolved),
        "changes": _lines((_change(one, now=now) for one in draft.changes), draft.changes),
        "escalations": _lines(
            (_escalation(one, now=now) for one in draft.escalations), draft.escalations
        ),
        "actions": _lines((_action(one) for one in draft.actions), draft.actions),
        "shadowings": _lines((_shadowing(one) for one in draft.shadowings), draft.shadowings),
        "words": "",
    }


def _lines(lines: Iterable[str], found: Sequence[object]) -> str:
    shown = [f"- {shorten(line, _LONGEST_LINE)}" for line in lines][:MOST]
    if len(found) > MOST:
        shown.append(f"- and {len(found) - MOST} more")
    return "\n".join(shown)


def _incident(one: OpenIncident, *, now: datetime) -> str:
    lead = f"commander {one.commander}" if one.commander else "no commander"
    due = ""
    if one.next_update_due_at is not None:
        put_off = ", put off" if one.is_snoozed else ""
        due = f", next update {_time(one.next_update_due_at, now=now)}{put_off}"
    return f"{one.reference} {_line(one.title)}: {one.severity_name}, {one.status}, {lead}{due}"


def _resolved(one: ResolvedIncident, *, now: datetime) -> str:
    after = spoken_duration(one.after)
    at = _time(one.at, now=now)
    return f"{one.reference} {_line(one.title)}: {one.severity_name}, resolved {at}, after {after}"


_STATES: Final[Mapping[ProposalStatus, str]] = MappingProxyType(
    {
        ProposalStatus.PENDING: "waiting for approval",
        ProposalStatus.APPROVED: "approved, not carried out yet",
        ProposalStatus.BREAK_GLASS: "went ahead without approval, no result recorded yet",
        ProposalStatus.CARRIED_OUT: "carried out",
    }
)


def _change(one: RiskyChange, *, now: datetime) -> str:
    state = _STATES.get(one.status, one.status)
    return (
        f"{one.reference} proposal {one.number}, {_line(one.text)} ({one.class_name}): {state}, "
        f"{_time(one.at, now=now)}"
    )


def _escalation(one: OpenEscalation, *, now: datetime) -> str:
    state = "nobody could be reached" if one.is_exhausted else "nobody is on it yet"
    return (
        f"{one.reference} escalation {one.number} ({one.template_name}), since "
        f"{_time(one.since, now=now)}: {state}"
    )


def _action(one: PendingAction) -> str:
    due = f", due {one.due_on.isoformat()}" if one.due_on else ""
    return f"{one.reference} action {one.number}: {_line(one.text)} ({one.owner or 'nobody'}{due})"


def _shadowing(one: ShadowingView) -> str:
    until = f" until {one.until_at:%Y-%m-%d}" if one.until_at else ""
    return f"{one.person.name} shadows {followed_text(one)}{until}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _time(at: datetime, *, now: datetime) -> str:
    moment = at.astimezone(UTC)
    is_today = moment.date() == now.astimezone(UTC).date()
    return f"{moment:%H:%M} UTC" if is_today else f"{moment:%Y-%m-%d %H:%M} UTC"


# -- forms ----------------------------------------------------------------------------------


def next_form() -> blocks.View:
    """Return the form that asks who is next on call; the note is drafted for them."""
    return blocks.modal(
        "On-call handover",
        blocks=[
            blocks.user_select("next_person", label="Who is next on call?"),
            blocks.context(
                "I draft the note from what you both may see. You can edit it before I send it."
            ),
        ],
        submit="Draft",
    )


def note_form(sections: Mapping[str, str], *, successor: PersonView) -> blocks.View:
    """Return the form with the draft, to edit and send to the next person."""
    name = mentions.escape_line(successor.name)
    return blocks.modal(
        "On-call handover",
        blocks=[
            blocks.context(f"For {name}, drafted from the record. Correct what is wrong."),
            *(
                blocks.text_input(
                    key,
                    label=title,
                    initial=sections.get(key) or None,
                    multiline=True,
                    optional=True,
                    max_length=MAX_SECTION,
                    placeholder=None if sections.get(key) else _PLACEHOLDERS.get(key, "Nothing"),
                )
                for key, title in SECTIONS.items()
                if key not in _OPTIONAL or sections.get(key)
            ),
        ],
        submit="Hand over",
    )


_PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {"words": "Alerts that mean nothing, odd graphs, who to ask about what"}
)


def ask_form(handover: HandoverView) -> blocks.View:
    """Return the form for a question about the note."""
    return blocks.modal(
        "Ask about it",
        blocks=[
            blocks.text_input(
                "text",
                label=f"What do you want to know from {handover.from_person.name}?",
                multiline=True,
                max_length=MAX_QUESTION,
            )
        ],
        submit="Ask",
    )


def answer_form(handover: HandoverView, question: QuestionView) -> blocks.View:
    """Return the form for the answer."""
    return blocks.modal(
        "Answer",
        blocks=[
            blocks.section(
                f"{mentions.escape_line(handover.to_person.name)} asks: {mentions.escape(question.text)}"
            ),
            blocks.text_input(
                "text",
                label="Your answer",
                initial=question.answer or None,
                multiline=True,
                max_length=MAX_QUESTION,
            ),
        ],
        submit="Answer",
    )


# -- messages -------------------------------------------------------------------------------


def note_message(view: HandoverView, *, is_author: bool) -> blocks.Message:
    """Return the note as its author or its successor sees it, with questions and buttons."""
    head = _author_head(view) if is_author else _successor_head(view)
    parts = [head]
    if view.status is not HandoverStatus.WITHDRAWN:
        parts += [
            f"*{title}*\n{mentions.escape(view.sections[key])}"
            for key, title in SECTIONS.items()
            if view.sections.get(key)
        ]
        parts += [_question(one) for one in view.questions]
    if view.status is HandoverStatus.ACCEPTED:
        parts += _rated_for_author(view) if is_author else [_rated(view)]
    buttons = _author_buttons(view) if is_author else _successor_buttons(view)
    body = [piece for part in parts for piece in blocks.paragraphs(part)]
    return blocks.Message(
        text="\n".join(parts), blocks=(*body, *([blocks.actions(*buttons)] if buttons else []))
    )


def _author_head(view: HandoverView) -> str:
    name = mentions.escape_line(view.to_person.name)
    match view.status:
        case HandoverStatus.ACCEPTED:
            return f"*Your on-call handover to {name}* is accepted{_when(view)}. Rest well."
        case HandoverStatus.WITHDRAWN:
            return f"*Your on-call handover to {name}* was withdrawn{_when(view)}."
    return f"*Your on-call handover to {name}* is waiting for an answer. The shift is yours until {name} accepts."


def _successor_head(view: HandoverView) -> str:
    name = mentions.escape_line(view.from_person.name)
    match view.status:
        case HandoverStatus.ACCEPTED:
            return (
                f"*On-call handover from {name}*: you accepted it{_when(view)}. The shift is yours."
            )
        case HandoverStatus.WITHDRAWN:
            return f"*On-call handover from {name}*: withdrawn{_when(view)}. Nothing changed hands."
    return (
        f"*{name} wants to hand you the on-call shift.* Read the note, ask what isn't clear, then "
        "accept. From then on the shift is yours."
    )


def _when(view: HandoverView) -> str:
    return (
        f" ({mentions.date(view.settled_at, '{date_short_pretty} {time}')})"
        if view.settled_at
        else ""
    )


def _question(one: QuestionView) -> str:
    answer = mentions.escape(one.answer) if one.answer else "(not answered yet)"
    return f"*Asked* {mentions.escape(one.text)}\n*Answer* {answer}"


def _rated(view: HandoverView) -> str:
    author = mentions.escape_line(view.from_person.name)
    if view.rating is None:
        return f"*Was the note clear?* Only {author} and their mentors see your answer."
    return f"*Was the note clear?* You said: {RATINGS[view.rating]}."


def _rated_for_author(view: HandoverView) -> list[str]:
    if view.rating is None:
        return []
    said = f"{mentions.escape_line(view.to_person.name)} said: {RATINGS[view.rating]}."
    return [f"*Was the note clear?* {said} Only you and your mentors see this."]


def _rating_buttons(view: HandoverView) -> list[blocks.ButtonElement]:
    return [
        blocks.button(
            label, action_id=f"handover_rate_{one}", value=to_value(OnRating(view.id, one))
        )
        for one, label in RATINGS.items()
        if one is not view.rating
    ]


def _successor_buttons(view: HandoverView) -> list[blocks.ButtonElement]:
    ask = blocks.button("Ask about it", action_id="handover_ask_open", value=str(view.id))
    accept = blocks.button(
        "Accept", action_id="handover_accept", value=str(view.id), style="primary"
    )
    match view.status:
        case HandoverStatus.PENDING:
            return [accept, ask]
        case HandoverStatus.ACCEPTED:
            return [*_rating_buttons(view), ask]
    return []


def _author_buttons(view: HandoverView) -> list[blocks.ButtonElement]:
    if not view.is_pending:
        return []
    return [blocks.button("Withdraw", action_id="handover_withdraw", value=str(view.id))]


def told_message(view: HandoverView, what: str, question: QuestionView | None) -> blocks.Message:
    """Return a separate message about the note; it notifies people, which an edit doesn't."""
    author, successor = (
        mentions.escape_line(view.from_person.name),
        mentions.escape_line(view.to_person.name),
    )
    match what:
        case "accepted":
            return say(f"{successor} has accepted your on-call handover and has the shift now.")
        case "asked" if question is not None:
            text = f"{successor} asks about your on-call handover: {mentions.escape(question.text)}"
            if question.answer:
                return say(f"{text}\n*Your answer* {mentions.escape(question.answer)}")
            value = to_value(OnQuestion(view.id, question.id))
            answer = blocks.button("Answer…", action_id="handover_answer_open", value=value)
            return blocks.Message(
                text=text, blocks=(*blocks.paragraphs(text), blocks.actions(answer))
            )
        case "answered" if question is not None:
            return say(
                f"{author} answers about the on-call handover. You asked: "
                f"{mentions.escape(question.text)}\n{mentions.escape(question.answer)}"
            )
        case "rated" if view.rating is not None:
            return say(
                f"{successor} took over on call from {author}, and said of the note: "
                f"{RATINGS[view.rating]}. Only {author} and their mentors see this."
            )
        case "reminder" if not view.is_pending:
            return say(_successor_head(view))
        case "reminder":
            text = f"{author} is waiting for you to accept the on-call shift. Until you do, {author} has it."
            buttons = blocks.actions(*_successor_buttons(view))
            return blocks.Message(text=text, blocks=(blocks.section(text), buttons))
        case "unaccepted":
            return say(
                f"{successor} hasn't accepted your on-call handover yet, so the shift is still "
                f"yours. Reach {successor} another way, or hand over to somebody else."
            )
    return say(
        f"I couldn't deliver your on-call handover to {successor}, so the shift is still yours. "
        f"Reach {successor} another way."
    )
