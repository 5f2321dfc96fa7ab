"""How entries read in a postmortem: what happened, by role; only the table of roles has names."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.markdown_text import escape
from incidents.core.people import ActorKind
from incidents.core.sentences import Markdown, Who, as_line
from incidents.incident.entries import MilestoneSet
from incidents.incident.payload import Decoded, EntryTypes, decode
from incidents.incident.views import EntryView, PersonView
from incidents.postmortem.durations import RoleSpan, role_at
from incidents.record.entries import MessageEntry

SOMEBODY = "a responder"

# Entries further apart than this say when they were written down.
_LATE = timedelta(minutes=5)

_USER_TOKEN = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Narrator:
    """Words entries by the roles that people held at the time."""

    roles: Sequence[RoleSpan]
    people: Sequence[PersonView]
    entry_types: EntryTypes

    def tells(self, entry: EntryView) -> bool:
        """Tell whether the entry belongs in a postmortem's timeline."""
        payload = self._decoded(entry).payload
        if isinstance(payload, MilestoneSet):
            return payload.new is not None
        return not payload.is_bookkeeping

    def actor(self, entry: EntryView) -> str:
        """Return who did it: a role, `a responder`, or what kind of actor it was; Markdown."""
        payload = self._decoded(entry).payload
        if isinstance(payload, MessageEntry):  # its author said it, no matter who marked it
            return self.role_of(payload.author.id, at=entry.occurred_at)
        if entry.actor_kind == ActorKind.PERSON:
            return self.role_of(entry.actor_id, at=entry.occurred_at)
        return "Sitrep" if entry.actor_kind == ActorKind.SYSTEM else "an operator"

    def sentence(self, entry: EntryView) -> str:
        """Return what happened, as Markdown on one line; an unknown kind reads generically."""
        if entry.is_redacted:
            return "_redacted_"
        decoded, payload = self._decoded(entry), self._decoded(entry).payload
        subject_id = payload.author.id if isinstance(payload, MessageEntry) else entry.actor_id
        line = as_line(decoded.tell(subject_id), ByRole(narrator=self, at=entry.occurred_at))
        if entry.recorded_at - entry.occurred_at > _LATE:
            line = f"{line} _(recorded {entry.recorded_at:%Y-%m-%d %H:%M})_"
        return line

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

    def find_id(self, who: Who) -> uuid.UUID | None:
        """Return the id of a person that an entry names, even if only by name, or None."""
        if who.id is not None:
            return who.id
        called = {who.external_id, who.name} - {""}
        known = (one.id for one in self.people if called & {one.external_id, one.name})
        return next(known, None)

    def _decoded(self, entry: EntryView) -> Decoded:
        return decode(entry.kind, entry.content, self.entry_types)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRole(Markdown):
    """Markdown in which people are the roles they held at a moment, also in people's own text."""

    narrator: Narrator
    at: datetime

    def own_text(self, text: str) -> str:
        """Return the text, escaped, with roles for the names of people we know.

        A name that stands alone, or before brackets, is somebody's even if it is a common word.
        """
        name, bracket, more = text.partition(" (")
        person_id = self.narrator.find_id(Who(name))
        if person_id is None:
            return self.narrator.words(text, at=self.at)
        role = self.narrator.role_of(person_id, at=self.at)
        return f"{role}{bracket}{self.narrator.words(more, at=self.at)}"

    def person(self, who: Who) -> str:
        """Return the role, or `a responder`."""
        return self.narrator.role_of(self.narrator.find_id(who), at=self.at)


def _names_of(name: str) -> re.Pattern[str]:
    """Return the pattern for a name: after `@` in any case; a full name also without it."""
    spelled = re.escape(name)
    plain = rf"|\b{spelled}(?!\w)" if " " in name else ""
    return re.compile(rf"(?<!\w)@(?i:{spelled})(?!\w){plain}")
