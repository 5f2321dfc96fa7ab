"""How entries read in a postmortem: what happened, by role; only the table of roles has names."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.core.markdown_text import escape
from incidents.core.people import ActorKind
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, PersonView
from incidents.postmortem.durations import RoleSpan, role_at
from incidents.record.entries import MessageEntry

SOMEBODY = "a responder"

# The program's own bookkeeping, which says nothing about the incident.
OMITTED = frozenset(
    {
        *(EntryKind.PERSON_JOINED, EntryKind.PERSON_LEFT, EntryKind.INVITE_REFUSED),
        *(
            EntryKind.CHANNEL_OPENED,
            EntryKind.CHANNEL_REFUSED,
            EntryKind.CHANNEL_LINKED,
            EntryKind.CHANNEL_RENAMED,
        ),
        *(EntryKind.CHANNEL_ARCHIVED, EntryKind.CHANNEL_UNARCHIVED, EntryKind.BOT_REMOVED),
        *(EntryKind.EFFECT_FAILED, EntryKind.EFFECT_RETRIED, EntryKind.EXPORTED),
        *(
            EntryKind.UPDATE_REMINDED,
            EntryKind.UPDATE_SNOOZED,
            EntryKind.STALE_ASKED,
            EntryKind.CHECKIN_DUE,
        ),
        *(
            EntryKind.POSTMORTEM_DRAFTED,
            EntryKind.POSTMORTEM_OWNER_SET,
            EntryKind.POSTMORTEM_EDITED,
        ),
        *(EntryKind.POSTMORTEM_PUBLISHED, EntryKind.POSTMORTEM_REMINDED),
        *(EntryKind.ACTION_ITEM_ADDED, EntryKind.ACTION_ITEM_ASSIGNED, EntryKind.ACTION_ITEM_DONE),
        *(EntryKind.AMENDED, EntryKind.WITHDRAWN, EntryKind.REDACTED),
    }
)

# Entries recorded later than this after they happened say when they were recorded.
_LATE = timedelta(minutes=5)

_USER_TOKEN = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")

_ONE_MISSED = "A stakeholder update was missed."

_MOMENTS: Mapping[str, str] = MappingProxyType(
    {
        "impact_started_at": "Impact started",
        "impact_ended_at": "Impact ended",
        "detected_at": "Detected",
        "mitigated_at": "Mitigated",
        "resolved_at": "Resolved",
    }
)


@dataclass(frozen=True, slots=True)
class Narrator:
    """Words entries by the roles that people held at the time."""

    roles: Sequence[RoleSpan]
    people: Sequence[PersonView]

    def actor(self, entry: EntryView) -> str:
        """Return who acted: a role, `a responder`, or the kind of actor; Markdown."""
        if entry.kind in _SAID_BY_OTHERS:
            return self.role_of(self._find_author(entry), at=entry.occurred_at)
        if entry.actor_kind == ActorKind.PERSON:
            return self.role_of(entry.actor_id, at=entry.occurred_at)
        return "Sitrep" if entry.actor_kind == ActorKind.SYSTEM else "an operator"

    def role_of(self, person_id: uuid.UUID | None, *, at: datetime) -> str:
        """Return the role that the person held at that moment, or `a responder`; Markdown."""
        span = role_at(self.roles, person_id, at=at)
        return escape(span.role_name) if span else SOMEBODY

    def words(self, text: str, *, at: datetime) -> str:
        """Return people's text as Markdown, with known names replaced by roles."""
        return escape(self.unnamed(text, at=at))

    def unnamed(self, text: str, *, at: datetime) -> str:
        """Return people's text, not yet escaped, with known names replaced by roles."""
        by_token = {person.external_id: person for person in self.people}

        def role(person: PersonView | None) -> str:
            span = role_at(self.roles, person.id, at=at) if person else None
            return span.role_name if span else SOMEBODY

        text = _USER_TOKEN.sub(lambda found: role(by_token.get(found[1])), text)
        for person in sorted(self.people, key=lambda person: -len(person.name)):
            if not person.name:
                continue
            text = _names_of(person.name).sub(role(person).replace("\\", r"\\"), text)
        return text

    def sentence(self, entry: EntryView) -> str:
        """Return what happened, as Markdown on one line; an unknown kind is shown generically."""
        if entry.is_redacted:
            return "_redacted_"
        teller = _TELLERS.get(entry.kind, _tell_generically)
        told = teller(self, entry)
        if entry.recorded_at - entry.occurred_at > _LATE:
            told = f"{told} _(recorded {entry.recorded_at:%Y-%m-%d %H:%M})_"
        return told

    @staticmethod
    def _find_author(entry: EntryView) -> uuid.UUID | None:
        message = MessageEntry.read(entry.content)
        return message.author.id if message is not None else None


def _names_of(name: str) -> re.Pattern[str]:
    """Return the pattern for a name: after `@` in any case; for a full name, also without."""
    spelled = re.escape(name)
    plain = rf"|\b{spelled}(?!\w)" if " " in name else ""
    return re.compile(rf"(?<!\w)@(?i:{spelled})(?!\w){plain}")


Teller = Callable[[Narrator, EntryView], str]


def is_told(entry: EntryView) -> bool:
    """Tell whether a postmortem's timeline includes the entry."""
    if entry.kind == EntryKind.MILESTONE_SET:
        return bool(entry.text("new"))
    return entry.kind not in OMITTED


def _said(narrator: Narrator, entry: EntryView, *names: str) -> str:
    found = next((entry.text(name) for name in names if entry.text(name)), "")
    return narrator.words(found, at=entry.occurred_at)


def _and_said(told: str, more: str) -> str:
    return f"{told}: {more}" if more else f"{told}."


def _tell_declared(narrator: Narrator, entry: EntryView) -> str:
    severity = escape(entry.text("severity"))
    return _and_said(f"Declared as {severity}", _said(narrator, entry, "title"))


def _tell_status(narrator: Narrator, entry: EntryView) -> str:
    verb = "Reopened, status" if entry.content.get("is_reopening") else "Status"
    told = f"{verb} {escape(entry.text('old'))} → {escape(entry.text('new'))}"
    return _and_said(told, _said(narrator, entry, "text", "resolution", "reason"))


def _tell_severity(narrator: Narrator, entry: EntryView) -> str:
    told = f"Severity {escape(entry.text('old'))} → {escape(entry.text('new'))}"
    return _and_said(told, _said(narrator, entry, "reason"))


def _tell_edited(_narrator: Narrator, entry: EntryView) -> str:
    changes = entry.content.get("changes")
    names = ", ".join(sorted(changes)) if isinstance(changes, dict) else ""
    return _and_said("Edited", escape(names))


def _tell_milestone(_narrator: Narrator, entry: EntryView) -> str:
    return f"{_MOMENTS.get(entry.text('name'), escape(entry.text('name')))}."


def _tell_role(narrator: Narrator, entry: EntryView) -> str:
    role = _said(narrator, entry, "role_name", "role")
    given = "given up" if entry.kind == EntryKind.ROLE_ENDED else "filled"
    return _and_said(f"Role {given}", role)


def _tell_commander(narrator: Narrator, entry: EntryView) -> str:
    return _and_said("Command handed over", _said(narrator, entry, "reason", "brief"))


def _tell_update(narrator: Narrator, entry: EntryView) -> str:
    number = escape(entry.text("number"))
    said = _said(narrator, entry, "text", "actions", "impact", "next_steps")
    return _and_said(f"Stakeholder update {number}".rstrip(), said)


def _tell_missed(_narrator: Narrator, entry: EntryView) -> str:
    if entry.content.get("is_bots"):
        return "Sitrep was away when a stakeholder update was due."
    count = int(entry.content.get("count") or 1)
    return f"{count} stakeholder updates were missed." if count > 1 else _ONE_MISSED


def _tell_text(narrator: Narrator, entry: EntryView) -> str:
    return _said(narrator, entry, "text", "name", "title", "permalink", "url")


def _tell_generically(narrator: Narrator, entry: EntryView) -> str:
    words = _HEADS.get(entry.kind) or escape(entry.kind.replace("_", " ").capitalize())
    return _and_said(words, _said(narrator, entry, "text", "question", "answer", "words", "reason"))


_HEADS: Mapping[str, str] = MappingProxyType(
    {
        EntryKind.COMMANDER_MISSING: "Nobody in command yet",
        EntryKind.SUCCESSOR_WANTED: "A new commander is asked for",
        EntryKind.STALE_ANSWERED: "Still working on it",
    }
)

_SAID_BY_OTHERS = frozenset({EntryKind.MARKED, EntryKind.PINNED})

_TELLERS: Mapping[str, Teller] = MappingProxyType(
    {
        EntryKind.DECLARED: _tell_declared,
        EntryKind.STATUS_CHANGED: _tell_status,
        EntryKind.SEVERITY_CHANGED: _tell_severity,
        EntryKind.EDITED: _tell_edited,
        EntryKind.MILESTONE_SET: _tell_milestone,
        EntryKind.ROLE_ASSIGNED: _tell_role,
        EntryKind.ROLE_ENDED: _tell_role,
        EntryKind.COMMANDER_CHANGED: _tell_commander,
        EntryKind.UPDATE_POSTED: _tell_update,
        EntryKind.UPDATE_MISSED: _tell_missed,
        EntryKind.NOTE: _tell_text,
        EntryKind.MARKED: _tell_text,
        EntryKind.PINNED: _tell_text,
        EntryKind.FILE_LINKED: _tell_text,
    }
)
