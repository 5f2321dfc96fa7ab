"""The postmortem draft: sections from the record (pure), then Markdown by a template.

The policy sets the sections' order and titles; each starts with what people wrote. People appear
by role, except in the table of roles. All times are in UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from incidents.core.markdown_text import escape, escape_block, table
from incidents.core.times import spoken_duration
from incidents.incident.entries import UpdateMissed, UpdatePosted
from incidents.incident.payload import EntryTypes
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.policy import postmortem as policy
from incidents.postmortem.action_items import ActionItemView
from incidents.postmortem.durations import (
    Durations,
    RoleSpan,
    durations,
    milestones_of,
    payload_of,
    severity_spans,
)
from incidents.postmortem.narrative import Narrator
from incidents.postmortem.postmortem import PostmortemView

_UNKNOWN = "not on the record"
_NOTHING_YET = "_Nothing written yet._"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemFacts:
    """Everything a postmortem is made from; entries are corrected, in the order of display."""

    incident: IncidentView
    entries: tuple[EntryView, ...]
    entry_types: EntryTypes
    roles: tuple[RoleSpan, ...]
    people: tuple[PersonView, ...]
    action_items: tuple[ActionItemView, ...]
    sections: tuple[policy.Section, ...]
    now: datetime
    postmortem: PostmortemView | None = None
    owner: PersonView | None = None

    @property
    def narrator(self) -> Narrator:
        """Return who tells the entries, by roles."""
        return Narrator(self.roles, self.people, self.entry_types)

    def durations(self) -> Durations:
        """Return how long each part of the incident took."""
        return durations(self.entries, milestones_of(self.incident))


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the document: its title and body are Markdown."""

    key: str
    title: str
    body: str


def draft(facts: PostmortemFacts) -> tuple[Section, ...]:
    """Return the sections of the document in the policy's order."""
    return tuple(
        Section(section.key, escape(section.title), _body(facts, section))
        for section in facts.sections
    )


def render_markdown(facts: PostmortemFacts, *, template: str) -> str:
    """Return the whole document as Markdown, laid out by a Jinja template.

    Raises: jinja2.TemplateError for a template that can't be used.
    """
    from jinja2 import StrictUndefined  # noqa: PLC0415 - wanted only here
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - wanted only here

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template).render(
        title=escape(f"{facts.incident.reference}: {facts.incident.title}"),
        marks=_marks(facts),
        facts=_title_rows(facts),
        sections=draft(facts),
        made_at=_instant(facts.now),
    )


def _body(facts: PostmortemFacts, section: policy.Section) -> str:
    written = facts.postmortem.find_written(section.key) if facts.postmortem else None
    is_published = facts.postmortem is not None and facts.postmortem.is_published
    narrator = facts.narrator
    texts = []
    if written is not None and written.text:
        texts.append(escape_block(narrator.unnamed(written.text, at=facts.now)))
    elif section.prompt and not is_published:
        texts.append(f"> {escape(section.prompt)}")
    maker = _MAKERS.get(section.key) if section.kind is policy.SectionKind.AUTO else None
    if maker is not None:
        texts.append(maker(facts))
    elif written is None or not written.text:
        texts.append(_NOTHING_YET)
    return "\n\n".join(text for text in texts if text)


def _marks(facts: PostmortemFacts) -> tuple[str, ...]:
    marks = []
    if facts.incident.is_drill:
        marks.append("DRILL: practice, out of all figures.")
    if facts.incident.is_private:
        marks.append("PRIVATE: only for people who were called to this incident.")
    if facts.postmortem is None or not facts.postmortem.is_published:
        marks.append("DRAFT: made from the record; the questions are for its authors.")
    return tuple(marks)


def _title_rows(facts: PostmortemFacts) -> str:
    incident, postmortem = facts.incident, facts.postmortem
    rows = [
        ("Severity", escape(incident.severity_name)),
        ("Status", escape(incident.status.value)),
        ("Services", escape(", ".join(incident.services)) or "none named"),
        ("Declared", _instant(incident.declared_at)),
        ("Resolved", _instant(facts.durations().resolved_at)),
    ]
    if postmortem is not None:
        rows.append(("Version", str(postmortem.version)))
        rows.append(("Owner", escape(facts.owner.name) if facts.owner else "nobody yet"))
        rows.append(("Due", _day(postmortem.due_on)))
        if postmortem.published_at is not None:
            rows.append(("Published", _instant(postmortem.published_at)))
    return table(("Fact", "Value"), rows)


def _summary(facts: PostmortemFacts) -> str:
    narrator, incident = facts.narrator, facts.incident
    at = incident.declared_at
    texts = [escape_block(narrator.unnamed(incident.summary, at=at))]
    if incident.resolution:
        texts.append(f"**What fixed it:** {narrator.words(incident.resolution, at=facts.now)}")
    if not any(texts) and not _is_written(facts, "summary"):
        return "_The record holds no summary yet._"
    return "\n\n".join(text for text in texts if text)


def _impact(facts: PostmortemFacts) -> str:
    incident = facts.incident
    if not incident.has_customer_impact:
        return "No customer impact (0 minutes)."
    text = escape_block(facts.narrator.unnamed(incident.impact, at=incident.declared_at))
    rows = [
        ("Impact started", _instant(incident.impact_started_at)),
        ("Impact ended", _instant(incident.impact_ended_at)),
        ("Customer impact", _length(facts.durations().customer_impact)),
    ]
    return "\n\n".join(part for part in (text, table(("Fact", "Value"), rows)) if part)


def _severity(facts: PostmortemFacts) -> str:
    spans = severity_spans(facts.entries, ended_at=facts.durations().resolved_at)
    rows = [
        (
            escape(span.severity),
            _instant(span.since, zone=""),
            _instant(span.until, zone="") if span.until else "still so",
            spoken_duration((span.until or facts.now) - span.since),
            facts.narrator.words(span.reason, at=span.since),
        )
        for span in spans
    ]
    return table(("Severity", "From (UTC)", "Until (UTC)", "For", "Reason"), rows)


def _key_moments(facts: PostmortemFacts) -> str:
    incident, found = facts.incident, facts.durations()
    moments = [
        ("Impact started", _instant(incident.impact_started_at, zone="")),
        ("Detected", _instant(incident.detected_at, zone="")),
        ("Declared", _instant(incident.declared_at, zone="")),
        ("Acknowledged", _instant(incident.acknowledged_at, zone="")),
        ("Mitigated (the last time)", _instant(found.mitigated_at, zone="")),
        ("Resolved (the last time)", _instant(found.resolved_at, zone="")),
        ("Impact ended", _instant(incident.impact_ended_at, zone="")),
    ]
    lengths = [
        ("Time to detect", "impact started → detected", found.to_detect),
        ("Time to acknowledge", "declared → acknowledged", found.to_acknowledge),
        ("Time to mitigate", "detected → mitigated", found.to_mitigate),
        ("Time to resolve", "detected → resolved", found.to_resolve),
        ("Customer impact", "impact started → ended", found.customer_impact),
    ]
    rows = [(name, what, _human(length), _minutes(length)) for name, what, length in lengths]
    for span in found.resolved_then_reopened:
        between = f"{_instant(span.start, zone='')} → {_instant(span.end)}"
        rows.append(
            (
                "Resolved, then reopened",
                between,
                spoken_duration(span.length),
                _minutes(span.length),
            )
        )
    return "\n\n".join(
        (
            table(("Moment", "When (UTC)"), moments),
            table(("Duration", "From → to", "Length", "Minutes"), rows),
            *(
                ("The time between resolved and reopened is part of the time to resolve.",)
                if found.resolved_then_reopened
                else ()
            ),
        )
    )


def _roles(facts: PostmortemFacts) -> str:
    if not facts.roles:
        return "Nobody took a role."
    rows = [
        (
            escape(span.role_name),
            escape(span.person_name),
            _instant(span.started_at, zone=""),
            _instant(span.ended_at, zone="") if span.ended_at else "still held",
        )
        for span in facts.roles
    ]
    return table(("Role", "Name", "From (UTC)", "Until (UTC)"), rows)


def _timeline(facts: PostmortemFacts) -> str:
    narrator = facts.narrator
    rows = [
        (_instant(entry.occurred_at, zone=""), narrator.actor(entry), narrator.sentence(entry))
        for entry in facts.entries
        if narrator.tells(entry)
    ]
    return table(("Time (UTC)", "Who", "What"), rows)


def _updates(facts: PostmortemFacts) -> str:
    rows: list[tuple[str, ...]] = []
    missed = 0
    for entry in facts.entries:
        match payload_of(entry):
            case UpdatePosted() as update:
                rows.append(_update_row(facts, entry, update))
            case UpdateMissed(is_bots=False, count=count):
                missed += count
    sent = f"{len(rows)} sent, {missed} missed."
    return f"{sent}\n\n{table(('No.', 'Sent (UTC)', 'When due', 'Update'), rows)}" if rows else sent


def _update_row(facts: PostmortemFacts, entry: EntryView, update: UpdatePosted) -> tuple[str, ...]:
    said = (update.text, update.impact, update.actions, update.next_steps)
    text = "redacted" if entry.is_redacted else " / ".join(one for one in said if one)
    return (
        "" if entry.is_redacted else str(update.number),
        _instant(entry.occurred_at, zone=""),
        _timeliness(entry.occurred_at, update.was_due_at),
        facts.narrator.words(text, at=entry.occurred_at),
    )


def _timeliness(sent_at: datetime, due_at: datetime | None) -> str:
    if due_at is None:
        return "none was due"
    late_by = sent_at - due_at
    return "on time" if late_by <= timedelta(0) else f"{spoken_duration(late_by)} late"


def _action_items(facts: PostmortemFacts) -> str:
    if not facts.action_items:
        return "_No action items yet._"
    rows = [
        (
            str(item.number),
            facts.narrator.words(item.text, at=facts.now),
            # An action item needs its owner's name, or nobody could ask them.
            escape(item.owner.name) if item.owner else "nobody yet",
            _day(item.due_on) if item.due_on else "no date",
            "done" if item.is_done else "open",
        )
        for item in facts.action_items
    ]
    return table(("No.", "Action item", "Owner", "Due", "Status"), rows)


def _customer_messages(facts: PostmortemFacts) -> str:
    return "" if _is_written(facts, "customer_messages") else _NOTHING_YET


def _is_written(facts: PostmortemFacts, key: str) -> bool:
    written = facts.postmortem.find_written(key) if facts.postmortem else None
    return written is not None and bool(written.text)


def _instant(instant: datetime | None, *, zone: str = " UTC") -> str:
    if instant is None:
        return _UNKNOWN
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}{zone}"


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _length(length: timedelta | None) -> str:
    """Return a length in words, plus minutes if the words are hours and days."""
    if length is None or length < timedelta(hours=1):
        return _human(length)
    return f"{_human(length)} ({_minutes(length)} minutes)"


def _human(length: timedelta | None) -> str:
    return _UNKNOWN if length is None else spoken_duration(length)


def _minutes(length: timedelta | None) -> str:
    return "" if length is None else str(int(length.total_seconds() // 60))


_MAKERS: Mapping[str, Callable[[PostmortemFacts], str]] = MappingProxyType(
    {
        "summary": _summary,
        "impact": _impact,
        "severity": _severity,
        "key_moments": _key_moments,
        "roles": _roles,
        "timeline": _timeline,
        "updates": _updates,
        "action_items": _action_items,
        "customer_messages": _customer_messages,
    }
)
