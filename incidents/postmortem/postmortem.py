"""The postmortem: versions, owner and due date, written sections, publishing.

Each resolving makes a new draft version and keeps what people wrote. The rest of the draft is made
from the record each time it is shown (`draft.py`).
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.business_days import add_business_days, business_days
from incidents.core.errors import AlreadySo, InformationMissing, InvalidInput, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.people.assignable import Named, call_in, get_assignable
from incidents.policy.policy import Action, Policy
from incidents.policy.postmortem import Section
from incidents.postmortem.due import Wait, decide, reminder_instant
from incidents.postmortem.entries import (
    PostmortemDrafted,
    PostmortemEdited,
    PostmortemEntry,
    PostmortemOwnerSet,
    PostmortemPublished,
    PostmortemReminded,
)
from incidents.storage.database import Base, trimmed

# As much as a form field takes, so a saved text can be opened again in full.
MAX_SECTION = 3000

# Not written by people: this section lists rows with owners and dates.
_NOT_WRITTEN = frozenset({"action_items"})

# Publishing needs this one section, which no record can fill.
NEEDED_SECTION = "contributing_factors"


class PostmortemStatus(StrEnum):
    """The state of a postmortem version."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Postmortem(Base):
    """One version of an incident's postmortem; the newest counts."""

    __tablename__ = "postmortems"
    __table_args__ = (UniqueConstraint("incident_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    version: Mapped[int]
    status: Mapped[str] = mapped_column(default=PostmortemStatus.DRAFT)
    owner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    due_on: Mapped[date]
    drafted_at: Mapped[datetime]
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    link: Mapped[str] = mapped_column(default="")


class PostmortemSection(Base):
    """What people wrote in one section of one version; `revision` tells edits apart."""

    __tablename__ = "postmortem_sections"
    __table_args__ = (UniqueConstraint("postmortem_id", "key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    postmortem_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("postmortems.id"))
    key: Mapped[str]
    text: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    written_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    written_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class SectionEdit:
    """What somebody wrote, and the revision that they saw (0: nothing was written)."""

    text: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class WrittenSection:
    """What people wrote in a section."""

    key: str
    text: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemView:
    """The newest version of an incident's postmortem."""

    id: uuid.UUID
    version: int
    is_published: bool
    owner_id: uuid.UUID | None
    due_on: date
    drafted_at: datetime
    published_at: datetime | None
    link: str
    written: tuple[WrittenSection, ...] = field(default=())

    def find_written(self, key: str) -> WrittenSection | None:
        """Return what people wrote in this section, or None."""
        return next((section for section in self.written if section.key == key), None)


def writable_sections(policy: Policy) -> tuple[Section, ...]:
    """Return the sections that people write: those with a question to answer."""
    return tuple(
        section
        for section in policy.postmortem.sections
        if section.prompt and section.key not in _NOT_WRITTEN
    )


async def draft_postmortem(uow: UnitOfWork, incident: Incident) -> Postmortem:
    """Create the next draft version of a resolved incident, with what people wrote before."""
    before = await find_postmortem(uow.session, incident.id)
    draft = Postmortem(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        version=before.version + 1 if before else 1,
        status=PostmortemStatus.DRAFT,
        owner_id=before.owner_id if before else None,
        due_on=due_date(incident.resolved_at or uow.now, uow.policy),
        drafted_at=uow.now,
    )
    uow.session.add(draft)
    await uow.flush()
    for section in await _sections(uow.session, before.id) if before else ():
        uow.session.add(
            PostmortemSection(
                id=new_id(),
                postmortem_id=draft.id,
                key=section.key,
                text=section.text,
                revision=section.revision,
                written_by_id=section.written_by_id,
                written_at=section.written_at,
            )
        )
    owner = await _owner_of(uow, draft)
    uow.record(incident, _entry(PostmortemDrafted, draft, owner))
    return draft


def due_date(resolved_at: datetime, policy: Policy) -> date:
    """Return the business day (UTC) on which the postmortem is due."""
    return add_business_days(
        resolved_at.date(),
        policy.reminders.postmortem_due_business_days,
        is_business_day=business_days(policy.reminders.holidays_country),
    )


async def set_postmortem_owner(uow: UnitOfWork, ref: IncidentRef, *, owner: Named) -> Outcome:
    """Name the person who writes the postmortem: `postmortem_owner_set`.

    Raises: IncidentNotFound; NotPermitted; InformationMissing without a draft; InvalidInput for
        somebody who can't take on work; AlreadySo if they already own it.
    """
    incident, postmortem = await _get_current(uow, ref)
    person = await get_assignable(uow, owner)
    return await _set_owner(uow, incident, postmortem, person)


async def claim_postmortem(
    uow: UnitOfWork, ref: IncidentRef, *, version: int | None = None
) -> Outcome:
    """Become the postmortem's owner if it has none: `postmortem_owner_set`.

    Raises: as `set_postmortem_owner`; Superseded if somebody else was faster, or there is a newer
        version than the actor saw.
    """
    incident, postmortem = await _get_current(uow, ref)
    if version is not None and version != postmortem.version:
        raise Superseded("postmortem")
    person = await uow.session.get(Person, uow.actor.person_id) if uow.actor.person_id else None
    if person is None:
        raise InvalidInput("owner", "not_a_person")
    if postmortem.owner_id not in {None, person.id}:
        owner = await _owner_of(uow, postmortem)
        raise Superseded("postmortem", owner.name if owner else "")
    return await _set_owner(uow, incident, postmortem, person)


async def write_postmortem(
    uow: UnitOfWork, ref: IncidentRef, *, edits: Mapping[str, SectionEdit]
) -> Outcome:
    """Save written sections: `postmortem_edited`, or `postmortem_unchanged`.

    Only sections whose text differs count, so two people can write different ones at once. A
    section that somebody else changed meanwhile isn't overwritten: the outcome lists it under
    `conflicts`, and the other sections are saved.

    Raises: IncidentNotFound; NotPermitted; InformationMissing without a draft; InvalidInput for
        an unknown section or one that is too long.
    """
    incident, postmortem = await _get_current(uow, ref)
    known = {section.key for section in writable_sections(uow.policy)}
    current = {section.key: section for section in await _sections(uow.session, postmortem.id)}
    saved: list[str] = []
    conflicts: list[str] = []
    for key, edit in edits.items():
        text = trimmed(edit.text)
        if key not in known:
            raise InvalidInput("section", "unknown", ", ".join(sorted(known)))
        if len(text) > MAX_SECTION:
            raise InvalidInput(key, "too_long")
        row = current.get(key)
        if text == (row.text if row else ""):
            continue
        if edit.revision != (row.revision if row else 0):
            conflicts.append(key)
            continue
        _write(uow, postmortem, row, key=key, text=text)
        saved.append(key)
    if saved:
        edited = PostmortemEdited(
            postmortem_id=postmortem.id, version=postmortem.version, sections=tuple(saved)
        )
        uow.record(incident, edited)
    kind = "postmortem_edited" if saved else "postmortem_unchanged"
    return _outcome(kind, incident, postmortem, saved=saved, conflicts=conflicts)


async def publish_postmortem(uow: UnitOfWork, ref: IncidentRef, *, link: str = "") -> Outcome:
    """Publish the postmortem: `postmortem_published`; a link means it was written elsewhere.

    Raises: IncidentNotFound; NotPermitted; InformationMissing without a draft or without the
        contributing factors; AlreadySo if it is already published.
    """
    incident, postmortem = await _get_current(uow, ref)
    if postmortem.status == PostmortemStatus.PUBLISHED:
        raise AlreadySo("the postmortem", "published")
    if not link:
        missing = await _missing_sections(uow, postmortem)
        if missing:
            raise InformationMissing("published", missing)
    postmortem.status = PostmortemStatus.PUBLISHED
    postmortem.published_at = uow.now
    postmortem.link = trimmed(link)
    published = _entry(PostmortemPublished, postmortem, await _owner_of(uow, postmortem))
    uow.record(incident, replace(published, link=postmortem.link))
    return _outcome("postmortem_published", incident, postmortem, link=postmortem.link)


async def remind_of_postmortem(
    uow: UnitOfWork, incident: Incident, reminder: Reminder
) -> Again | None:
    """Say that the postmortem is due, or wait for its owner's morning; then set the next step."""
    postmortem = await find_postmortem(uow.session, incident.id)
    if postmortem is None or postmortem.status == PostmortemStatus.PUBLISHED or incident.is_open:
        return None
    owner = await _owner_of(uow, postmortem)
    zone = owner.zone if owner else "UTC"
    decision = decide(due_on=postmortem.due_on, step=reminder.step, now=uow.now, zone=zone)
    if isinstance(decision, Wait):
        return Again(due_at=decision.until, step=reminder.step)
    quiet_until = uow.policy.reminders.quiet_hours.end(uow.now, zone=zone)
    if quiet_until is not None:
        return Again(due_at=quiet_until, step=reminder.step)
    reminded = _entry(PostmortemReminded, postmortem, owner)
    uow.record(incident, replace(reminded, is_due=decision.is_due))
    if decision.next_step is None:
        return None
    country = uow.policy.reminders.holidays_country
    at = reminder_instant(postmortem.due_on, step=decision.next_step, country=country)
    return Again(due_at=at, step=decision.next_step)


async def find_postmortem(session: AsyncSession, incident_id: uuid.UUID) -> Postmortem | None:
    """Return the newest version of the incident's postmortem, or None."""
    query = (
        select(Postmortem)
        .where(Postmortem.incident_id == incident_id)
        .order_by(Postmortem.version.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def find_postmortem_view(
    session: AsyncSession, incident_id: uuid.UUID
) -> PostmortemView | None:
    """Return the newest version with its written sections, or None; the caller checks access."""
    row = await find_postmortem(session, incident_id)
    if row is None:
        return None
    sections = await _sections(session, row.id)
    return PostmortemView(
        id=row.id,
        version=row.version,
        is_published=row.status == PostmortemStatus.PUBLISHED,
        owner_id=row.owner_id,
        due_on=row.due_on,
        drafted_at=row.drafted_at,
        published_at=row.published_at,
        link=row.link,
        written=tuple(WrittenSection(item.key, item.text, item.revision) for item in sections),
    )


async def _set_owner(
    uow: UnitOfWork, incident: Incident, postmortem: Postmortem, person: Person
) -> Outcome:
    if postmortem.owner_id == person.id:
        raise AlreadySo("the postmortem's owner", person.name)
    # A postmortem's writer has to see the incident, even a private one.
    await call_in(uow, incident, person)
    postmortem.owner_id = person.id
    uow.record(incident, _entry(PostmortemOwnerSet, postmortem, person))
    return _outcome("postmortem_owner_set", incident, postmortem, owner=person.name)


async def _get_current(uow: UnitOfWork, ref: IncidentRef) -> tuple[Incident, Postmortem]:
    incident = await uow.get_incident(ref)
    await uow.permit(Action.MANAGE_POSTMORTEM, incident)
    postmortem = await find_postmortem(uow.session, incident.id)
    if postmortem is None:
        raise InformationMissing("postmortem", ("resolved_at",))
    return incident, postmortem


async def _sections(session: AsyncSession, postmortem_id: uuid.UUID) -> Sequence[PostmortemSection]:
    query = (
        select(PostmortemSection)
        .where(PostmortemSection.postmortem_id == postmortem_id)
        .order_by(PostmortemSection.key)
    )
    return (await session.execute(query)).scalars().all()


def _write(
    uow: UnitOfWork,
    postmortem: Postmortem,
    row: PostmortemSection | None,
    *,
    key: str,
    text: str,
) -> None:
    if row is None:
        row = PostmortemSection(id=new_id(), postmortem_id=postmortem.id, key=key, revision=0)
        uow.session.add(row)
    row.text = text
    row.revision += 1
    row.written_by_id = uow.actor.person_id
    row.written_at = uow.now


async def _missing_sections(uow: UnitOfWork, postmortem: Postmortem) -> tuple[str, ...]:
    if uow.policy.postmortem.find_section(NEEDED_SECTION) is None:
        return ()
    written = {item.key for item in await _sections(uow.session, postmortem.id) if item.text}
    return () if NEEDED_SECTION in written else (NEEDED_SECTION,)


async def _owner_of(uow: UnitOfWork, postmortem: Postmortem) -> Person | None:
    return await uow.session.get(Person, postmortem.owner_id) if postmortem.owner_id else None


_EntryT = TypeVar("_EntryT", bound=PostmortemEntry)


def _entry(entry_type: type[_EntryT], postmortem: Postmortem, owner: Person | None) -> _EntryT:
    return entry_type(
        postmortem_id=postmortem.id,
        version=postmortem.version,
        owner=who(owner) if owner else None,
        due_on=postmortem.due_on,
    )


def _outcome(kind: str, incident: Incident, postmortem: Postmortem, **data: object) -> Outcome:
    shown = {
        "reference": str(incident.reference),
        "version": postmortem.version,
        "due_on": postmortem.due_on.isoformat(),
    }
    return Outcome(kind, incident.id, {**shown, **data})
