"""Recertification: a sign-off to solo has to be renewed after some months.

The person and their mentors are told once. Nothing lapses: the person stays solo, and their
progress shows the due renewal until somebody renews it or sets another stage.
"""

import calendar
import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from incidents.core.people import Person
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.policy.supervision import Supervision
from incidents.rights.stages import Scope, Stage, StageRecord, mentors_of, stage_records
from incidents.supervision.events import RenewalDue, RenewalExpected


def renewal_due_at(record: StageRecord, supervision: Supervision) -> datetime | None:
    """Return when this sign-off has to be renewed; None if never, or if it isn't to solo."""
    months = supervision.recertify_after_months
    if months is None or not record.is_sign_off or record.stage != Stage.SOLO:
        return None
    return add_months(record.set_at, months)


def add_months(instant: datetime, months: int) -> datetime:
    """Return the same day `months` later, or that month's last day if it has no such day."""
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    day = min(instant.day, calendar.monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)


def latest_by_scope(records: Iterable[StageRecord]) -> dict[Scope, StageRecord]:
    """Return the records that apply now; `records` are in order, oldest first."""
    return {record.scope: record for record in records}


def expect_renewal(uow: UnitOfWork, record: StageRecord) -> None:
    """Plan the reminder for a sign-off's renewal, if the policy wants one."""
    due_at = renewal_due_at(record, uow.policy.supervision)
    if due_at is not None and record.renewal_told_at is None:
        uow.emit(RenewalExpected(record_id=record.id, due_at=due_at))


async def plan_renewals(uow: UnitOfWork) -> None:
    """Set all renewal reminders again after a change of the policy."""
    query = (
        select(StageRecord)
        .where(StageRecord.workspace_id == uow.workspace_id)
        .order_by(StageRecord.position)
    )
    latest: dict[tuple[uuid.UUID, Scope], StageRecord] = {}
    for record in (await uow.session.execute(query)).scalars():
        latest[record.person_id, record.scope] = record
    for record in latest.values():
        expect_renewal(uow, record)


async def tell_of_renewal(uow: UnitOfWork, reminder: Reminder) -> Again | None:
    """Tell the person and their mentors once that a sign-off has to be renewed."""
    unlocked = await uow.session.get(StageRecord, reminder.subject_id)
    if unlocked is None:
        return None
    # Lock the person first, as every change of a stage does.
    await uow.session.get(Person, unlocked.person_id, with_for_update={"key_share": True})
    record = await uow.session.get_one(StageRecord, unlocked.id, populate_existing=True)
    records = await stage_records(
        uow.session, workspace_id=uow.workspace_id, person_id=record.person_id
    )
    if latest_by_scope(records)[record.scope].id != record.id or record.renewal_told_at:
        return None
    due_at = renewal_due_at(record, uow.policy.supervision)
    if due_at is None:
        return None
    if due_at > uow.now:
        # The policy now allows more time.
        return Again(due_at=due_at)
    person = await uow.session.get_one(Person, record.person_id)
    quiet_until = uow.policy.reminders.quiet_hours.end(uow.now, zone=person.zone)
    if quiet_until is not None:
        return Again(due_at=quiet_until)
    record.renewal_told_at = uow.now
    mentors = await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=record.person_id, policy=uow.policy
    )
    uow.emit(RenewalDue(record_id=record.id, told=(record.person_id, *mentors)))
    return None
