"""Ending and reopening an incident: resolve, close, reopen, cancel, duplicate."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.features.lifecycle import resolve_form as form
from bot.framework.arguments import OnIncident
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import FieldErrors, Reply, Request, Say
from bot.framework.slack_refusals import with_silence
from bot.framework.slash_commands import split_first
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import DomainError, IncidentNotFound, InformationMissing, InvalidInput
from incidents.core.ids import Reference, parse_reference
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.lifecycle.resolve import resolve
from incidents.lifecycle.status import cancel, close, mark_duplicate, reopen
from incidents.policy.policy import Action


class Reason(OnIncident):
    """Why an incident is closed, reopened or cancelled, and the incident it duplicates."""

    reason: str = ""
    original: str = ""


async def end(request: Request, given: form.Ending) -> Reply:
    """Resolve in one transaction; if a command lacks information, open the form."""
    errors = form.find_errors(given, now=request.now)
    if errors:
        return FieldErrors(errors)
    use_case = partial(resolve, ref=given.ref, resolution=form.resolution_of(given))
    try:
        outcome = await request.transact(use_case)
    except InformationMissing:
        if request.is_form:
            raise
        return await RESOLVE.ask(request, given)
    return await with_silence(request, Say(say(ended_text(request, outcome))), outcome)


def reopen_form(view: IncidentView) -> blocks.View:
    """Return the form that asks why the incident is reopened."""
    return blocks.modal(
        f"Reopen {view.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(view.title)}. I'll ask for updates again from now on."
            ),
            _reason_input("Why reopen it?", example="Errors are back since 14:05"),
        ],
        submit="Reopen",
    )


def cancel_form(view: IncidentView) -> blocks.View:
    """Return the form that cancels, or marks a duplicate if it names another incident."""
    return blocks.modal(
        f"Cancel {view.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(view.title)}. A cancelled incident stays cancelled."
            ),
            _reason_input(
                "Why?", example="False alarm: the monitor was misconfigured", optional=True
            ),
            blocks.text_input(
                "original",
                label="Duplicate of",
                optional=True,
                placeholder="INC-7",
                max_length=40,
                hint="If another incident is the same. Then you needn't give a reason.",
            ),
        ],
        submit="Cancel incident",
        close="Keep it open",
    )


async def give_up(uow: UnitOfWork, given: Reason) -> Outcome:
    """Cancel; as a duplicate if the form names another incident."""
    if given.original:
        return await duplicate(uow, given)
    return await cancel(uow, given.ref, reason=given.reason)


async def duplicate(uow: UnitOfWork, given: Reason) -> Outcome:
    """Cancel as a duplicate of another incident."""
    if given.original.casefold() in {"of", "with"}:  # `duplicate of INC-7`
        first, reason = split_first(given.reason)
        given = replace(given, original=first, reason=reason)
    original = _original(given.original)
    return await mark_duplicate(uow, given.ref, original=original, reason=given.reason)


def _no_original(request: Request, error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, IncidentNotFound) and error.reference and request.form.text("original"):
        return {"original": f"There is no incident {error.reference}."}
    return None


def _original(text: str) -> Reference:
    found = parse_reference(text)
    if found is None:
        raise InvalidInput("original", "unknown" if text else "empty", "INC-7")
    return found


# -- words ----------------------------------------------------------------------------------


def ended_text(request: Request, outcome: Outcome) -> str:
    """Return the reply to the person who changed the status, with the next step."""
    slash = request.policy.command
    reference, new = outcome.data["reference"], outcome.data["new"]
    original = outcome.data.get("duplicate_of")
    if original:
        where = _where_it_goes_on(original, outcome.data["original_status"], slash=slash)
        return f"*{reference}* is now *cancelled* as a duplicate of *{original}*. {where}"
    after = {
        IncidentStatus.RESOLVED: f"When nothing is left to do, close it: `{slash} {reference} close`",
        IncidentStatus.CLOSED: f"Is it back? `{slash} {reference} reopen what is wrong`",
        IncidentStatus.INVESTIGATING: "I'll ask for updates again from now on.",
        IncidentStatus.CANCELLED: "It stays on the record, but not among the open incidents.",
    }.get(IncidentStatus(new), "")
    return f"*{reference}* is now *{new}*. {after}".strip()


def _where_it_goes_on(original: str, status: str, *, slash: str) -> str:
    match IncidentStatus(status):
        case IncidentStatus.CANCELLED:
            return f"{original} is cancelled, too. Not over? Declare a new one: `{slash} declare`"
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            return f"{original} is {status}. Not over? `{slash} {original} reopen what is wrong`"
        case _:
            return f"Go on in {original}. To see how it stands: `{slash} {original} show`"


def _reason_input(label: str, *, example: str, optional: bool = False) -> blocks.Block:
    return blocks.text_input(
        "reason", label=label, multiline=True, optional=optional, placeholder=example
    )


RESOLVE = Verb(
    form.Ending,
    usage="resolve [what fixed it]",
    family="status",
    summary="It is over: asks for what the record still lacks, in one form.",
    examples=("resolve Rolled back checkout 1.42",),
    words=("resolution",),
    alone=lambda request: end(request, form.Ending(request.incident_ref())),
    form="resolve_submit",
    opened_by=("resolve_open",),
    needs=Action.RESOLVE,
    target=IncidentStatus.RESOLVED,
    show=lambda request, view, given: form.resolve_form(
        view, text=given.resolution, now=request.now
    ),
    perform=end,
    explain=form.explain,
    is_quiet=True,
    is_echoed=True,
)

FEATURE = Feature(
    name="resolving",
    verbs=(
        RESOLVE,
        Verb(
            Reason,
            usage="close [text]",
            family="status",
            when=r"close(?P<rest>(?:\s(?!\s*to\b).*)?)",
            summary="Nothing more to do: closes a resolved incident.",
            words=("reason",),
            buttons=("close_incident",),
            do=lambda uow, given: close(uow, given.ref, text=given.reason),
            tell=ended_text,
        ),
        Verb(
            Reason,
            usage="reopen reason",
            family="status",
            summary="Take a resolved or closed incident up again.",
            examples=("reopen Errors are back since 14:05",),
            words=("reason",),
            form="reopen_submit",
            opened_by=("reopen_open",),
            needs=Action.REOPEN,
            target=IncidentStatus.INVESTIGATING,
            show=lambda _, view, __: reopen_form(view),
            use_case=reopen,
            tell=ended_text,
            is_quiet=True,
            is_echoed=True,
        ),
        Verb(
            Reason,
            usage="cancel reason",
            family="status",
            summary="It wasn't an incident.",
            examples=("cancel False alarm: the monitor was misconfigured",),
            words=("reason",),
            form="cancel_submit",
            opened_by=("cancel_open",),
            target=IncidentStatus.CANCELLED,
            show=lambda _, view, __: cancel_form(view),
            do=give_up,
            tell=ended_text,
            explain=_no_original,
            is_quiet=True,
        ),
        Verb(
            Reason,
            usage="duplicate INC-7 [text]",
            family="status",
            summary="Cancel this incident as the same as another, and link it.",
            examples=("duplicate INC-7",),
            words=("original", "reason"),
            do=duplicate,
            tell=ended_text,
        ),
    ),
)
