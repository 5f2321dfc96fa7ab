"""Answers when it isn't clear who somebody is, because Slack doesn't say; their text is kept."""

from typing import Any, Final

from bot.framework.refusals import say
from bot.framework.requests import FieldErrors, Reply, Request, Say
from bot.framework.slack_refusals import refusal_text
from bot.slack.mentions import code, mention, plain
from bot.slack.truncation import shorten
from incidents.core.errors import CannotAsk, DomainError, IncidentNotFound, NotPermitted
from incidents.core.people import PersonKind

# What somebody new may do at once. An incident doesn't wait until Slack says who declares it.
_AT_ONCE: Final = frozenset({"declare", "help", "note"})
_LONGEST_WORDS: Final = 2_000

_DEACTIVATED: Final = (
    "Slack says your account is deactivated, so I did nothing. Ask an admin of your workspace to "
    "activate it, then try again."
)
_WHO_ARE_YOU: Final = (
    "You're new to me, and Slack isn't telling me who you are, so I did nothing. "
    "Try again in a minute. Until then you can declare incidents and add notes to your own."
)
_REFUSED: Final = "I did nothing, because Slack refuses to tell me who {person} {are}. {why}"
_WHO_IS_IT: Final = (
    "{person} is new to me, and Slack isn't telling me who they are, so I did nothing. "
    "Try again in a minute, or name somebody else."
)


def refusal_of_actor(request: Request) -> Reply:
    """Return the refusal for somebody who can't act now at all; None if they can."""
    actor = request.actor
    if not actor.is_active:
        return _reply(request, _DEACTIVATED)
    is_new = actor.person_kind is PersonKind.UNKNOWN
    if is_new and "command" in request.payload and request.words.verb not in _AT_ONCE:
        return _reply(request, _who_are_you(request))
    return None


def _who_are_you(request: Request) -> str:
    if request.not_told:
        return _REFUSED.format(person="you", are="are", why=refusal_text(request.not_told))
    return _WHO_ARE_YOU


def refusal_if_unclear(request: Request, error: DomainError) -> Reply:
    """Return the refusal if the error comes from Slack not saying who somebody is, else None.

    To somebody new, an incident that isn't theirs doesn't exist: they aren't told so, since it may.
    """
    match error:
        case CannotAsk(external_id=external_id, refusal=refusal) if external_id:
            person = "This person" if request.is_form else mention(external_id)
            text = _WHO_IS_IT.format(person=person)
            if refusal:
                name = "this person" if request.is_form else person
                text = _REFUSED.format(person=name, are="is", why=refusal_text(refusal))
            return _reply(request, text, about=external_id)
        case IncidentNotFound() | NotPermitted(needs="member") if (
            request.actor.person_kind is PersonKind.UNKNOWN
        ):
            return _reply(request, _who_are_you(request))
    return None


def _reply(request: Request, text: str, *, about: str = "") -> Reply:
    if request.is_form:
        field = _field_of(request, about)
        # A plain error keeps the form open, with all that was written in it.
        return FieldErrors({field: text}) if field else Say(say(text))
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
    if isinstance(value, dict):
        return any(_names(one, external_id) for one in value.values())
    if isinstance(value, list):
        return any(_names(one, external_id) for one in value)
    return bool(value == external_id)
