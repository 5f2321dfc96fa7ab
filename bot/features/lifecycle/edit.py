"""Editing: the form for title, summary, impact and services, and how a change reads."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.framework.feature import Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text
from bot.framework.replies import FieldErrors, Reply
from bot.framework.requests import Request
from bot.framework.slash_commands import Command
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, EditClash, InvalidInput
from incidents.incident.incident import IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.declare import MAX_TITLE
from incidents.lifecycle.edit import FIELDS, Edit, FieldValue, edit, fingerprint
from incidents.policy.policy import Action, Policy

_LONGEST = 3_000
_LONGEST_SHOWN = 400


async def edit_command(request: Request) -> Reply:
    """Open the form from `/incident edit`."""
    return await _open_form(request, request.incident_ref())


async def open_edit(request: Request) -> Reply:
    """Open the form from the button."""
    return await _open_form(request, request.incident_of_value())


async def edit_submitted(request: Request) -> Reply:
    """Save what the person touched; a field that somebody else changed meanwhile is told."""
    wanted = read_form(request.form, request.metadata)
    use_case = partial(edit, ref=request.incident_of_metadata(), wanted=wanted)
    try:
        await request.transact(use_case)
    except AlreadySo:
        return FieldErrors({"title": "Nothing is different yet. Change a field, or press Cancel."})
    except EditClash as clash:
        return FieldErrors({name: _clash_text(by) for name, by in clash.fields.items()})
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return None


def edit_form(view: IncidentView, *, policy: Policy) -> blocks.View:
    """Return the form, filled from the record; it remembers what the editor sees."""
    shown: dict[str, FieldValue] = {
        "title": view.title,
        "summary": _cut(view.summary),
        "impact": _cut(view.impact),
        "services": view.services,
    }
    return blocks.modal(
        f"Edit {view.reference}",
        blocks=[
            blocks.text_input("title", label="Title", initial=view.title, max_length=MAX_TITLE),
            _long_input("summary", label="Summary: what is going on?", initial=_cut(view.summary)),
            _long_input(
                "impact", label="Impact: who and what is affected?", initial=_cut(view.impact)
            ),
            _services_input(view, policy),
        ],
        callback_id="edit_submit",
        private_metadata=remember(
            view,
            seen={name: fingerprint(getattr(view, name)) for name in FIELDS},
            shown={name: fingerprint(value) for name, value in shown.items()},
            has_service_list=bool(policy.services),
        ),
    )


def read_form(form: blocks.FormState, metadata: Mapping[str, Any]) -> Edit:
    """Return what the person touched, and what they saw when the form opened."""
    typed = form.choices("services")
    if not metadata.get("has_service_list"):
        typed = tuple(part.strip() for part in form.text("services").split(",") if part.strip())
    values: dict[str, FieldValue] = {
        "title": form.text("title"),
        "summary": form.text("summary"),
        "impact": form.text("impact"),
        "services": typed,
    }
    shown: Mapping[str, str] = metadata.get("shown") or {}
    touched = {
        name: value for name, value in values.items() if fingerprint(value) != shown.get(name)
    }
    return Edit(changes=touched, seen=metadata.get("seen") or {})


def edited_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return an edit as a message: each field's old → new."""
    changes: Mapping[str, Any] = entry.content.get("changes") or {}
    lines = [_change_line(name, pair) for name, pair in changes.items()]
    text = "\n".join([f"*Edited* by {mentions.escape_line(entry.actor_name)}", *lines])
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=blocks.paragraphs(text))


def _change_line(name: str, pair: Mapping[str, Any]) -> str:
    label = name.capitalize()
    old, new = _shown(pair.get("old")), _shown(pair.get("new"))
    if not new:
        return f"• {label} removed (was: {old})"
    if name in {"summary", "impact"} or not old:
        return f"• {label}: {new}"
    return f"• {label}: {old} → {new}"


def _shown(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value or "")
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN - 1]}…"
    return mentions.escape_line(text)


def _clash_text(by: str) -> str:
    return (
        f"{by or 'Somebody else'} changed this while you were writing. "
        "Copy your text, close this form and open it again to see theirs."
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _long_input(name: str, *, label: str, initial: str) -> blocks.Block:
    return blocks.text_input(name, label=label, initial=initial, multiline=True, optional=True)


def _services_input(view: IncidentView, policy: Policy) -> blocks.Block:
    if not policy.services:
        return blocks.text_input(
            "services",
            label="Affected services",
            initial=", ".join(view.services),
            optional=True,
            hint="Separated by commas.",
        )
    chosen = []
    for key in view.services:
        service = policy.find_service(key)
        chosen.append(blocks.option(service.name if service else key, value=key[:150]))
    return blocks.multi_external_select(
        "services", label="Affected services", initial=chosen, optional=True
    )


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.EDIT)
    await request.open_view(edit_form(view, policy=request.policy))
    return None


FEATURE = Feature(
    name="editing",
    commands=(
        Command(
            name="edit",
            usage="edit",
            summary="Open the form for title, summary, impact and services.",
            handler=edit_command,
        ),
    ),
    actions={"edit_open": open_edit},
    views={"edit_submit": edit_submitted},
    entries={EntryKind.EDITED: edited_entry},
)
