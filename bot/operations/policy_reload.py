"""Reads the policy file again while the bot runs: on SIGHUP, and on `sitrep policy reload`.

Both put an entry on the audit log. Every process looks there, and reads its own file again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from bot.framework.requests import Services
from config.policy_loader import LoadedPolicy, PolicyErrors
from incidents.core.people import system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.record.audit_log import AuditKind, audit_head, find_audit_entries
from incidents.supervision.policy_record import ask_for_reload, note_policy, note_refused_policy

EVERY: Final = timedelta(seconds=2)
# We read our file before we could look at the log; reading it once too often does no harm.
_BEFORE_START: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class PolicyReload:
    """Puts a changed policy in force; requests and effects under way keep the one they have."""

    def __init__(
        self,
        services: Services,
        *,
        loaded: LoadedPolicy,
        read: Callable[[], LoadedPolicy],
    ) -> None:
        """Store the policy in force, and how to read its file.

        `after` runs after each change, to look up in Slack the names that are new.
        """
        self.loaded = loaded
        self.after: list[Callable[[], Awaitable[None]]] = []
        self._services = services
        self._read = read
        self._is_asked = False
        self._seen = 0
        self._since = services.clock.now() - _BEFORE_START

    def ask(self) -> None:
        """Ask all processes to read their file again, with the next look."""
        self._is_asked = True

    async def look(self) -> None:
        """Read the file again if somebody asked for it since the last look."""
        services = self._services
        if self._is_asked:
            await self._run(services.transactions, ask_for_reload)
            self._is_asked = False
        workspace_id = services.workspace.id
        async with services.database.reading() as session:
            head = await audit_head(session, workspace_id=workspace_id)
            if head.sequence <= self._seen:
                return
            asked = await find_audit_entries(
                session, AuditKind.POLICY_ASKED, workspace_id=workspace_id, after=self._seen
            )
        if any(entry.recorded_at >= self._since for entry in asked):
            await self._read_again()
        self._seen = head.sequence

    async def _read_again(self) -> None:
        transactions = self._services.transactions
        try:
            loaded = await asyncio.to_thread(self._read)
        except PolicyErrors as errors:
            problems = [str(problem) for problem in errors.problems]
            log.error("policy_refused", problems=problems, in_force=self.loaded.digest[:12])
            await self._run(transactions, partial(note_refused_policy, problems=problems))
            return
        if loaded.digest == transactions.policy.digest:
            log.info("policy_unchanged", policy=loaded.digest[:12])
            return
        # On record first: if that fails, the old policy stays, and the next look tries again.
        changed = copy(transactions)
        changed.policy = loaded.policy
        outcome = await self._run(changed, note_policy)
        transactions.policy, self.loaded = loaded.policy, loaded
        changes = outcome.data.get("changes", [])
        log.info("policy_reloaded", policy=loaded.digest[:12], changes=changes)
        for follow in self.after:
            await follow()

    async def _run(self, transactions: Transactions, use_case: UseCase) -> Outcome:
        return await transactions.run(
            use_case,
            actor=system_actor(HOUSEKEEPING),
            workspace_id=self._services.workspace.id,
        )
