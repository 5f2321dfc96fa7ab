"""Retention: delete finished working rows after a while, never the record itself."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from incidents.core.people import Actor
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.reminders import Reminder, ReminderStatus
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.paging.trials import TrialPage
from incidents.policy.policy import Retention
from incidents.proposals.tables import Proposal, ProposalStatus
from incidents.storage.processed_requests import ProcessedRequest

# Small, so that nobody who declares an incident waits long for the lock.
BATCH = 200
# Between two batches, in which others get the lock.
PAUSE_SECONDS = 0.05


async def sweep_all(transactions: Transactions, *, workspace_id: uuid.UUID, actor: Actor) -> int:
    """Delete batch after batch until nothing is left; return how many rows.

    Each batch is a transaction of its own, so others get their turn.
    """
    deleted = 0
    while True:
        outcome = await transactions.run(sweep, actor=actor, workspace_id=workspace_id)
        deleted += int(outcome.data["deleted"])
        if not outcome.data["is_more"]:
            return deleted
        await asyncio.sleep(PAUSE_SECONDS)


async def sweep(uow: UnitOfWork) -> Outcome:
    """Delete one batch of each kind of finished row: how many, and whether more may be left.

    Dead letters stay: somebody may still retry them.
    """
    retention = uow.policy.retention
    deleted = (
        await _delete(uow, ProcessedRequest, ProcessedRequest.key, _requests(uow, retention)),
        await _delete(uow, EffectRow, EffectRow.position, _effects(uow, retention)),
        await _delete(uow, Reminder, Reminder.id, _reminders(uow, retention)),
        await _delete(uow, Proposal, Proposal.id, _drafts(uow, retention)),
        await _delete(uow, TrialPage, TrialPage.id, _trials(uow, retention)),
    )
    return Outcome("swept", data={"deleted": sum(deleted), "is_more": max(deleted) >= BATCH})


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


def _trials(uow: UnitOfWork, retention: Retention) -> list[Any]:
    return [
        TrialPage.workspace_id == uow.workspace_id,
        TrialPage.ended_at < uow.now - _at_least_a_day(retention.settled_effects),
    ]


def _at_least_a_day(kept: timedelta) -> timedelta:
    """Return at least 25 hours: Slack may redeliver an event for a day."""
    return max(kept, timedelta(hours=25))


async def _delete(uow: UnitOfWork, table: Any, key: Any, conditions: list[Any]) -> int:
    """Delete by key what was found before: in one statement, SQLite would walk all that is old."""
    some = select(key).where(*conditions).limit(BATCH).with_for_update(skip_locked=True)
    keys = list((await uow.session.execute(some)).scalars())
    if keys:
        chosen = delete(table).where(table.workspace_id == uow.workspace_id, key.in_(keys))
        await uow.session.execute(chosen.execution_options(synchronize_session=False))
    return len(keys)
