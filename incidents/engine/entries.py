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
        return telling("gave up ", *self.what(), ": Slack refused it", *because)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRetried(Payload):
    """Somebody requeued a dead letter."""

    kind: ClassVar[str] = "effect_retried"
    is_bookkeeping: ClassVar[bool] = True
    effect_id: uuid.UUID | None = None
    effect_kind: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was tried again."""
        return telling(f"retried {effect_words(self.effect_kind)}")


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
            return (f"What was said here meanwhile can't be read, because {reason}", _MARK)
        if not self.is_complete:
            return ("More was said here than can be read afterwards", _MARK)
        return ("What was marked, pinned or shared here meanwhile is on the record.",)


ENTRIES: Final[tuple[type[Payload], ...]] = (Acknowledged, EffectFailed, EffectRetried, WasAway)

_MARK: Final = ": mark again what should be kept."
_NOT_HEARD: Final = " Commands and buttons from that time did nothing: please use them again."


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


# Each fits after "gave up", "Slack refused" and "Trying again:".
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open_incident_channel": "opening the incident channel",
        "invite_person": "inviting somebody",
        "invite_policy_people": "inviting the people the policy names",
        "refresh_refused_invites": "saying who couldn't be invited",
        "remove_person": "removing somebody from the channel",
        "refresh_status_card": "showing the status card",
        "pin_status_card": "pinning the status card",
        "refresh_announcement": "announcing the incident",
        "post_news": "posting news in the announcement's thread",
        "tell_followers": "sending news to those who follow the incident",
        "set_channel_topic": "setting the channel's topic",
        "add_bookmarks": "adding the channel's bookmarks",
        "post_entry": "posting a message in the channel",
        "tell_person": "sending a direct message",
        "tell_role_holder": "sending a role's checklist",
        "refresh_handoff": "showing the handoff",
        "upload_postmortem": "uploading the postmortem",
        "fetch_marked_message": "reading a marked message",
        "sign_message": "showing that a message is on the timeline",
        "upload_export": "uploading the export",
        "erase_entry_message": "erasing a redacted message",
        "erase_title": "taking a redacted title out of direct messages",
        "delete_files": "deleting files that hold a redacted text",
        "refresh_entry_messages": "bringing a message up to date",
        "join_channel": "joining the channel",
        "discard_channel": "putting a spare channel away",
        "post_move": "saying where the incident moved",
        "archive_channel": "archiving the channel",
        "unarchive_channel": "bringing the channel back",
        "remove_messages": "removing messages from places that others can read",
        "retire_channel": "putting the public channel away",
        "send_read_in": "reading a newcomer in",
        "catch_up": "reading what happened while Sitrep was away",
        "refresh_home": "showing somebody's Home tab",
        "send_mentor_notes": "sending a mentor the notes on a drill",
        "send_scorecard": "sending the scorecard of a drill",
        "refresh_escalation_card": "showing the escalation",
        "call_for_escalation": "calling somebody for an escalation",
        "refresh_escalation_call": "bringing a call up to date",
        "look_up_callees": "finding out who an escalation has to call",
        "refresh_proposal": "showing a proposal",
        "refresh_proposal_of_entry": "taking a redacted text out of a proposal",
        "send_prompt": "sending a question by direct message",
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
        "user_is_restricted": "guests are kept out",
        "cant_invite": "Slack doesn't allow inviting them",
        "no_permission": "Sitrep wasn't given the right to",
        "msg_too_long": "the message is too long",
        "user_disabled": "the account is deactivated",
        "not_allowed_token_type": "Sitrep's token isn't a bot token",
        "access_denied": "a workspace setting doesn't allow it",
        "ekm_access_denied": "the organisation's encryption keys are withdrawn",
        "enterprise_is_restricted": "the organisation doesn't allow it",
        "team_access_not_granted": "the organisation hasn't let Sitrep into this workspace",
        "cant_update_message": "the message can't be edited",
        "edit_window_closed": "messages can't be edited any more after a while",
        "cannot_dm_bot": "bots get no direct messages",
        "messages_tab_disabled": "the app's messages are switched off",
        "method_not_supported_for_channel_type": "it doesn't work in this kind of channel",
        "restricted_action_read_only_channel": "only some people may post there",
        "restricted_action_non_threadable_channel": "a workspace setting doesn't allow it",
        "unknown_method": "this Slack doesn't know it",
    }
)
