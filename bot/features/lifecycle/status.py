"""Status: the command, and the form with what is possible now."""

from functools import partial

from bot.features.lifecycle.resolve_form import resolve_form
from bot.framework.entry_messages import shown, told_message
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say, ShowView
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import InformationMissing, InvalidInput, TransitionRefused
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import IncidentRef
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, IncidentStatus
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.entries import DuplicateFound
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, change_status, close
from incidents.policy.policy import Action

_MEANINGS = {
    IncidentStatus.TRIAGE: "Sizing up: what is it, how bad?",
    IncidentStatus.INVESTIGATING: "Looking for the cause",
    IncidentStatus.IDENTIFIED: "The cause is known",
    IncidentStatus.MITIGATED: "The impact is stopped or much smaller",
    IncidentStatus.RESOLVED: "It is over; asks for impact and what fixed it",
    IncidentStatus.CLOSED: "Nothing more to do here",
    IncidentStatus.CANCELLED: "It wasn't an incident; needs a reason",
}


async def status_command(request: Request) -> Reply:
    """Change the status from `/incident status identified [text]`; without words, open the form."""
    word, rest = request.words.split_first()
    ref = request.incident_ref()
    if not word:
        return await _open_form(request, ref)
    target = _status_of(word)
    text = mentions.plain(rest)
    try:
        outcome = await request.transact(step(ref, target, text=text))
    except InformationMissing:
        view = await view_for_form(request, ref, action=Action.RESOLVE)
        await request.open_view(resolve_form(view, text=text, now=request.now))
        return None
    return Say(moved_message(outcome))


async def open_status_form(request: Request) -> Reply:
    """Open the form with the statuses that are possible now."""
    return await _open_form(request, request.incident_of_value())


async def status_submitted(request: Request) -> Reply:
    """Change the status from the form; resolving goes on to ask for what is missing."""
    ref = request.incident_of_metadata()
    target, text = _status_of(request.form.choice("status") or ""), request.form.text("text")
    try:
        await request.transact(step(ref, target, text=text))
    except InformationMissing:
        view = await view_for_form(request, ref, action=Action.RESOLVE)
        return ShowView(resolve_form(view, text=text, now=request.now))
    except InvalidInput as error:
        return FieldErrors({"text": invalid_text(error.field, error.problem, error.example)})
    return None


def step(ref: IncidentRef, target: IncidentStatus, *, text: str) -> UseCase:
    """Return the use case that brings an incident to a status."""
    match target:
        case IncidentStatus.RESOLVED:
            return partial(resolve, ref=ref, resolution=Resolution(text=text))
        case IncidentStatus.CLOSED:
            return partial(close, ref=ref, text=text)
        case IncidentStatus.CANCELLED:
            return partial(cancel, ref=ref, reason=text)
    return partial(change_status, ref=ref, target=target, text=text)


def moved_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who moved the incident."""
    reference, new = outcome.data["reference"], outcome.data["new"]
    return say(f"*{reference}* is now *{new}*. It is on the timeline and in its channel.")


def status_form(view: IncidentView) -> blocks.View:
    """Return the form; it offers only what is possible. Raises: TransitionRefused if nothing is."""
    possible = ALLOWED_TRANSITIONS[view.status]
    if not possible:
        raise TransitionRefused(current=view.status, target="", possible=())
    options = [
        blocks.option(status.capitalize(), value=status, description=_MEANINGS[status])
        for status in possible
    ]
    return blocks.modal(
        f"Status of {view.reference}",
        blocks=[
            blocks.context(f"Now: *{view.status}*. {mentions.escape_line(view.title)}"),
            blocks.radio("status", label="New status", options=options, initial=possible[0]),
            blocks.text_input(
                "text",
                label="What is known now?",
                multiline=True,
                optional=True,
                hint="Goes on the timeline and to the channel. Needed to cancel or reopen.",
            ),
        ],
        callback_id="status_submit",
        private_metadata=remember(view),
    )


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.CHANGE_STATUS)
    await request.open_view(status_form(view))
    return None


def _status_of(word: str) -> IncidentStatus:
    try:
        return IncidentStatus(word.strip().casefold())
    except ValueError:
        raise InvalidInput("status", "unknown", ", ".join(IncidentStatus)) from None


def duplicate_found(
    found: DuplicateFound, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Say in the incident that goes on that another turned out to be the same."""
    other = mentions.escape_line(found.duplicate)
    asks = f"Whoever was there may come here; what they wrote down is in {other}."
    return told_message(entry, incident, asks=asks)


FEATURE = Feature(
    name="status",
    commands=(
        Command(
            name="status",
            usage="status [triage|investigating|identified|mitigated] [text]",
            summary="Change the status, with what is known now; alone, opens the form.",
            handler=status_command,
            examples=("status identified Bad deploy of checkout 1.42",),
        ),
    ),
    actions={"status_change": open_status_form},
    views={"status_submit": status_submitted},
    entries=dict((shown(DuplicateFound, duplicate_found),)),
)
