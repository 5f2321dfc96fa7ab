"""Severity: the command, the form with what each severity means, and how a change reads."""

from functools import partial

from bot.framework.feature import Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.framework.slash_commands import Command
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.severity import change_severity
from incidents.policy.policy import Action, Policy


async def severity_command(request: Request) -> Reply:
    """Change the severity from `/incident severity sev1 [reason]`; alone, open the form."""
    ref = request.incident_ref()
    key, rest = request.words.split_first()
    if not key:
        return await _open_form(request, ref)
    use_case = partial(change_severity, ref=ref, severity_key=key, reason=mentions.plain(rest))
    return Say(changed_message(await request.transact(use_case)))


async def open_severity_form(request: Request) -> Reply:
    """Open the form."""
    return await _open_form(request, request.incident_of_value())


async def severity_submitted(request: Request) -> Reply:
    """Change the severity from the form."""
    use_case = partial(
        change_severity,
        ref=request.incident_of_metadata(),
        severity_key=request.form.choice("severity") or "",
        reason=request.form.text("reason"),
    )
    try:
        await request.transact(use_case)
    except AlreadySo as error:
        return FieldErrors({"severity": f"It is {error.detail} already. Choose another one."})
    except InvalidInput as error:
        return FieldErrors({"severity": invalid_text(error.field, error.problem, error.example)})
    return None


def severity_form(view: IncidentView, *, policy: Policy) -> blocks.View:
    """Return the form, with the meaning of each severity."""
    options = [
        blocks.option(item.name, value=item.key, description=item.meaning)
        for item in policy.severities
    ]
    meanings = "\n".join(
        f"*{mentions.escape_line(item.name)}*: {mentions.escape_line(item.meaning)}"
        for item in policy.severities
    )
    return blocks.modal(
        f"Severity of {view.reference}",
        blocks=[
            blocks.context(
                f"Now: *{mentions.escape_line(view.severity_name)}*. {mentions.escape_line(view.title)}"
            ),
            blocks.select(
                "severity",
                label="New severity",
                options=options,
                initial=view.severity_key,
                hint="If unsure between two, take the worse one.",
            ),
            blocks.text_input("reason", label="Why?", multiline=True, optional=True),
            blocks.context(meanings),
        ],
        callback_id="severity_submit",
        private_metadata=remember(view),
    )


def changed_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who changed the severity."""
    data = outcome.data
    old, new = mentions.escape_line(data["old"]), mentions.escape_line(data["new"])
    return say(f"*{data['reference']}*: severity {old} → *{new}*. It is in the channel.")


def severity_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return a change of severity as a message: old → new, who, why, and when to update."""
    old, new = mentions.escape_line(entry.text("old")), mentions.escape_line(entry.text("new"))
    text = f"*Severity {old} → {new}* by {mentions.escape_line(entry.actor_name)}"
    if entry.text("reason"):
        text = f"{text}\n{mentions.escape(entry.text('reason'))}"
    if entry.content.get("is_worse") and incident.next_update_due_at is not None:
        text = f"{text}\nNext update due: {mentions.date(incident.next_update_due_at, '{time}')}"
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=blocks.paragraphs(text))


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.VIEW)
    await request.open_view(severity_form(view, policy=request.policy))
    return None


FEATURE = Feature(
    name="severity",
    commands=(
        Command(
            name="severity",
            usage="severity [sev1] [reason]",
            summary="Change how bad it is; worse brings the next update forward. Alone: the form.",
            handler=severity_command,
            aliases=("sev",),
            examples=("severity sev1 Payments fail as well",),
        ),
    ),
    actions={"severity_change": open_severity_form},
    views={"severity_submit": severity_submitted},
    entries={EntryKind.SEVERITY_CHANGED: severity_entry},
)
