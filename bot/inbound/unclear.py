"""Answers when it isn't clear who somebody is, because Slack doesn't say; their text is kept."""

from typing import Final

from bot.framework.requests import Reply, Request
from bot.framework.slack_refusals import refusal_text
from bot.inbound.kept_words import beside_field
from bot.slack.mentions import mention
from incidents.core.errors import CannotAsk, DomainError, IncidentNotFound, NotPermitted
from incidents.core.people import PersonKind

# What somebody new may do at once. An incident doesn't wait until Slack says who declares it.
_AT_ONCE: Final = frozenset({"declare", "help", "note"})

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
        return beside_field(request, _DEACTIVATED)
    is_new = actor.person_kind is PersonKind.UNKNOWN
    if is_new and "command" in request.payload and request.words.verb not in _AT_ONCE:
        return beside_field(request, _who_are_you(request))
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
            return beside_field(request, text, about=external_id)
        case IncidentNotFound() | NotPermitted(needs="member") if (
            request.actor.person_kind is PersonKind.UNKNOWN
        ):
            return beside_field(request, _who_are_you(request))
    return None
