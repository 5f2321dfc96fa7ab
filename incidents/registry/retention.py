"""Retention: delete finished working rows after a while, never the record itself."""

from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, select

from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.reminders import Reminder, ReminderStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.policy.policy import Retention
from incidents.proposals.tables import Proposal, ProposalStatus
from incidents.storage.processed_requests import ProcessedRequest

# Small, so that nobody who declares an incident waits long for the lock.
BATCH = 500


async def sweep(uow: UnitOfWork) -> Outcome:
    """Delete one batch of each kind of finished row; the outcome's `deleted` says how many.

    Dead letters stay: somebody may still retry them.
    """
    retention = uow.policy.retention
    deleted = (
        await _delete(uow, ProcessedRequest, ProcessedRequest.key, _requests(uow, retention))
        + await _delete(uow, EffectRow, EffectRow.position, _effects(uow, retention))
        + await _delete(uow, Reminder, Reminder.id, _reminders(uow, retention))
        + await _delete(uow, Proposal, Proposal.id, _drafts(uow, retention))
    )
    return Outcome("swept", data={"deleted": deleted})


def _requests(uow: UnitOfWork, retention: Retention) -> list[Any]:
    return [
        ProcessedRequest.workspace_id == uow.workspace_id,
        ProcessedRequest.created_at < uow.now - _at_least_a_day(retention.request_keys),
    ]


def _effects(uow: UnitOfWork, retention: Retention) -> list[Any]:
    return [
        EffectRow.workspace_id == uow.workspace_id,
        EffectRow.status.in_((EffectStatus.DONE, EffectStatus.DROPPED)),
        EffectRow.settled_at < uow.now - _at_least_a_day(retention.settled_effects),
    ]


def _reminders(uow: UnitOfWork, retention: Retention) -> list[Any]:
    return [
        Reminder.workspace_id == uow.workspace_id,
        Reminder.status != ReminderStatus.PENDING,
        Reminder.settled_at < uow.now - _at_least_a_day(retention.settled_reminders),
    ]


def _drafts(uow: UnitOfWork, retention: Retention) -> list[Any]:
    """Return the conditions for old drafts of proposals that were never asked for."""
    return [
        Proposal.workspace_id == uow.workspace_id,
        Proposal.status == ProposalStatus.DRAFT,
        Proposal.created_at < uow.now - _at_least_a_day(retention.request_keys),
    ]


def _at_least_a_day(kept: timedelta) -> timedelta:
    """Return at least 25 hours: Slack may redeliver an event for a day."""
    return max(kept, timedelta(hours=25))


async def _delete(uow: UnitOfWork, table: Any, key: Any, conditions: list[Any]) -> int:
    some = select(key).where(*conditions).limit(BATCH)
    statement = (
        delete(table).where(*conditions, key.in_(some)).execution_options(synchronize_session=False)
    )
    result: CursorResult[Any] = await uow.session.execute(statement)  # type: ignore[assignment]
    return result.rowcount
