"""Replays what the entries say about action items and postmortems, and compares it with the rows.

What people wrote in a postmortem is only in its rows: here, who wrote it last and when is compared.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from incidents.core.hash_chain import Flaw
from incidents.incident.timeline import TimelineEntry
from incidents.postmortem.action_items import ActionItem, ActionItemStatus
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    ActionItemEntry,
    PostmortemDrafted,
    PostmortemEdited,
    PostmortemEntry,
    PostmortemOwnerSet,
    PostmortemPublished,
)
from incidents.postmortem.postmortem import Postmortem, PostmortemSection, PostmortemStatus
from incidents.record.replay import with_contents
from incidents.record.words import REDACTED_TEXT

_ITEMS: dict[str, type[ActionItemEntry]] = {
    one.kind: one for one in (ActionItemAdded, ActionItemAssigned, ActionItemDone)
}
_POSTMORTEMS: dict[str, type[PostmortemEntry]] = {
    one.kind: one
    for one in (PostmortemDrafted, PostmortemOwnerSet, PostmortemEdited, PostmortemPublished)
}
_Written = tuple[uuid.UUID | None, datetime]


@dataclass(slots=True)
class _Item:
    id: uuid.UUID | None
    text: str
    due_on: date | None
    created_at: datetime
    owner_id: uuid.UUID | None = None
    status: str = ActionItemStatus.OPEN
    done_at: datetime | None = None
    done_by_id: uuid.UUID | None = None


@dataclass(slots=True)
class _Version:
    id: uuid.UUID | None
    due_on: date | None
    drafted_at: datetime
    owner_id: uuid.UUID | None = None
    status: str = PostmortemStatus.DRAFT
    published_at: datetime | None = None
    link: str = ""
    written: dict[str, _Written] = field(default_factory=dict)


def compare_action_items(
    rows: Collection[ActionItem], entries: Iterable[TimelineEntry]
) -> Iterator[Flaw]:
    """Yield a flaw if the action items aren't what the entries say, which are in order."""
    said: dict[int, _Item] = {}
    last = 0
    for entry, content in with_contents(entries):
        last = entry.sequence
        if entry.kind not in _ITEMS:
            continue
        one = _ITEMS[entry.kind].read(content)
        if one is None:
            return  # it can't be read, which is a finding of its own
        if isinstance(one, ActionItemAdded):
            said[one.number] = _Item(one.action_item_id, one.text, one.due_on, entry.recorded_at)
        item = said.get(one.number)
        if item is None:
            continue
        item.owner_id = one.owner.id if one.owner is not None else None
        if isinstance(one, ActionItemDone):
            item.status, item.done_at = ActionItemStatus.DONE, entry.recorded_at
            item.done_by_id = entry.actor_id
    stored = {row.number: row for row in rows}
    if said.keys() != stored.keys() or not all(
        _is_item(stored[number], item) for number, item in said.items()
    ):
        yield Flaw(last, "action_items_differ")


def compare_postmortems(
    rows: Collection[Postmortem],
    sections: Collection[PostmortemSection],
    entries: Iterable[TimelineEntry],
) -> Iterator[Flaw]:
    """Yield a flaw if the postmortem's versions aren't what the entries say, which are in order."""
    said: dict[int, _Version] = {}
    last = 0
    for entry, content in with_contents(entries):
        last = entry.sequence
        if entry.kind not in _POSTMORTEMS:
            continue
        one = _POSTMORTEMS[entry.kind].read(content)
        if one is None:
            return  # it can't be read, which is a finding of its own
        _apply(said, entry, one)
    stored = {row.version: row for row in rows}
    written: dict[uuid.UUID, dict[str, _Written]] = {}
    for section in sections:
        of_version = written.setdefault(section.postmortem_id, {})
        of_version[section.key] = (section.written_by_id, section.written_at)
    if said.keys() != stored.keys() or not all(
        _is_version(stored[version], one, written.get(stored[version].id, {}))
        for version, one in said.items()
    ):
        yield Flaw(last, "postmortem_differs")


def _apply(said: dict[int, _Version], entry: TimelineEntry, one: PostmortemEntry) -> None:
    if isinstance(one, PostmortemDrafted):
        before = said.get(one.version - 1)
        said[one.version] = _Version(
            one.postmortem_id,
            one.due_on,
            entry.recorded_at,
            written=dict(before.written) if before is not None else {},
        )
    version = said.get(one.version)
    if version is None:
        return
    match one:
        case PostmortemEdited(sections=keys):
            version.written |= dict.fromkeys(keys, (entry.actor_id, entry.recorded_at))
        case PostmortemPublished(link=link):
            version.status, version.link = PostmortemStatus.PUBLISHED, link
            version.published_at = entry.recorded_at
    if not isinstance(one, PostmortemEdited):
        version.owner_id = one.owner.id if one.owner is not None else None


def _is_item(row: ActionItem, said: _Item) -> bool:
    names = ("id", "due_on", "created_at", "owner_id", "status", "done_at", "done_by_id")
    return _is_text(row.text, said.text) and all(
        getattr(row, name) == getattr(said, name) for name in names
    )


def _is_version(row: Postmortem, said: _Version, written: dict[str, _Written]) -> bool:
    names = ("id", "due_on", "drafted_at", "owner_id", "status", "published_at")
    return (
        _is_text(row.link, said.link)
        and written == said.written
        and all(getattr(row, name) == getattr(said, name) for name in names)
    )


def _is_text(stored: str, said: str) -> bool:
    """Tell whether a text is what its entry says; what was redacted can't be compared."""
    return REDACTED_TEXT in said or stored == said
