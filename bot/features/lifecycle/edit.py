"""Editing: the form for title, summary, impact and services, and the message about a change."""

from collections.abc import Mapping
from dataclasses import field, replace

from bot.framework.arguments import OnIncident
from bot.framework.entry_messages import shown, told_lines
from bot.framework.feature import Feature
from bot.framework.requests import Request
from bot.framework.verbs import Form, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, DomainError, EditClash
from incidents.incident.entries import Edited, FieldChange, FieldValue
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.declare import MAX_TITLE
from incidents.lifecycle.edit import FIELDS, Edit, edit, fingerprint
from incidents.policy.policy import Action, Policy

_LONGEST = 3_000
_LONGEST_SHOWN = 400


class Editing(OnIncident):
    """What the editor enters; fingerprints of the record (`seen`) and of the form (`shown`)."""

    seen: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    summary: str = ""
    impact: str = ""
    services: tuple[str, ...] = ()


def edit_form(request: Request, view: IncidentView, given: Editing) -> Form[Editing]:
    """Return the form, filled from the record; it carries fingerprints of what it shows."""
    shown: dict[str, FieldValue] = {
        "title": view.title,
        "summary": _cut(view.summary),
        "impact": _cut(view.impact),
        "services": view.services,
    }
    form = blocks.modal(
        f"Edit {view.reference}",
        blocks=[
            blocks.text_input("title", label="Title", initial=view.title, max_length=MAX_TITLE),
            _long_input("summary", label="Summary: what is going on?", initial=_cut(view.summary)),
            _long_input(
                "impact", label="Impact: who and what is affected?", initial=_cut(view.impact)
            ),
            _services_input(view, request.policy),
        ],
    )
    seen = {name: fingerprint(getattr(view, name)) for name in FIELDS}
    prints = {name: fingerprint(value) for name, value in shown.items()}
    return Form(form, replace(given, seen=seen, shown=prints))


def touched(given: Editing) -> Edit:
    """Return the fields that the person changed, and fingerprints of the record they saw."""
    values: dict[str, FieldValue] = {name: getattr(given, name) for name in FIELDS}
    # Without services in the policy, people type them.
    values["services"] = tuple(filter(None, (name.strip() for name in given.services)))
    changes = {
        name: value for name, value in values.items() if fingerprint(value) != given.shown.get(name)
    }
    return Edit(changes=changes, seen=given.seen)


def edited_entry(edited: Edited, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return an edit as a message: each field's old → new, with long values cut."""
    lines = [_change_line(name, change) for name, change in edited.changes.items()]
    text = "\n".join([told_lines(entry)[0], *lines])
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=blocks.paragraphs(text))


def _change_line(name: str, change: FieldChange) -> str:
    label = name.capitalize()
    old, new = _shown(change.old), _shown(change.new)
    if not new:
        return f"• {label} removed (was: {old})"
    if name in {"summary", "impact"} or not old:
        return f"• {label}: {new}"
    return f"• {label}: {old} → {new}"


def _shown(value: FieldValue) -> str:
    text = value if isinstance(value, str) else ", ".join(value)
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN - 1]}…"
    return mentions.escape_line(text)


def _explained(_: Request, error: DomainError) -> Mapping[str, str] | None:
    match error:
        case AlreadySo():
            return {"title": "You haven't changed anything yet. Change a field, or press Cancel."}
        case EditClash(fields=clashing):
            return {name: _clash_text(by) for name, by in clashing.items()}
    return None


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


FEATURE = Feature(
    name="editing",
    verbs=(
        Verb(
            Editing,
            usage="edit",
            family="status",
            summary="Open the form for title, summary, impact and services.",
            form="edit_submit",
            opened_by=("edit_open",),
            needs=Action.EDIT,
            show=edit_form,
            do=lambda uow, given: edit(uow, given.ref, wanted=touched(given)),
            explain=_explained,
        ),
    ),
    entries=(shown(Edited, edited_entry),),
)
