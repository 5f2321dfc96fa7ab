"""Stakeholder updates: the command, the form, snoozing, and how all of it reads."""

from datetime import timedelta
from functools import partial

from bot.features.updates import messages
from bot.framework.feature import Command, Feature, Flag
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.phrases import instant_of
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput, TransitionRefused
from incidents.core.times import duration_text, parse_duration, split_duration
from incidents.engine.unit_of_work import Outcome
from incidents.incident.cadence import cadence_for
from incidents.incident.incident import IncidentRef
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, IncidentStatus, is_open
from incidents.incident.timeline import EntryKind
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action, Policy
from incidents.updates.post import UpdateDraft, post_update, snooze_update

# Where an error of the use case shows in the form.
_FIELDS = {"text": "text", "next": "next_in", "duration": "next_in", "status": "status"}


# -- posting an update ----------------------------------------------------------------------


async def update_command(request: Request) -> Reply:
    """Post at once from `/incident update text`; without a text, open the form."""
    ref, text = request.incident_ref(), mentions.plain(request.words.text)
    given = request.words.flags.get("next")
    next_in = None if given is None else _next_in(given)
    if not text:
        return await _open_form(request, ref, next_in=next_in)
    draft = UpdateDraft(text=text, next_in=next_in)
    outcome = await request.transact(partial(post_update, ref=ref, draft=draft))
    return Say(posted_message(outcome))


async def open_update_form(request: Request) -> Reply:
    """Open the form from a button."""
    return await _open_form(request, request.incident_of_value(), next_in=None)


async def update_submitted(request: Request) -> Reply:
    """Post the update from the form; what can't be taken is said in its field."""
    ref = request.incident_of_metadata()
    try:
        draft = _draft_of(request)
        await request.transact(partial(post_update, ref=ref, draft=draft))
    except InvalidInput as error:
        block_id = _FIELDS.get(error.field, "text")
        return FieldErrors({block_id: invalid_text(error.field, error.problem, error.example)})
    except TransitionRefused as error:
        possible = ", ".join(error.possible) or "none"
        return FieldErrors({"status": f"It is {error.current} by now. Possible: {possible}."})
    return None


def posted_message(outcome: Outcome) -> blocks.Message:
    """Return what the author is told: that it is posted, and when the next one is due."""
    due_at = instant_of(outcome.data["next_due_at"])
    then = f" The next one is due {mentions.date(due_at, '{time}')}." if due_at else ""
    return say(f"Update {outcome.data['number']} on *{outcome.data['reference']}* is posted.{then}")


def update_form(view: IncidentView, *, policy: Policy, next_in: timedelta | None) -> blocks.View:
    """Return the form for an update, filled in from the last one."""
    last = view.latest_update
    cadence = cadence_for(policy, severity_key=view.severity_key, status=view.status)
    promised = next_in or cadence
    initial_next = duration_text(promised) if promised else ""
    # An untouched field means the policy's cadence, which a new status may change.
    untouched = "" if next_in else initial_next
    return blocks.modal(
        f"Update on {view.reference}",
        blocks=[
            blocks.context(mentions.escape_line(view.title)),
            *_status_blocks(view),
            blocks.text_input(
                "text",
                label="In short",
                multiline=True,
                optional=True,
                placeholder="What should everybody know who isn't in the channel?",
            ),
            blocks.text_input(
                "impact", label="Impact", initial=view.impact, multiline=True, optional=True
            ),
            blocks.text_input(
                "actions",
                label="Actions under way",
                initial=last.actions if last and view.is_open else None,
                multiline=True,
                optional=True,
            ),
            blocks.text_input(
                "next_steps",
                label="Next steps",
                initial=last.next_steps if last and view.is_open else None,
                multiline=True,
                optional=True,
            ),
            *_next_blocks(view, initial=initial_next),
        ],
        callback_id="update_submit",
        submit="Post",
        private_metadata=remember(view, untouched=untouched),
    )


def _status_blocks(view: IncidentView) -> tuple[blocks.Block, ...]:
    possible = [status for status in ALLOWED_TRANSITIONS[view.status] if is_open(status)]
    if not view.is_open:
        return (blocks.context(f"Status: *{view.status}*"),)
    options = [blocks.option(item.capitalize(), value=item) for item in (view.status, *possible)]
    return (blocks.select("status", label="Status", options=options, initial=view.status),)


def _next_blocks(view: IncidentView, *, initial: str) -> tuple[blocks.Block, ...]:
    if not view.is_open:
        return ()
    return (
        blocks.text_input(
            "next_in",
            label="Next update in",
            initial=initial or None,
            optional=True,
            max_length=20,
            hint="For example 20m or 1h30m.",
        ),
    )


def _draft_of(request: Request) -> UpdateDraft:
    form = request.form
    status, typed = form.choice("status"), form.text("next_in")
    is_untouched = typed in {"", request.metadata.get("untouched")}
    return UpdateDraft(
        text=form.text("text"),
        impact=form.text("impact"),
        actions=form.text("actions"),
        next_steps=form.text("next_steps"),
        next_in=None if is_untouched else _next_in(typed),
        status=IncidentStatus(status) if status else None,
    )


async def _open_form(request: Request, ref: IncidentRef, *, next_in: timedelta | None) -> Reply:
    view = await view_for_form(request, ref, action=Action.POST_UPDATE)
    if view.status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}:
        raise AlreadySo("the incident", view.status)
    await request.open_view(update_form(view, policy=request.policy, next_in=next_in))
    return None


def _next_in(text: str) -> timedelta:
    return parse_duration(text, field="next", example="20m")


# -- snoozing -------------------------------------------------------------------------------


async def snooze_command(request: Request) -> Reply:
    """Put the next update off once, from `/incident snooze [15m] [reason]`."""
    delay, reason = split_duration(mentions.plain(request.words.text))
    if delay is None and reason[:1].isdigit():
        first, _, reason = reason.partition(" ")
        delay = parse_duration(first)
    return await _snooze(
        request,
        request.incident_ref(),
        delay=delay or request.policy.reminders.snooze,
        reason=reason,
    )


async def snooze_pressed(request: Request) -> Reply:
    """Put the next update off once, from a reminder's button."""
    _, minutes, due_at, *_ = [*request.value.split("|"), "", ""]
    delay = parse_duration(minutes or duration_text(request.policy.reminders.snooze))
    return await _snooze(request, request.incident_of_value(), delay=delay, due_at=due_at or None)


async def _snooze(
    request: Request,
    ref: IncidentRef,
    *,
    delay: timedelta,
    reason: str = "",
    due_at: str | None = None,
) -> Reply:
    slash = request.policy.command
    use_case = partial(snooze_update, ref=ref, delay=delay, reason=reason, due_at=due_at)
    try:
        outcome = await request.transact(use_case)
    except AlreadySo as error:
        return Say(not_snoozed_message(error, slash=slash))
    until = instant_of(outcome.data["until"]) or request.now
    return Say(say(f"The next update is now due {mentions.date(until, '{time}')}."))


def not_snoozed_message(error: AlreadySo, *, slash: str) -> blocks.Message:
    """Return why nothing was put off, and what to do instead."""
    until = instant_of(error.detail) if error.what == "update_snoozed" else None
    if until is None:
        return say("No stakeholder update is due here, so there is nothing to snooze.")
    return say(
        f"The update was put off once already, to {mentions.date(until, '{time}')}. Those who wait would "
        f"rather hear one line: `{slash} update Still working on it, nothing new` starts the clock "
        "anew."
    )


FEATURE = Feature(
    name="updates",
    commands=(
        Command(
            name="update",
            usage="update [text] [--next 20m]",
            summary="Post a stakeholder update; without a text, opens the form.",
            handler=update_command,
            flags=(Flag("next", "when the next one comes, if not by the policy", metavar="20m"),),
            examples=("update Rolling back the deploy; EU checkouts still fail --next 20m",),
            is_once_a_minute=True,
        ),
        Command(
            name="snooze",
            usage="snooze [15m] [reason]",
            summary="Put the next update off once.",
            handler=snooze_command,
            examples=("snooze 15m rollback ends in ten minutes",),
        ),
    ),
    actions={"update_open": open_update_form, "update_snooze": snooze_pressed},
    views={"update_submit": update_submitted},
    entries={
        EntryKind.UPDATE_POSTED: messages.update_entry,
        EntryKind.UPDATE_REMINDED: messages.reminder_entry,
        EntryKind.UPDATE_MISSED: messages.missed_entry,
        EntryKind.UPDATE_SNOOZED: messages.snoozed_entry,
    },
    endings={
        EntryKind.UPDATE_REMINDED: messages.reminder_ending,
        EntryKind.UPDATE_MISSED: messages.reminder_ending,
    },
)
