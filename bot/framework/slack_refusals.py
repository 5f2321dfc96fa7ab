"""What can't be done in Slack, why, and who can mend it: failed calls, and silent channels."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bot.framework.requests import Request, Say
from bot.slack import mentions
from bot.slack.blocks import Message, section
from bot.slack.errors import SlackFailure, SlackPermanent, SlackUnauthorized
from incidents.channel.life import is_bot_removed
from incidents.core.errors import IncidentNotFound
from incidents.engine.entries import refusal_reason
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, get_incident_view

# Ends the error of what failed temporarily until it was given up.
TRIED_FOR_A_DAY: Final = "(tried for a day)"


def failure_text(error: SlackFailure) -> str:
    """Return the answer to somebody whose request needed a call that failed."""
    if "trigger" in error.error:
        return "I couldn't open the form in time. Nothing was changed; please try again."
    match error:
        case SlackUnauthorized():
            return (
                "Nothing was changed: Slack doesn't accept my token any more "
                f"({mentions.code(error.error)}). Ask the people who run Sitrep to renew it: "
                "`sitrep doctor` says how."
            )
        case SlackPermanent(cause=cause, method=method):
            what = _CALLS.get(method, mentions.code(method))
            return f"Nothing was changed: Slack refused {what}. {refusal_text(cause)}"
    return "Slack didn't answer just now, so nothing was changed. Please try again."


def refusal_text(cause: str) -> str:
    """Return Slack's reason with its code, and what to do."""
    reason, code = refusal_reason(cause), mentions.code(cause)
    why = f"{reason} ({code})" if reason else f"Its answer is {code}"
    return f"{mentions.escape(why[:1].upper()) + why[1:]}. {what_to_do(cause)}"


def what_to_do(cause: str) -> str:
    """Return who can mend it, and how."""
    if cause.endswith(TRIED_FOR_A_DAY):
        return "Check that Slack works again."
    code, _, scopes = cause.partition(": ")
    if code == "missing_scope":
        named = f"the scope {mentions.code(scopes)}" if scopes else "it"
        return (
            f"Ask the people who run Sitrep to add {named} in the app's settings and to install it "
            "again: `sitrep doctor` lists what is missing."
        )
    return _REMEDIES.get(code, _OTHERWISE)


def what_to_do_first(cause: str) -> str:
    """Return what to do before *Retry*, or instead of it where it can't help."""
    then = "" if cause in _FINAL else " Then press *Retry*."
    return f"{what_to_do(cause)}{then}"


# -- where nothing can be posted ----------------------------------------------------------------


async def with_silence(request: Request, answer: Say, outcome: Outcome) -> Say:
    """Return the answer; if nothing can be posted in the incident's channel, it says so.

    It notes whether a command was typed where the same is posted. What was done before isn't.
    """
    if outcome.incident_id is None:
        return answer
    if outcome.is_repeat and not request.is_form:
        return replace(answer, is_needed=True)
    try:
        view = await request.read(get_incident_view, ById(outcome.incident_id))
    except IncidentNotFound:
        return answer
    why = await _cause(request, view)
    # Nobody waits for messages about an incident that is over: its channel may well be archived.
    if not why or not view.is_open:
        is_there = not why and view.channel_id == request.channel_id
        return replace(answer, is_shown=is_there and not answer.is_needed)
    message = answer.message
    told = Message(f"{message.text}\n{why}", (*message.blocks, section(why)))
    return replace(answer, message=told, is_needed=True)


async def _cause(request: Request, view: IncidentView) -> str:
    other = f"use another one: `{request.policy.command} {view.reference} channel #name`"
    if view.channel_id is None:
        return "I post it as soon as the incident has a channel."
    if view.is_channel_archived:
        return f"I can't post it in the channel, which is archived. Unarchive it, or {other}"
    if view.is_channel_exposed:
        return f"I don't post it in the channel, which people outside can read. U{other[1:]}"
    async with request.services.database.reading() as session:
        if await is_bot_removed(session, view.id):
            return (
                "I can't post it in the channel: I was removed from it. Type `/invite @Sitrep` "
                f"there, or {other}"
            )
    return ""


# -- the words ----------------------------------------------------------------------------------

_SETTINGS: Final = "An admin of your Slack workspace can allow it in its settings."
_OPERATORS: Final = "Ask the people who run Sitrep: `sitrep doctor` says what is wrong."
_INVITE: Final = "Type `/invite @Sitrep` there, or choose another channel."
_OTHERWISE: Final = "Ask the people who run Sitrep to look for the cause with `sitrep doctor`."

# By Slack's error code.
_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "access_denied": _SETTINGS,
        "app_missing_action_team_ids": _OPERATORS,
        "cannot_dm_bot": "Bots get no direct messages. Name a person.",
        "cant_invite": _SETTINGS,
        "channel_not_found": _INVITE,
        "edit_window_closed": _SETTINGS,
        "ekm_access_denied": _SETTINGS,
        "enterprise_is_restricted": _SETTINGS,
        "is_archived": "Unarchive the channel, or use another one.",
        "messages_tab_disabled": _OPERATORS,
        "method_not_supported_for_channel_type": "Use an ordinary channel.",
        "no_permission": _SETTINGS,
        "not_allowed_token_type": (
            "Ask the people who run Sitrep to set a bot token (`xoxb-…`): `sitrep doctor` checks it."
        ),
        "not_in_channel": _INVITE,
        "org_login_required": _SETTINGS,
        "restricted_action": _SETTINGS,
        "team_access_not_granted": _SETTINGS,
        "user_disabled": "Name somebody else.",
        "user_is_restricted": "Name a member of the workspace.",
    }
)

# Whatever anybody mends, the same call is refused again.
_FINAL: Final = frozenset({"cannot_dm_bot", "user_disabled", "user_is_restricted"})

# What was refused, by the method of Slack's Web API; each fits after "Slack refused".
_CALLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "conversations.history": "to show me the message",
        "conversations.info": "to show me the channel",
        "conversations.list": "to show me the channels",
        "conversations.members": "to tell me who is in the channel",
        "conversations.replies": "to show me the thread",
        "conversations.open": "to open the conversation",
        "conversations.join": "to let me into the channel",
        "conversations.invite": "the invitation",
        "chat.getPermalink": "to give me the message's address",
        "chat.postEphemeral": "to show you my answer",
        "chat.postMessage": "my message",
        "usergroups.list": "to show me the groups",
        "usergroups.users.list": "to tell me who is in the group",
        "users.info": "to tell me who that is",
        "users.lookupByEmail": "to tell me whose address that is",
        "views.open": "to open the form",
        "views.publish": "to show the Home tab",
        "views.update": "to change the form",
    }
)
