"""The end of an incident and its return: resolve, close, reopen, cancel, duplicate."""

from functools import partial

from bot.features.lifecycle import resolve_form as form
from bot.framework.feature import Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.framework.slash_commands import Command
from bot.slack import blocks, mentions
from incidents.core.errors import IncidentNotFound, InformationMissing, InvalidInput
from incidents.core.ids import Reference, parse_reference
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, close, mark_duplicate, reopen
from incidents.policy.policy import Action

# -- resolve --------------------------------------------------------------------------------


async def resolve_command(request: Request) -> Reply:
    """Resolve at once if nothing is missing, else ask for it in one form."""
    ref, text = request.incident_ref(), mentions.plain(request.words.text)
    try:
        outcome = await request.transact(
            partial(resolve, ref=ref, resolution=Resolution(text=text))
        )
    except InformationMissing:
        return await _open_resolve(request, ref, text=text)
    return Say(ended_message(outcome, slash=request.policy.command))


async def open_resolve(request: Request) -> Reply:
    """Open the form that resolves."""
    return await _open_resolve(request, request.incident_of_value(), text="")


async def _open_resolve(request: Request, ref: IncidentRef, *, text: str) -> Reply:
    view = await view_for_form(request, ref, action=Action.RESOLVE, target=IncidentStatus.RESOLVED)
    await request.open_view(form.resolve_form(view, text=text, now=request.now))
    return None


async def resolve_submitted(request: Request) -> Reply:
    """Resolve from the form, all of it in one transaction."""
    given = form.read_form(request.form)
    errors = form.find_errors(given, now=request.now)
    if errors:
        return FieldErrors(errors)
    ref = request.incident_of_metadata()
    try:
        await request.transact(partial(resolve, ref=ref, resolution=given))
    except InformationMissing as error:
        return FieldErrors(form.missing_errors(error.fields))
    except InvalidInput as error:
        return FieldErrors({error.field: form.time_error(error.field, error.problem)})
    return None


# -- close, reopen --------------------------------------------------------------------------


async def close_command(request: Request) -> Reply:
    """Close a resolved incident."""
    text = mentions.plain(request.words.text)
    outcome = await request.transact(partial(close, ref=request.incident_ref(), text=text))
    return Say(ended_message(outcome, slash=request.policy.command))


async def close_pressed(request: Request) -> Reply:
    """Close from the button."""
    outcome = await request.transact(partial(close, ref=request.incident_of_value()))
    return Say(ended_message(outcome, slash=request.policy.command))


async def reopen_command(request: Request) -> Reply:
    """Reopen from `/incident reopen reason`; without a reason, ask for it."""
    ref, reason = request.incident_ref(), mentions.plain(request.words.text)
    if not reason:
        return await _open_reopen(request, ref)
    outcome = await request.transact(partial(reopen, ref=ref, reason=reason))
    return Say(ended_message(outcome, slash=request.policy.command))


async def open_reopen(request: Request) -> Reply:
    """Open the form that asks why."""
    return await _open_reopen(request, request.incident_of_value())


async def _open_reopen(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(
        request, ref, action=Action.REOPEN, target=IncidentStatus.INVESTIGATING
    )
    await request.open_view(reopen_form(view))
    return None


def reopen_form(view: IncidentView) -> blocks.View:
    """Return the form that asks why the incident is taken up again."""
    return blocks.modal(
        f"Reopen {view.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(view.title)}. Updates become due again from now on."
            ),
            _reason_input("Why is it taken up again?", example="Errors are back since 14:05"),
        ],
        callback_id="reopen_submit",
        submit="Reopen",
        private_metadata=remember(view),
    )


async def reopen_submitted(request: Request) -> Reply:
    """Reopen from the form."""
    use_case = partial(
        reopen, ref=request.incident_of_metadata(), reason=request.form.text("reason")
    )
    try:
        await request.transact(use_case)
    except InvalidInput as error:
        return _field_error(error)
    return None


# -- cancel, duplicate ----------------------------------------------------------------------


async def cancel_command(request: Request) -> Reply:
    """Cancel from `/incident cancel reason`; without a reason, ask for it."""
    ref, reason = request.incident_ref(), mentions.plain(request.words.text)
    if not reason:
        return await _open_cancel(request, ref)
    outcome = await request.transact(partial(cancel, ref=ref, reason=reason))
    return Say(ended_message(outcome, slash=request.policy.command))


async def open_cancel(request: Request) -> Reply:
    """Open the form that asks why, or of what it is a duplicate."""
    return await _open_cancel(request, request.incident_of_value())


async def _open_cancel(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.VIEW, target=IncidentStatus.CANCELLED)
    await request.open_view(cancel_form(view))
    return None


def cancel_form(view: IncidentView) -> blocks.View:
    """Return the form that cancels, as a duplicate if another incident is named."""
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
                hint="If it is the same as another incident. Then no reason is needed.",
            ),
        ],
        callback_id="cancel_submit",
        submit="Cancel incident",
        close="Keep it open",
        private_metadata=remember(view),
    )


async def cancel_submitted(request: Request) -> Reply:
    """Cancel from the form."""
    ref, reason = request.incident_of_metadata(), request.form.text("reason")
    original = request.form.text("original")
    try:
        if original:
            named = _original(original)
            await request.transact(partial(mark_duplicate, ref=ref, original=named, reason=reason))
        else:
            await request.transact(partial(cancel, ref=ref, reason=reason))
    except InvalidInput as error:
        return _field_error(error)
    except IncidentNotFound as error:
        if not original or error.reference is None:
            raise
        return FieldErrors({"original": f"There is no incident {error.reference}."})
    return None


async def duplicate_command(request: Request) -> Reply:
    """Cancel as a duplicate, from `/incident duplicate INC-7 [text]`."""
    first, rest = request.words.split_first()
    use_case = partial(
        mark_duplicate,
        ref=request.incident_ref(),
        original=_original(first),
        reason=mentions.plain(rest),
    )
    outcome = await request.transact(use_case)
    return Say(ended_message(outcome, slash=request.policy.command))


def _original(text: str) -> Reference:
    found = parse_reference(text)
    if found is None:
        raise InvalidInput("original", "unknown" if text else "empty", "INC-7")
    return found


# -- words ----------------------------------------------------------------------------------


def ended_message(outcome: Outcome, *, slash: str) -> blocks.Message:
    """Return what the person is told who took the step, and what comes next."""
    reference, new = outcome.data["reference"], outcome.data["new"]
    original = outcome.data.get("duplicate_of")
    if original:
        where = _where_it_goes_on(original, outcome.data["original_status"], slash=slash)
        return say(
            f"*{reference}* is now *cancelled* as a duplicate of *{original}*, and stays so. {where}"
        )
    after = {
        IncidentStatus.RESOLVED: f"When nothing is left to do, `{slash} {reference} close` closes it.",
        IncidentStatus.CLOSED: f"If it comes back, `{slash} {reference} reopen` with the reason.",
        IncidentStatus.INVESTIGATING: "Updates are due again from now on.",
        IncidentStatus.CANCELLED: "It stays on the record, out of the open incidents.",
    }.get(IncidentStatus(new), "")
    return say(f"*{reference}* is now *{new}*. {after}".strip())


def _where_it_goes_on(original: str, status: str, *, slash: str) -> str:
    match IncidentStatus(status):
        case IncidentStatus.CANCELLED:
            return f"{original} is cancelled, too: if it goes on, `{slash} declare` a new one."
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            again = f"`{slash} {original} reopen` with the reason"
            return f"{original} is {status}: if it isn't over after all, {again}."
        case _:
            return f"Go on in {original}; `{slash} {original} show` shows where it stands."


def _reason_input(label: str, *, example: str, optional: bool = False) -> blocks.Block:
    return blocks.text_input(
        "reason", label=label, multiline=True, optional=optional, placeholder=example
    )


def _field_error(error: InvalidInput) -> FieldErrors:
    return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})


FEATURE = Feature(
    name="resolving",
    commands=(
        Command(
            name="resolve",
            usage="resolve [what fixed it]",
            summary="It is over: asks for what the record still lacks, in one form.",
            handler=resolve_command,
            examples=("resolve Rolled back checkout 1.42",),
        ),
        Command(
            name="close",
            usage="close [text]",
            summary="Nothing more to do: closes a resolved incident.",
            handler=close_command,
        ),
        Command(
            name="reopen",
            usage="reopen reason",
            summary="Take a resolved or closed incident up again.",
            handler=reopen_command,
            examples=("reopen Errors are back since 14:05",),
        ),
        Command(
            name="cancel",
            usage="cancel reason",
            summary="It wasn't an incident.",
            handler=cancel_command,
            examples=("cancel False alarm: the monitor was misconfigured",),
        ),
        Command(
            name="duplicate",
            usage="duplicate INC-7 [text]",
            summary="Cancel this incident as the same as another, and link it.",
            handler=duplicate_command,
            examples=("duplicate INC-7",),
        ),
    ),
    actions={
        "resolve_open": open_resolve,
        "close_incident": close_pressed,
        "reopen_open": open_reopen,
        "cancel_open": open_cancel,
    },
    views={
        form.CALLBACK_ID: resolve_submitted,
        "reopen_submit": reopen_submitted,
        "cancel_submit": cancel_submitted,
    },
)
