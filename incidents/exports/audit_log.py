"""The audit log as a file for the operator and auditors: Markdown, CSV or JSON.

It names people and their new stages, so only the command line writes it, never a conversation.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.hash_chain import GENESIS_HASH, ChainHead, instant_text
from incidents.core.markdown_text import escape, table
from incidents.core.signing import SigningKey, head_line
from incidents.engine.entries import effect_words
from incidents.exports.csv_format import RECORD_HEAD, csv_bytes
from incidents.exports.documents import (
    AUDIT_FORMAT,
    AUDIT_HASHED,
    json_bytes,
    signed_document,
)
from incidents.exports.export import ExportFile, ExportFormat
from incidents.record.audit_log import AuditEntry, AuditKind, audit_entries, hashed_fields

_HEADER = ("sequence", "recorded_at", "kind", "actor", "subject", "what", "entry_id", "entry_hash")


async def export_audit_log(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    fmt: ExportFormat,
    signer: SigningKey | None = None,
) -> ExportFile:
    """Return the workspace's whole audit log as a file that says up to which entry it goes."""
    subject = f"audit-log:{workspace_id}"
    entries, head = await audit_entries(session, workspace_id=workspace_id)
    name = f"audit-log-{head.sequence}.{fmt.value}"
    match fmt:
        case ExportFormat.MARKDOWN:
            return ExportFile(name, _markdown(entries, head_line(subject, head, signer)))
        case ExportFormat.CSV:
            rows = _rows(entries, head, head_line(subject, head, signer))
            return ExportFile(name, csv_bytes(_HEADER, rows))
        case ExportFormat.JSON:
            return ExportFile(name, _json(subject, entries, head, signer))


def _markdown(entries: Sequence[AuditEntry], up_to: str) -> bytes:
    rows = [
        (
            *(str(entry.sequence), _instant(entry.recorded_at)),
            *(escape(entry.actor_name), escape(say(entry))),
        )
        for entry in entries
    ]
    parts = [
        "# Audit log",
        "Changes that belong to no incident. Times are UTC.",
        table(("No.", "When", "Who", "What"), rows) if rows else "Nothing yet.",
        f"{up_to}. `sitrep verify` checks the JSON export, which holds the whole chain.",
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _rows(entries: Sequence[AuditEntry], head: ChainHead, up_to: str) -> Iterator[tuple[str, ...]]:
    for entry in entries:
        yield (
            *(str(entry.sequence), instant_text(entry.recorded_at), entry.kind, entry.actor_name),
            *(_text(entry, "person_name"), say(entry), str(entry.id), entry.entry_hash),
        )
    if entries:
        when = instant_text(entries[-1].recorded_at)
        last = (str(head.sequence), when, RECORD_HEAD, "", "", up_to)
        yield (*last, str(entries[-1].id), head.entry_hash)


def _json(
    subject: str, entries: Sequence[AuditEntry], head: ChainHead, signer: SigningKey | None
) -> bytes:
    recorded_at = instant_text(entries[-1].recorded_at) if entries else None
    value = {
        "format": AUDIT_FORMAT,
        "subject": subject,
        "up_to": {"sequence": head.sequence, "recorded_at": recorded_at},
        "chain": {
            "genesis_hash": GENESIS_HASH,
            "head_sequence": head.sequence,
            "head_hash": head.entry_hash,
            "entry_hash_covers": list(AUDIT_HASHED),
        },
        "entries": [
            {
                **hashed_fields(entry),
                "entry_hash": entry.entry_hash,
                "content": entry.content,
                "salt": entry.salt,
            }
            for entry in entries
        ],
    }
    return json_bytes(signed_document(value, head, signer))


def say(entry: AuditEntry) -> str:
    """Return the change as one plain sentence."""
    if entry.content is None:
        return "Erased."
    person = _text(entry, "person_name")
    match entry.kind:
        case AuditKind.STAGE_SET:
            return f"Set {person} to {_stage(entry)}."
        case AuditKind.SIGNED_OFF:
            return f"Signed {person} off to {_stage(entry)}."
        case AuditKind.MENTOR_PROPOSED:
            return f"Proposed {_text(entry, 'mentor_name')} as a mentor of {person}."
        case AuditKind.MENTOR_DECLINED:
            return f"Declined {_text(entry, 'mentor_name')} as a mentor of {person}."
        case AuditKind.MENTOR_UNANSWERED | AuditKind.MENTOR_UNASKED:
            which = f"the question whether {_text(entry, 'mentor_name')} mentors {person}"
            is_late = entry.kind == AuditKind.MENTOR_UNANSWERED
            return f"Nobody answered {which}." if is_late else f"Withdrew {which}."
        case AuditKind.MENTOR_NAMED:
            return f"{_text(entry, 'mentor_name')} is now a mentor of {person}."
        case AuditKind.MENTOR_ENDED:
            return f"{_text(entry, 'mentor_name')} is no longer a mentor of {person}."
        case AuditKind.POLICY_CHANGED | AuditKind.POLICY_REFUSED | AuditKind.POLICY_ASKED:
            return _policy(entry.kind, entry.content)
        case AuditKind.HANDOVER_OFFERED:
            return f"Offered {person} an on-call handover."
        case AuditKind.HANDOVER_ACCEPTED:
            return f"Accepted the on-call handover from {person}."
    return _about_sight_or_record(entry)


def _about_sight_or_record(entry: AuditEntry) -> str:
    person = _text(entry, "person_name")
    match entry.kind:
        case AuditKind.SIGHT_OPENED:
            people = ", ".join((entry.content or {}).get("people") or ())
            return f"Opened the private incident {_text(entry, 'reference')} to {people}."
        case AuditKind.SIGHT_TAKEN_BACK:
            return f"Removed {person} from the private incident {_text(entry, 'reference')}."
        case AuditKind.SIGHT_ENDED:
            return f"{entry.actor_name} left the private channel of {_text(entry, 'reference')}."
        case AuditKind.SIGHT_RECOVERED:
            opened = f"{entry.actor_name} opened the private incident {_text(entry, 'reference')}"
            return f"{opened} as the policy's recovery person; the reason is on its timeline."
        case AuditKind.CHANNEL_CHANGED:
            return f"{_CHANGED.get(_text(entry, 'what'), 'Changed')}: {_text(entry, 'reference')}."
        case AuditKind.MESSAGES_REMOVED:
            return f"{_text(entry, 'reference')}: {_removed(entry.content or {})}"
        case AuditKind.REDACTED:
            kind = _text(entry, "kind").replace("_", " ")
            erased = f"Erased the text and names in entry {_text(entry, 'sequence')} ({kind})"
            return f"{erased}. {_text(entry, 'reason')}"
        case AuditKind.DESTROYED_ALONE:
            which = f"entry {_text(entry, 'sequence')} of {_text(entry, 'incident')}"
            return f"Hid and destroyed {which} alone. {_text(entry, 'reason')}"
        case AuditKind.PERSON_ERASED:
            return "Erased the personal data of somebody who has left."
        case AuditKind.RESTORED:
            return f"Recorded a restored backup. {_lost(entry)}{_text(entry, 'reason')}"
        case AuditKind.DEAD_LETTERS_DROPPED:
            return f"Dropped dead letters: {_dropped(entry)}. {_text(entry, 'reason')}"
    return _about_others(entry)


def _about_others(entry: AuditEntry) -> str:
    match entry.kind:
        case AuditKind.PHONES_SHOWN:
            whose = f"{_text(entry, 'names')} for {_text(entry, 'reference')}"
            return f"Showed {entry.actor_name} the phone numbers of {whose}."
        case AuditKind.PAGER_TESTED:
            return f"Sent test pages to {_text(entry, 'name')}: {_text(entry, 'addresses')}."
        case AuditKind.ON_CALL_OVERRIDDEN:
            where = f"{_text(entry, 'subject')} until {_text(entry, 'until')}"
            return f"Put {_text(entry, 'person_name')} on call for {where}."
        case AuditKind.ON_CALL_OVERRIDE_STOPPED:
            where = f"{_text(entry, 'person_name')} standing in for {_text(entry, 'subject')}"
            return f"Stopped {where}."
        case AuditKind.LOAD_SHOWN:
            whose = _text(entry, "scope") or "everybody"
            return f"Showed {entry.actor_name} the on-call report on {whose}."
        case AuditKind.MAINTENANCE_PLANNED:
            when = f"from {_text(entry, 'starts_at')} to {_text(entry, 'ends_at')}"
            return f"Planned a maintenance {when}."
        case AuditKind.MAINTENANCE_CHANGED:
            return f"Planned maintenance: {_text(entry, 'status')}."
    return f"{entry.kind}."


def _lost(entry: AuditEntry) -> str:
    gaps = (entry.content or {}).get("lost") or ()
    return "".join(f"Lost {gap['counter']}s {gap['first']} to {gap['last']}. " for gap in gaps)


def _dropped(entry: AuditEntry) -> str:
    return "; ".join(
        f"{effect_words(cause['effect_kind'])} ({cause['error']}), {_times(cause['count'])}"
        for cause in (entry.content or {}).get("causes") or ()
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _stage(entry: AuditEntry) -> str:
    scope = [
        f"{word} {value}"
        for word, value in (
            ("as", _text(entry, "role_key")),
            ("for", _text(entry, "service_key")),
        )
        if value
    ]
    before = f" (before: {_text(entry, 'previous')})" if _text(entry, "previous") else ""
    return " ".join((_text(entry, "stage"), *scope)) + before


def _policy(kind: str, content: Mapping[str, Any]) -> str:
    if kind == AuditKind.POLICY_ASKED:
        return "Asked Sitrep to read the policy again."
    if kind == AuditKind.POLICY_REFUSED:
        problems = " ".join(content.get("problems") or ())
        return f"The policy's file is wrong, so the policy before stays in force. {problems}"
    rights = "; ".join(
        f"{action}: {', '.join(who) or 'nobody'}" for action, who in _pairs(content.get("rights"))
    )
    seeds = [f"{seed['person']} {seed['stage']}" for seed in content.get("seeded_stages") or ()]
    seeded = f" Starting stages: {', '.join(seeds)}." if seeds else ""
    changes = list(content.get("changes") or ())
    if more := content.get("more_changes"):
        changes.append(f"and {more} more")
    changed = f" Changed: {'; '.join(changes)}." if changes else ""
    digest = content.get("digest")
    return f"The policy's digest is now {digest}.{changed} Rights: {rights}.{seeded}"


def _pairs(value: object) -> Iterator[tuple[str, list[str]]]:
    if isinstance(value, Mapping):
        yield from ((str(key), [str(one) for one in who]) for key, who in value.items())


def _text(entry: AuditEntry, key: str) -> str:
    value = (entry.content or {}).get(key)
    return str(value) if value else ""


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _removed(content: Mapping[str, Any]) -> str:
    """Return what was removed and what remains readable, channel by channel."""
    told = [_remains(one) for one in content.get("channels") or ()]
    direct = content.get("direct") or 0
    told += [f"{direct} direct messages deleted"] if direct else []
    return f"removed Sitrep's messages. {'. '.join(told)}."


def _remains(channel: Mapping[str, Any]) -> str:
    name = channel.get("channel_name") or channel.get("channel_id")
    mine = (channel.get("refused") or 0) + (channel.get("files_refused") or 0)
    return (
        f"#{name} ({channel.get('channel_id')}): {channel.get('removed', 0)} deleted, "
        f"{channel.get('reduced', 0)} shortened, {channel.get('files_removed', 0)} files deleted; "
        f"still readable by {channel.get('readable_by')}: {channel.get('of_people', 0)} messages by "
        f"people, {mine} by Sitrep"
    )


_CHANGED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "moved_to_private": "Moved to a private channel",
        "made_private": "Became private with its channel",
        "channel_made_public": "Channel made public; the incident stays private",
        "channel_made_private_again": "Channel made private again",
        "channel_shared": "Channel shared with another organisation",
        "channel_unshared": "Channel no longer shared with another organisation",
        "sharing_accepted": "Kept in a channel that another organisation can read",
    }
)
