"""Check-ins: giving a named person a task with a time box, and hearing how it went."""

import json
import uuid
from datetime import timedelta
from functools import partial

from bot.features.checkins import messages
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request, incident_by_id
from bot.slack import blocks, mentions
from incidents.checkins.checkins import (
    CheckinAnswer,
    CheckinReply,
    CheckinRequest,
    answer_checkin,
    ask_checkin,
    understand_checkin,
)
from incidents.core.errors import InvalidInput, Superseded
from incidents.core.people import PersonFacts
from incidents.core.times import duration_text, parse_duration, split_duration, spoken_duration
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action

_EXAMPLE = "checkin @alice 10m Is the web tier healthy?"


# -- asking ---------------------------------------------------------------------------------


async def checkin_command(request: Request) -> Reply:
    """Ask at once from `/incident checkin @someone [10m] question`; alone, open the form."""
    who, rest = request.words.split_first()
    if not who:
        return await _open_form(request, request.incident_ref())
    external_id = mentions.parse_user(who)
    if external_id is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("person", "one_at_a_time", _EXAMPLE)
    box, question = split_duration(mentions.plain(rest))
    wanted = CheckinRequest(person=PersonFacts(external_id), question=question, box=box)
    ref = request.incident_ref()
    outcome = await request.transact(partial(ask_checkin, ref=ref, request=wanted))
    return Say(asked_message(outcome))


async def open_checkin_form(request: Request) -> Reply:
    """Open the form from a button."""
    return await _open_form(request, request.incident_of_value())


async def checkin_submitted(request: Request) -> Reply:
    """Ask from the form."""
    form = request.form
    try:
        typed = form.text("minutes")
        wanted = CheckinRequest(
            person=PersonFacts(form.user("person") or ""),
            question=form.text("question"),
            box=parse_duration(typed, field="minutes", example="10") if typed else None,
        )
        if not wanted.person.external_id:
            raise InvalidInput("person", "not_a_person")
        ref = request.incident_of_metadata()
        await request.transact(partial(ask_checkin, ref=ref, request=wanted))
    except InvalidInput as error:
        text = invalid_text(error.field, error.problem, error.example)
        return FieldErrors({error.field: text})
    return None


def asked_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who asked."""
    box = spoken_duration(timedelta(seconds=outcome.data["box_seconds"]))
    name = mentions.escape_line(outcome.data["name"])
    return say(f"Asked {name}, by direct message and in the channel. I check back in {box}.")


def checkin_form(view: IncidentView, *, box: timedelta) -> blocks.View:
    """Return the form for a check-in."""
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
        callback_id="checkin_submit",
        submit="Ask",
        private_metadata=remember(view),
    )


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.CHECK_IN)
    await request.open_view(checkin_form(view, box=request.policy.reminders.checkin))
    return None


# -- answering ------------------------------------------------------------------------------


async def understood_pressed(request: Request) -> Reply:
    """Note that the person takes the task on."""
    ref, checkin_id, _ = _checkin_of(request.value)
    await request.transact(partial(understand_checkin, ref=ref, checkin_id=checkin_id))
    return Say(say("Thank you. At the end of the time I ask you how it went."))


async def done_pressed(request: Request) -> Reply:
    """Note that it is done."""
    return await _answer(request, CheckinAnswer.DONE)


async def more_time_pressed(request: Request) -> Reply:
    """Open another time box."""
    return await _answer(request, CheckinAnswer.MORE_TIME)


async def stuck_pressed(request: Request) -> Reply:
    """Note that the person is stuck; who asked and the commander hear of it."""
    return await _answer(request, CheckinAnswer.STUCK)


async def open_answer_form(request: Request) -> Reply:
    """Open the form for an answer in words."""
    ref = _checkin_of(request.value)[0]
    view = await view_for_form(request, ref, action=Action.VIEW)
    await request.open_view(answer_form(view, value=request.value))
    return None


async def answer_submitted(request: Request) -> Reply:
    """Note how it went, in words."""
    ref, checkin_id, round_number = _checkin_of(str(request.metadata.get("value", "")))
    answer = CheckinAnswer(request.form.choice("answer") or CheckinAnswer.DONE)
    reply = CheckinReply(answer=answer, text=request.form.text("text"), round=round_number)
    await request.transact(partial(answer_checkin, ref=ref, checkin_id=checkin_id, reply=reply))
    return None


def answer_form(view: IncidentView, *, value: str) -> blocks.View:
    """Return the form for an answer in words; `value` is the pressed button's."""
    options = (
        blocks.option("Done", value=CheckinAnswer.DONE),
        blocks.option("Need more time", value=CheckinAnswer.MORE_TIME),
        blocks.option("Stuck", value=CheckinAnswer.STUCK),
    )
    return blocks.modal(
        "How did it go?",
        blocks=[
            blocks.context(f"{view.reference} {mentions.escape_line(view.title)}"),
            blocks.radio("answer", label="It is", options=options, initial=CheckinAnswer.DONE),
            blocks.text_input(
                "text",
                label="What did you see or do?",
                multiline=True,
                optional=True,
                max_length=2000,
                hint="Goes on the timeline and to the channel.",
            ),
        ],
        callback_id="checkin_answer_submit",
        submit="Answer",
        private_metadata=json.dumps({"incident_id": str(view.id), "value": value}),
    )


async def _answer(request: Request, answer: CheckinAnswer) -> Reply:
    ref, checkin_id, round_number = _checkin_of(request.value)
    reply = CheckinReply(answer=answer, round=round_number)
    outcome = await request.transact(
        partial(answer_checkin, ref=ref, checkin_id=checkin_id, reply=reply)
    )
    return Say(answered_message(outcome))


def answered_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who answered."""
    match outcome.data["answer"]:
        case CheckinAnswer.MORE_TIME:
            box = spoken_duration(timedelta(seconds=outcome.data["box_seconds"]))
            return say(f"Noted. I ask again in {box}.")
        case CheckinAnswer.STUCK:
            return say(
                "Noted, and said in the channel. The commander and who had asked hear of it."
            )
    return say("Noted on the timeline and said in the channel. Thank you.")


def _checkin_of(value: str) -> tuple[IncidentRef, uuid.UUID, int]:
    """Return incident, check-in and time box of a button's value `incident|checkin|round`."""
    incident_id, checkin_id, number, *_ = [*value.split("|"), "", ""]
    ref = incident_by_id(incident_id)
    try:
        return ref, uuid.UUID(checkin_id), int(number)
    except ValueError:
        raise Superseded("checkin") from None


FEATURE = Feature(
    name="checkins",
    commands=(
        Command(
            name="checkin",
            usage="checkin @someone [10m] question…",
            summary="Ask a named person, with a time box; at its end they are asked how it went.",
            handler=checkin_command,
            aliases=("check-in",),
            examples=(_EXAMPLE,),
            is_once_a_minute=True,
        ),
    ),
    actions={
        "checkin_open": open_checkin_form,
        "checkin_understood": understood_pressed,
        "checkin_done": done_pressed,
        "checkin_more_time": more_time_pressed,
        "checkin_stuck": stuck_pressed,
        "checkin_answer_open": open_answer_form,
    },
    views={"checkin_submit": checkin_submitted, "checkin_answer_submit": answer_submitted},
    entries={
        EntryKind.CHECKIN_ASKED: messages.asked_entry,
        EntryKind.CHECKIN_UNDERSTOOD: messages.understood_entry,
        EntryKind.CHECKIN_DUE: messages.due_entry,
        EntryKind.CHECKIN_ANSWERED: messages.answered_entry,
    },
    direct_entries={
        EntryKind.CHECKIN_ASKED: messages.asked_directly,
        EntryKind.CHECKIN_ANSWERED: messages.answered_directly,
    },
    endings={
        EntryKind.CHECKIN_ASKED: messages.asked_ending,
        EntryKind.CHECKIN_DUE: messages.due_ending,
    },
)
