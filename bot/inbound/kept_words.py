"""Answers that lose nothing somebody typed: a command's line is repeated, a form stays open."""

from collections.abc import Mapping
from typing import Any, Final

from bot.framework.refusals import say
from bot.framework.requests import FieldErrors, Reply, Request, Say, ShowView
from bot.slack import blocks
from bot.slack.mentions import code, plain
from bot.slack.truncation import shorten

_LONGEST_WORDS: Final = 2_000
_NOTICE: Final = "not_recorded"


def beside_field(request: Request, text: str, *, about: str = "") -> Reply:
    """Answer with a form's error at the input that names `about`, else at the first one.

    The form is still the same to Slack, so submitting it again is known as a repeat. The error is
    shown without markup.
    """
    if not request.is_form:
        return _said(request, text)
    field = _field_of(request, about)
    return FieldErrors({field: text}) if field else Say(say(text))


def above_form(request: Request, text: str) -> Reply:
    """Answer above the form; submitting it again is a new request."""
    if not request.is_form:
        return _said(request, text)
    view = request.view
    return ShowView(
        blocks.shown_again(
            view,
            above=[blocks.section(text, block_id=_NOTICE)],
            submit=str((view.get("submit") or {}).get("text") or "Try again"),
            private_metadata=str(view.get("private_metadata") or ""),
        )
    )


def _said(request: Request, text: str) -> Reply:
    if "command" in request.payload:
        line = f"{request.payload['command']} {plain(str(request.payload.get('text') or ''))}"
        text = f"{text}\nYour text: {code(shorten(line.strip(), _LONGEST_WORDS))}"
    return Say(say(text))


def _field_of(request: Request, external_id: str) -> str:
    """Return the input that names this person, else the form's first one; "" without any."""
    values = (request.view.get("state") or {}).get("values") or {}
    inputs = [
        str(block.get("block_id"))
        for block in request.view.get("blocks") or ()
        if block.get("type") == "input"
    ]
    naming = [name for name in inputs if external_id and _names(values.get(name), external_id)]
    return next(iter((*naming, *inputs)), "")


def _names(value: Any, external_id: str) -> bool:
    """Tell whether an input's value holds this id, alone or in a list."""
    if isinstance(value, Mapping):
        return any(_names(one, external_id) for one in value.values())
    if isinstance(value, list):
        return any(_names(one, external_id) for one in value)
    return bool(value == external_id)
