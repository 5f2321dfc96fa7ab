"""Check-ins: give a named person a task with a time box, and ask how it went."""

from dataclasses import replace
from datetime import timedelta

from bot.features.checkins import messages
from bot.features.checkins.messages import OnCheckin
from bot.framework.arguments import NOBODY, OnIncident
from bot.framework.entry_messages import ends, shown
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.checkins.checkins import (
    CheckinReply,
    CheckinRequest,
    answer_checkin,
    ask_checkin,
    understand_checkin,
)
from incidents.checkins.entries import CheckinAnswer, CheckinAnswered, CheckinAsked, CheckinDue
from incidents.core.errors import InvalidInput
from incidents.core.people import PersonFacts
from incidents.core.times import duration_text, parse_duration, split_duration, spoken_duration
from incidents.core.typed_doubts import begins_with_a_count, says_until_when
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.views import IncidentView
from incidents.people.assignable import Named
from incidents.policy.policy import Action

_EXAMPLE = "checkin @alice 10m Is the web tier healthy?"


# -- asking ---------------------------------------------------------------------------------


class Ask(OnIncident):
    """The person to ask, the question, and the time box (None: the policy's)."""

    person: Named = NOBODY
    question: str = ""
    box: timedelta | None = None


def typed_checkin(request: Request) -> Ask:
    """Parse `checkin @someone [10m] question`. Raises: InvalidInput."""
    who, rest = request.words.split_person()
    external_id = mentions.parse_user(who)
    if external_id is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("person", "one_at_a_time", _EXAMPLE)
    text = mentions.plain(rest)
    if says_until_when(text):
        raise InvalidInput("minutes", "has to say how long, not until when", _EXAMPLE)
    if begins_with_a_count(text):
        raise InvalidInput(
            "minutes", "could be part of your question. Write `10m` for minutes", _EXAMPLE
        )
    box, question = split_duration(text, takes_minutes=True)
    return Ask(request.incident_ref(), person=Named(external_id), question=question, box=box)


def read_form(request: Request, given: Ask) -> Ask:
    """Return the arguments with the form's time box."""
    typed = request.form.text("minutes")
    box = parse_duration(typed, field="minutes", example="10") if typed else None
    return replace(given, box=box)


async def ask(uow: UnitOfWork, given: Ask) -> Outcome:
    """Ask a named person."""
    person = PersonFacts(given.person.external_id)
    wanted = CheckinRequest(person=person, question=given.question, box=given.box)
    return await ask_checkin(uow, given.ref, request=wanted)


def asked_message(outcome: Outcome) -> blocks.Message:
    """Return the reply to the person who asked."""
    box = spoken_duration(timedelta(seconds=outcome.data["box_seconds"]))
    name = mentions.escape_line(outcome.data["name"])
    return say(f"I'm asking {name} under the status card, and will ask how it went in {box}.")


def checkin_form(view: IncidentView, *, box: timedelta) -> blocks.View:
    """Return the form to ask for a check-in."""
    return blocks.modal(
        f"Check-in on {view.reference}",
        blocks=[
            blocks.user_select("person", label="Who"),
            blocks.text_input(
                "question",
                label="What should they find out or do?",
                multiline=True,
                max_length=2000,
            ),
            blocks.text_input(
                "minutes",
                label="Check back in",
                initial=duration_text(box),
                max_length=20,
                hint="In minutes, such as 10, or 1h30m.",
            ),
        ],
        submit="Ask",
    )


# -- answering ------------------------------------------------------------------------------


async def answer(uow: UnitOfWork, given: OnCheckin) -> Outcome:
    """Record how it went; *Need more time* starts another time box."""
    reply = CheckinReply(answer=given.answer, text=given.text, round=given.round)
    return await answer_checkin(uow, given.ref, checkin_id=given.checkin_id, reply=reply)


def answer_form(view: IncidentView) -> blocks.View:
    """Return the form for an answer in words."""
    options = (
        blocks.option("Done", value=CheckinAnswer.DONE),
        blocks.option("Need more time", value=CheckinAnswer.MORE_TIME),
        blocks.option("Stuck", value=CheckinAnswer.STUCK),
    )
    return blocks.modal(
        "How did it go?",
        blocks=[
            blocks.context(f"{view.reference} {mentions.escape_line(view.title)}"),
            blocks.radio(
                "answer", label="How did it go?", options=options, initial=CheckinAnswer.DONE
            ),
            blocks.text_input(
                "text",
                label="What did you see or do?",
                multiline=True,
                optional=True,
                max_length=2000,
                hint="Goes on the timeline and to the channel.",
            ),
        ],
        submit="Answer",
    )


def answered_text(outcome: Outcome) -> str:
    """Return the reply to the person who answered."""
    match outcome.data["answer"]:
        case CheckinAnswer.MORE_TIME:
            box = spoken_duration(timedelta(seconds=outcome.data["box_seconds"]))
            return f"Noted. I'll ask again in {box}."
        case CheckinAnswer.STUCK:
            return "Noted. I'm telling the channel, the commander and the person who asked."
    return "Noted on the timeline. Thank you."


FEATURE = Feature(
    name="checkins",
    verbs=(
        Verb(
            Ask,
            usage="checkin @someone [10m] question…",
            family="action",
            when=r"check-?in(?P<rest>(?:\s+(?:(?:with|to)\s+)?(?:@|<@|<!).*)?)",
            summary="Ask somebody to check something, with a time box; I ask how it went when it ends.",
            aliases=("check-in",),
            examples=(_EXAMPLE,),
            repeat=Repeat.WORDS,
            typed=typed_checkin,
            form="checkin_submit",
            opened_by=("checkin_open",),
            needs=Action.CHECK_IN,
            show=lambda request, view, _: checkin_form(view, box=request.policy.reminders.checkin),
            read=read_form,
            do=ask,
            tell=lambda _, outcome: asked_message(outcome),
            is_quiet=True,
        ),
        Verb(
            OnCheckin,
            buttons=("checkin_understood",),
            use_case=understand_checkin,
            tell=lambda *_: "Thank you. I'll ask you how it went when your time is up.",
            is_quiet=True,
        ),
        Verb(
            OnCheckin,
            buttons=("checkin_done", "checkin_more_time", "checkin_stuck"),
            form="checkin_answer_submit",
            opened_by=("checkin_answer_open",),
            show=lambda _, view, __: answer_form(view),
            do=answer,
            tell=lambda _, outcome: answered_text(outcome),
            is_quiet=True,
        ),
    ),
    entries=(
        shown(CheckinAsked, messages.asked_entry),
        shown(CheckinDue, messages.due_entry),
        shown(CheckinAnswered, messages.answered_entry),
    ),
    direct_entries=(
        shown(CheckinAsked, messages.asked_directly),
        shown(CheckinDue, messages.due_directly),
        shown(CheckinAnswered, messages.answered_directly),
    ),
    endings=(ends(CheckinAsked, messages.asked_ending), ends(CheckinDue, messages.due_ending)),
)
