"""Status: the command, and the form with the possible next statuses."""

from dataclasses import replace
from functools import partial

from bot.features.lifecycle.resolve import RESOLVE
from bot.features.lifecycle.resolve_form import Ending
from bot.features.lifecycle.severity import changed_message
from bot.features.lifecycle.severity_words import looks_like_severity, said_severity
from bot.framework.arguments import OnIncident
from bot.framework.entry_messages import shown, told_message
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slack_refusals import with_silence
from bot.framework.slash_commands import split_first
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InformationMissing, InvalidInput, TransitionRefused
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import IncidentRef
from incidents.incident.lifecycle import (
    ALLOWED_TRANSITIONS,
    OPEN_STATUSES,
    IncidentStatus,
    is_open,
)
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.entries import DuplicateFound
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel, change_both, change_status, close
from incidents.policy.policy import Action, Policy

_MEANINGS = {
    IncidentStatus.TRIAGE: "Sizing up: what is it, and how bad?",
    IncidentStatus.INVESTIGATING: "Looking for the cause",
    IncidentStatus.IDENTIFIED: "The cause is known",
    IncidentStatus.MITIGATED: "The impact is stopped or much smaller",
    IncidentStatus.RESOLVED: "The impact has ended; asks what fixed it",
    IncidentStatus.CLOSED: "Nothing more to do here",
    IncidentStatus.CANCELLED: "It wasn't an incident; needs a reason",
}


class Step(OnIncident):
    """An incident's new status, its new severity, or both, and what is known now."""

    status: str = ""
    text: str = ""
    severity: str = ""


def typed_step(request: Request) -> Step:
    """Parse `status mitigated sev3 text`: either word alone, or both in any order.

    Only `sev3`, or a severity by its key, is read as one; other words are text.

    Raises: InvalidInput for an unknown status, or one that ends the incident beside a severity.
    """
    given, words = Step(request.incident_ref()), request.words.text
    severity, rest = _severity_first(words, request.policy)
    first, after = split_first(rest)
    status = _find_status(first) if severity else _status_of(first, request.policy)
    if severity and status is None:
        return replace(given, severity=severity, text=mentions.plain(rest))
    if severity and status not in OPEN_STATUSES:
        problem = f"{mentions.code(first)} can't be said with a severity: send one after the other"
        raise InvalidInput("status", problem, f"status {status} {mentions.plain(after)}".strip())
    if not severity and status in OPEN_STATUSES:
        severity, after = _severity_first(after, request.policy)
    return replace(given, status=status or "", severity=severity, text=mentions.plain(after))


async def take_step(request: Request, given: Step) -> Reply:
    """Change status, severity or both; if resolving lacks information, open its form."""
    try:
        outcome = await request.transact(_use_case(given, request.policy))
    except InvalidInput as error:
        if not given.severity or error.field != "reason":
            raise
        line = f"status {given.status} {given.severity}".replace("  ", " ")
        example = f"{line} Only one customer is affected"
        raise InvalidInput("reason", error.problem, example) from None
    except InformationMissing:
        return await RESOLVE.ask(request, Ending(given.ref, resolution=given.text))
    is_moved = outcome.kind == "status_changed"
    message = moved_message(outcome) if is_moved else changed_message(outcome)
    return await with_silence(request, Say(message), outcome)


def _use_case(given: Step, policy: Policy) -> UseCase:
    if given.severity and not given.status:
        change = partial(change_severity, severity_key=given.severity, reason=given.text)
        return partial(change, ref=given.ref)
    target = _status_of(given.status, policy)
    if not given.severity:
        return step(given.ref, target, text=given.text)
    both = partial(change_both, ref=given.ref, severity_key=given.severity)
    return partial(both, target=target, text=given.text)


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
    severity = outcome.data.get("severity")
    also = f" and *{mentions.escape_line(severity)}*" if severity else ""
    return say(f"*{reference}* is now *{new}*{also}. I posted it in its channel.")


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


def _status_of(word: str, policy: Policy) -> IncidentStatus:
    found = _find_status(word)
    if found is None:
        is_severity = looks_like_severity(word, policy)
        known = [one.key for one in policy.severities] if is_severity else list(IncidentStatus)
        field = "severity" if is_severity else "status"
        raise InvalidInput(field, "unknown", ", ".join(known), word.strip())
    return found


def _find_status(word: str) -> IncidentStatus | None:
    bare = word.strip(" :;,.!*_`'\"").casefold()
    return next((one for one in IncidentStatus if one == bare), None)


def _severity_first(text: str, policy: Policy) -> tuple[str, str]:
    """Return the severity's key that the text begins with, and the rest; `P1` is text."""
    said, first = said_severity(text, policy), split_first(text)[0].casefold()
    is_key = policy.find_severity(first.strip(":,;.").replace("-", "")) is not None
    if said.severity is None or said.is_word or not (is_key or first.startswith("sev")):
        return "", text
    return said.severity.key, said.rest


def duplicate_found(
    found: DuplicateFound, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Say in the original incident that another one was a duplicate of it."""
    other = mentions.escape_line(found.duplicate)
    asks = f"People working on {other} can come here. Their notes stay in {other}."
    return told_message(entry, incident, asks=asks)


FEATURE = Feature(
    name="status",
    verbs=(
        Verb(
            Step,
            usage="status [triage|investigating|identified|mitigated] [sev2] [text]",
            summary="Change status, severity or both, with what is known now; alone, the form.",
            examples=(
                "status identified Bad deploy of checkout 1.42",
                "status mitigated sev3 Rolled back, only old carts fail",
            ),
            typed=typed_step,
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
