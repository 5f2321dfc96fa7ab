"""The engine's timeline entries: one payload class per kind."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import (
    Detail,
    HowLong,
    Sentence,
    Telling,
    When,
    Who,
    Words,
    telling,
)
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Payload):
    """A person first responded to the incident."""

    kind: ClassVar[str] = "acknowledged"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that the incident was acknowledged."""
        return telling("acknowledged the incident")


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed(Payload):
    """An effect became a dead letter; `error` is the chat service's code."""

    kind: ClassVar[str] = "effect_failed"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""
    error: str = ""
    # Whose words they were that couldn't be posted.
    author_id: uuid.UUID | None = None
    # Who should have been invited, called, or told.
    person: Who | None = None

    def what(self) -> Sentence:
        """Return what was refused, with the name of the person concerned."""
        words = effect_words(self.effect_kind)
        if self.person is None:
            return (words,)
        before, somebody, after = words.partition("somebody")
        return (before, self.person, after) if somebody else (words, " for ", self.person)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was refused, and why."""
        reason = refusal_reason(self.error)
        answer = (" (", Words(self.error.replace("_", " ")), ")") if self.error else ()
        because = (f", because {reason}",) if reason else answer
        return telling("couldn't ", *self.what(), ": Slack refused it", *because)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRetried(Payload):
    """Somebody requeued a dead letter."""

    kind: ClassVar[str] = "effect_retried"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was tried again."""
        return telling(f"tried again to {effect_words(self.effect_kind)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WasAway(Payload):
    """Sitrep wasn't running, or heard nothing; what it missed in the channel was read afterwards.

    `is_complete`: all of it. `error` is the chat service's code if it refused. `is_repeat`: the
    channel heard of another absence shortly before.
    """

    kind: ClassVar[str] = "was_away"
    is_bookkeeping: ClassVar[bool] = True
    from_at: datetime | None = None
    until_at: datetime | None = None
    is_complete: bool = True
    is_repeat: bool = False
    error: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how long, from when to when, and what that means."""
        how_long: Sentence = ()
        if self.from_at is not None and self.until_at is not None:
            lasting = HowLong(self.until_at - self.from_at)
            how_long = (
                " for ",
                lasting,
                ", from ",
                When(self.from_at),
                " to ",
                When(self.until_at),
            )
        details = (Detail((*self._reading(), _NOT_HEARD)),)
        return telling("was away", *how_long, details=details)

    def _reading(self) -> Sentence:
        if self.error:
            reason = refusal_reason(self.error) or f"Slack refused it ({self.error})"
            return (f"Messages from that time can't be read, because {reason}", _MARK)
        if not self.is_complete:
            return ("Some messages from that time can't be read any more", _MARK)
        return ("Messages marked, pinned or shared here meanwhile are on the record.",)


ENTRIES: Final[tuple[type[Payload], ...]] = (Acknowledged, EffectFailed, EffectRetried, WasAway)

_MARK: Final = ": mark again what you want to keep."
_NOT_HEARD: Final = " Commands and buttons did nothing meanwhile: please use them again."


def effect_words(kind: str) -> str:
    """Return what effects of this kind do, in words."""
    return _WORDS.get(kind, kind.replace("_", " "))


def refusal_reason(error: str) -> str:
    """Return why the chat service refused, in words, or an empty text if we have none.

    After the code, an error may name the scopes that are missing: `missing_scope: pins:write`.
    """
    code, _, scopes = error.partition(": ")
    if code == "missing_scope" and scopes:
        return f"Sitrep lacks the scope {scopes.replace(',', ' or ')}"
    return _REASONS.get(code, "")


# Each fits after "couldn't", "tried again to" and "I'm trying again to".
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open_incident_channel": "open the incident channel",
        "invite_person": "invite somebody",
        "invite_policy_people": "invite the people the policy names",
        "refresh_refused_invites": "say who couldn't be invited",
        "remove_person": "remove somebody from the channel",
        "refresh_status_card": "update the status card",
        "pin_status_card": "pin the status card",
        "refresh_announcement": "announce the incident",
        "post_news": "post news in the announcement's thread",
        "tell_followers": "send news to those who follow the incident",
        "set_channel_topic": "set the channel's topic",
        "add_bookmarks": "add the channel's bookmarks",
        "post_entry": "post a message in the channel",
        "tell_person": "send a direct message",
        "tell_role_holder": "send a role's checklist",
        "refresh_handoff": "update the handoff",
        "upload_postmortem": "upload the postmortem",
        "fetch_marked_message": "read a marked message",
        "sign_message": "show that a message is on the timeline",
        "upload_export": "upload the export",
        "erase_entry_message": "erase a redacted message",
        "erase_title": "remove a redacted title from direct messages",
        "delete_files": "delete files with a redacted text",
        "refresh_entry_messages": "update a message",
        "join_channel": "join the channel",
        "discard_channel": "archive a spare channel",
        "post_move": "say where the incident moved",
        "archive_channel": "archive the channel",
        "unarchive_channel": "unarchive the channel",
        "remove_messages": "remove messages from places that others can read",
        "retire_channel": "archive the public channel",
        "send_read_in": "brief a newcomer",
        "catch_up": "read what happened while Sitrep was away",
        "refresh_home": "update somebody's Home tab",
        "send_mentor_notes": "send a mentor the notes on a drill",
        "send_scorecard": "send the scorecard of a drill",
        "refresh_escalation_card": "update the escalation",
        "call_for_escalation": "call somebody for an escalation",
        "refresh_escalation_call": "update a call",
        "look_up_callees": "look up who to call",
        "refresh_proposal": "update a proposal",
        "refresh_proposal_of_entry": "remove a redacted text from a proposal",
        "send_prompt": "send a question by direct message",
    }
)

# The commonest refusals; each fits after "because".
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "restricted_action": "a workspace setting doesn't allow it",
        "not_in_channel": "Sitrep isn't in the channel",
        "channel_not_found": "the channel isn't there, or Sitrep can't see it",
        "is_archived": "the channel is archived",
        "missing_scope": "Sitrep lacks a scope for it",
        "user_is_restricted": "guests aren't allowed",
        "cant_invite": "Slack doesn't allow inviting them",
        "no_permission": "Sitrep doesn't have the right to",
        "msg_too_long": "the message is too long",
        "user_disabled": "the account is deactivated",
        "not_allowed_token_type": "Sitrep's token isn't a bot token",
        "access_denied": "a workspace setting doesn't allow it",
        "ekm_access_denied": "the organisation's encryption keys are withdrawn",
        "enterprise_is_restricted": "the organisation doesn't allow it",
        "team_access_not_granted": "the organisation hasn't let Sitrep into this workspace",
        "cant_update_message": "the message can't be edited",
        "edit_window_closed": "it is too late to edit the message",
        "cannot_dm_bot": "bots can't get direct messages",
        "messages_tab_disabled": "the app's messages are switched off",
        "method_not_supported_for_channel_type": "it doesn't work in this kind of channel",
        "restricted_action_read_only_channel": "only some people may post there",
        "restricted_action_non_threadable_channel": "a workspace setting doesn't allow it",
        "unknown_method": "Slack doesn't know this call",
    }
)
