"""Effects: intended work outside the database, as frozen values that hold ids only.

No slots here: `slots=True` creates each class twice, and `__subclasses__` would list both.
Stored effects must stay readable: add fields with defaults, never rename a kind.
"""

import types
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from incidents.storage.database import storable_json


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The base of all effects; the outbox stores `kind`.

    `needs_channel`: the effect is dropped while the incident has no usable channel.
    `one_persons_own`: the effect is private to one person, so its failure isn't recorded either.
    `shows_entry`: the channel learns by it what its entry says; if it fails, the entry's author is told.
    `hurries`: what waits before it in its lane to be tried again is tried now, or drops itself.
    """

    kind: ClassVar[str] = ""
    needs_channel: ClassVar[bool] = False
    one_persons_own: ClassVar[bool] = False
    shows_entry: ClassVar[bool] = False
    hurries: ClassVar[bool] = False
    incident_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OpenIncidentChannel(Effect):
    """Open the incident's own channel."""

    kind: ClassVar[str] = "open_incident_channel"


@dataclass(frozen=True, kw_only=True)
class InvitePerson(Effect):
    """Invite one known person to the incident channel."""

    kind: ClassVar[str] = "invite_person"
    needs_channel: ClassVar[bool] = True
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RemovePerson(Effect):
    """Remove somebody from a private incident's channel, and tell them; `entry_id` says why."""

    kind: ClassVar[str] = "remove_person"
    person_id: uuid.UUID
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class InvitePolicyPeople(Effect):
    """Invite people (by id or email) and groups (by id or handle) that the policy names."""

    kind: ClassVar[str] = "invite_policy_people"
    needs_channel: ClassVar[bool] = True
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RefreshRefusedInvites(Effect):
    """Show refused invitations in the channel, or to one person, or update them there."""

    kind: ClassVar[str] = "refresh_refused_invites"
    batch_id: uuid.UUID
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RefreshStatusCard(Effect):
    """Post the status card or update it in place."""

    kind: ClassVar[str] = "refresh_status_card"
    needs_channel: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class PinStatusCard(Effect):
    """Pin the status card in the incident channel."""

    kind: ClassVar[str] = "pin_status_card"
    needs_channel: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RefreshAnnouncement(Effect):
    """Post the announcement or update it in place."""

    kind: ClassVar[str] = "refresh_announcement"


@dataclass(frozen=True, kw_only=True)
class SetChannelTopic(Effect):
    """Set the incident channel's topic; if it `exists`, only in place of an older one of ours."""

    kind: ClassVar[str] = "set_channel_topic"
    needs_channel: ClassVar[bool] = True
    exists: bool = False


@dataclass(frozen=True, kw_only=True)
class AddBookmarks(Effect):
    """Add the policy's bookmarks to the incident channel; `is_new`: it has none yet."""

    kind: ClassVar[str] = "add_bookmarks"
    needs_channel: ClassVar[bool] = True
    is_new: bool = False


@dataclass(frozen=True, kw_only=True)
class PostEntry(Effect):
    """Post a timeline entry in the incident channel, rendered from the entry.

    It goes under the live message of purpose `thread` about `thread_id`, if that is in the channel;
    with `is_broadcast` the channel shows it, too.
    """

    kind: ClassVar[str] = "post_entry"
    needs_channel: ClassVar[bool] = True
    shows_entry: ClassVar[bool] = True
    entry_id: uuid.UUID
    thread: str = ""
    thread_id: uuid.UUID | None = None
    is_broadcast: bool = False


@dataclass(frozen=True, kw_only=True)
class TellPerson(Effect):
    """Tell one person about a timeline entry by direct message, rendered from the entry."""

    kind: ClassVar[str] = "tell_person"
    entry_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RefreshEntryMessages(Effect):
    """Update messages about entries: those that are over say how they ended, without buttons.

    `message_id` is one message that failed among the others; it is retried alone.
    """

    kind: ClassVar[str] = "refresh_entry_messages"
    message_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class SendPrompt(Effect):
    """Send a prompt to its owner by direct message or update it there."""

    kind: ClassVar[str] = "send_prompt"
    one_persons_own: ClassVar[bool] = True
    prompt_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class FetchMarkedMessage(Effect):
    """Fetch the text of a marked message for the timeline."""

    kind: ClassVar[str] = "fetch_marked_message"
    message_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class SignMessage(Effect):
    """Show on a marked message whether its entry is on the timeline."""

    kind: ClassVar[str] = "sign_message"
    needs_channel: ClassVar[bool] = True
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class UploadExport(Effect):
    """Upload the timeline as a file (md, csv, json) to the incident's channel."""

    kind: ClassVar[str] = "upload_export"
    needs_channel: ClassVar[bool] = True
    entry_id: uuid.UUID
    format: str = "md"


@dataclass(frozen=True, kw_only=True)
class EraseEntryMessage(Effect):
    """Remove a redacted entry's text from the messages that showed it, also directly."""

    kind: ClassVar[str] = "erase_entry_message"
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class EraseTitle(Effect):
    """Reduce the direct messages that named an incident by a title that was redacted."""

    kind: ClassVar[str] = "erase_title"


@dataclass(frozen=True, kw_only=True)
class DeleteFiles(Effect):
    """Delete the files that we uploaded before a redaction: they hold what was redacted."""

    kind: ClassVar[str] = "delete_files"


@dataclass(frozen=True, kw_only=True)
class JoinChannel(Effect):
    """Join the existing channel that people chose for the incident."""

    kind: ClassVar[str] = "join_channel"


@dataclass(frozen=True, kw_only=True)
class DiscardChannel(Effect):
    """Archive a channel that was opened after the incident had got another one."""

    kind: ClassVar[str] = "discard_channel"
    channel_id: str


@dataclass(frozen=True, kw_only=True)
class RemoveMessages(Effect):
    """Remove our messages and files about a private incident from places that others can read."""

    kind: ClassVar[str] = "remove_messages"


@dataclass(frozen=True, kw_only=True)
class RetireChannel(Effect):
    """Archive the old channel of an incident that moved to a private one, with a last message."""

    kind: ClassVar[str] = "retire_channel"
    channel_id: str


@dataclass(frozen=True, kw_only=True)
class PostMove(Effect):
    """Post in the old channel where the incident continues."""

    kind: ClassVar[str] = "post_move"
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ArchiveChannel(Effect):
    """Archive the channel of an incident that is over, with a last message."""

    kind: ClassVar[str] = "archive_channel"
    needs_channel: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class UnarchiveChannel(Effect):
    """Unarchive the channel of a reopened incident."""

    kind: ClassVar[str] = "unarchive_channel"


@dataclass(frozen=True, kw_only=True)
class SendReadIn(Effect):
    """Show a newcomer to the channel where the incident stands; only they see it."""

    kind: ClassVar[str] = "send_read_in"
    needs_channel: ClassVar[bool] = True
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class CatchUp(Effect):
    """Read what happened in the incident channel while Sitrep was away.

    Also where others can read the channel: somebody may have left it meanwhile.
    """

    kind: ClassVar[str] = "catch_up"
    absence_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RefreshHome(Effect):
    """Update a person's Home tab; `page` is the page of open incidents, from 1.

    Page 0 is the one that they saw last, if they looked lately and it has changed.
    """

    kind: ClassVar[str] = "refresh_home"
    person_id: uuid.UUID
    page: int = 1


def encode(effect: Effect) -> dict[str, Any]:
    """Return the effect's fields as JSON values."""
    values = {field.name: getattr(effect, field.name) for field in fields(effect)}
    stored: dict[str, Any] = storable_json(values, default=str)
    return stored


def decode(kind: str, payload: Mapping[str, Any]) -> Effect:
    """Rebuild a stored effect. Raises: KeyError for a kind that this version doesn't know."""
    effect_type = effect_types()[kind]
    hints = get_type_hints(effect_type)
    known = {field.name for field in fields(effect_type)}
    values = {name: _decode(hints[name], value) for name, value in payload.items() if name in known}
    return effect_type(**values)


def effect_types() -> dict[str, type[Effect]]:
    """Return the class of every effect that this version knows, by kind."""
    return {effect_type.kind: effect_type for effect_type in Effect.__subclasses__()}


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in value)
    if isinstance(hint, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    return uuid.UUID(value) if hint is uuid.UUID else value
