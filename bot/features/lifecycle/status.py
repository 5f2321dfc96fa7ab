"""Status: the command, and the form with the possible next statuses."""

from functools import partial

from bot.features.lifecycle.resolve import RESOLVE
from bot.features.lifecycle.resolve_form import Ending
from bot.framework.arguments import OnIncident
from bot.framework.entry_messages import shown, told_message
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slack_refusals import with_silence
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InformationMissing, InvalidInput, TransitionRefused
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import IncidentRef
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, IncidentStatus, is_open
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


class Step(OnIncident):
    """An incident's new status, and what is known now."""

    status: str = ""
    text: str = ""


async def take_step(request: Request, given: Step) -> Reply:
    """Change the status; if resolving lacks information, open its form."""
    try:
        outcome = await request.transact(step(given.ref, _status_of(given.status), text=given.text))
    except InformationMissing:
        return await RESOLVE.ask(request, Ending(given.ref, resolution=given.text))
    return await with_silence(request, Say(moved_message(outcome)), outcome)


def step(ref: IncidentRef, target: IncidentStatus, *, text: str) -> UseCase:
    """Return the use case that moves an incident to a status."""
    match target:
        case IncidentStatus.RESOLVED:
            return partial(resolve, ref=ref, resolution=Resolution(text=text))
        case IncidentStatus.CLOSED:
            return partial(close, ref=ref, text=text)
        case IncidentStatus.CANCELLED:
            return partial(cancel, ref=ref, reason=text)
    return partial(change_status, ref=ref, target=target, text=text)


def moved_message(outcome: Outcome) -> blocks.Message:
    """Return the reply to the person who changed the status."""
    reference, new = outcome.data["reference"], outcome.data["new"]
    return say(f"*{reference}* is now *{new}*. It is on the timeline and in its channel.")


def status_form(view: IncidentView) -> blocks.View:
    """Return the form with the possible statuses. Raises: TransitionRefused if there are none.

    What ends an open incident has its own form, under *More…* on the status card.
    """
    possible = ALLOWED_TRANSITIONS[view.status]
    if not possible:
        raise TransitionRefused(current=view.status, target="", possible=())
    if view.is_open:
        possible = tuple(status for status in possible if is_open(status))
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
                hint=(
                    "Goes on the timeline and to the channel. More… on the status card resolves "
                    "or cancels."
                    if view.is_open
                    else "Goes on the timeline and to the channel. Needed to reopen."
                ),
            ),
        ],
    )


def _status_of(word: str) -> IncidentStatus:
    try:
        return IncidentStatus(word.strip(" :;,.!*_`'\"").casefold())
    except ValueError:
        raise InvalidInput("status", "unknown", ", ".join(IncidentStatus)) from None


def duplicate_found(
    found: DuplicateFound, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Say in the original incident that another one was a duplicate of it."""
    other = mentions.escape_line(found.duplicate)
    asks = f"People who were there can come here; what they wrote down is in {other}."
    return told_message(entry, incident, asks=asks)


FEATURE = Feature(
    name="status",
    verbs=(
        Verb(
            Step,
            usage="status [triage|investigating|identified|mitigated] [text]",
            summary="Change the status, with what is known now; alone, opens the form.",
            examples=("status identified Bad deploy of checkout 1.42",),
            words=("status", "text"),
            form="status_submit",
            opened_by=("status_change",),
            needs=Action.CHANGE_STATUS,
            show=lambda _, view, __: status_form(view),
            perform=take_step,
            inputs={"": "text"},
            is_quiet=True,
            is_echoed=True,
        ),
    ),
    entries=(shown(DuplicateFound, duplicate_found),),
)
