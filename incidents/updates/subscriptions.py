"""Subscriptions: which incidents' news somebody wants by direct message.

Private to the person: no entry says who follows what. Stopping keeps the row, since it also stops
what somebody would get for another reason: as a follower of the service, or by the policy.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import InvalidInput, NotPermitted
from incidents.core.ids import new_id, parse_reference
from incidents.core.people import Actor, Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, ByReference, find_incident
from incidents.policy.policy import Action, Policy
from incidents.storage.database import Base


class Follows(StrEnum):
    """What a subscription is about; POLICY is what the policy sends somebody."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    SERVICE = "service"
    SEVERITY = "severity"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody follows: an incident or a maintenance by its id, others by their key."""

    follows: Follows
    key: str = ""


class Subscription(Base):
    """One thing that one person follows, or (`is_on` False) has stopped following."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("person_id", "follows", "subject"),
        Index(
            "ix_subscriptions_workspace_id_follows_subject", "workspace_id", "follows", "subject"
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    follows: Mapped[str]
    subject: Mapped[str]
    is_on: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]


async def find_subject(
    session: AsyncSession, text: str, *, workspace_id: uuid.UUID, viewer: Actor, policy: Policy
) -> Subject | None:
    """Return what a text names: `INC-12`, `sev2`, a service's key or name; None if nothing."""
    named = text.strip()
    reference = parse_reference(named)
    if reference is not None:
        incident = await find_incident(
            session, ByReference(reference), workspace_id=workspace_id, viewer=viewer
        )
        return None if incident is None else Subject(Follows.INCIDENT, str(incident.id))
    severity = policy.find_severity(named) or policy.find_severity_named(named)
    if severity is not None:
        return Subject(Follows.SEVERITY, severity.key)
    by_name = (one for one in policy.services if one.name.casefold() == named.casefold())
    service = policy.find_service(named) or next(by_name, None)
    return None if service is None else Subject(Follows.SERVICE, service.key)


async def change_subscription(uow: UnitOfWork, subject: Subject, *, is_on: bool) -> Outcome:
    """Let the actor follow something, or stop. Doing it again changes nothing.

    Raises: NotPermitted for anybody but a person; IncidentNotFound; InvalidInput for a drill.
    """
    if uow.actor.person_id is None:
        raise NotPermitted(Action.VIEW, needs="member")
    if is_on:
        await _check(uow, subject)
    # Locked, so that two requests of one person follow each other.
    await uow.session.get_one(Person, uow.actor.person_id, with_for_update={"key_share": True})
    query = select(Subscription).where(
        Subscription.person_id == uow.actor.person_id,
        Subscription.follows == subject.follows,
        Subscription.subject == subject.key,
    )
    row = (await uow.session.execute(query)).scalar_one_or_none()
    was_on = row is not None and row.is_on
    if row is None:
        row = Subscription(
            workspace_id=uow.workspace_id,
            person_id=uow.actor.person_id,
            follows=subject.follows,
            subject=subject.key,
        )
        uow.session.add(row)
    row.is_on, row.changed_at = is_on, uow.now
    return Outcome("follows" if is_on else "stopped", data={"was_on": was_on})


async def _check(uow: UnitOfWork, subject: Subject) -> None:
    if subject.follows is not Follows.INCIDENT:
        await uow.permit(Action.VIEW)
        return
    incident = await uow.get_incident(ById(uuid.UUID(subject.key)))
    await uow.permit(Action.VIEW, incident)
    if incident.is_drill:
        raise InvalidInput("incident", "is a drill, which has no stakeholders", "subscribe INC-12")


async def subjects_followed(session: AsyncSession, person_id: uuid.UUID) -> Sequence[Subject]:
    """Return what somebody follows now, in the order in which they began."""
    query = (
        select(Subscription)
        .where(Subscription.person_id == person_id, Subscription.is_on)
        .order_by(Subscription.changed_at, Subscription.id)
    )
    rows = (await session.execute(query)).scalars()
    return [Subject(Follows(row.follows), row.subject) for row in rows]
