"""Finds our token's workspace: in the database, otherwise from Slack.

A workspace's row stores the fingerprint of the last token Slack confirmed. So the bot can restart
while Slack is down, and notices another workspace's token at once.
"""

import hashlib
from datetime import timedelta

import structlog
from sqlalchemy import select
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)

from bot.framework.requests import Services, WorkspaceInfo
from bot.slack.errors import SlackFailure, SlackTemporary, SlackUnauthorized
from bot.slack.gateway import SlackGateway
from bot.slack.gateway.people import Identity
from incidents.core.ids import new_id
from incidents.core.people import Workspace, system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.engine.transactions import Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork

ASK_FOR = timedelta(seconds=60)

log = structlog.get_logger(__name__)


class StartRefused(Exception):
    """The program can't start; `what` says why, `todo` what to do."""

    def __init__(self, what: str, *, todo: str) -> None:
        super().__init__(f"{what}\n  {todo}")
        self.what = what
        self.todo = todo


def fingerprint(token: str) -> str:
    """Return a short hash that identifies the token without revealing it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


async def find_identity(
    gateway: SlackGateway,
    transactions: Transactions,
    *,
    token: str,
    ask_for: timedelta = ASK_FOR,
) -> WorkspaceInfo:
    """Return the token's workspace from the database, or ask Slack for at most `ask_for`.

    Raises:
        StartRefused: Slack refuses the token, or can't be reached and the token is new to us.
    """
    mark = fingerprint(token)
    stored = await _stored(transactions, mark)
    if stored is not None and stored.external_id.startswith("T"):
        return stored
    try:
        identity = await _ask(gateway, ask_for)
    except SlackUnauthorized as error:
        raise refused_token(error.error) from None
    except SlackFailure as error:
        raise StartRefused(
            f"Slack couldn't be asked whose token this is ({error.error}).",
            todo="Check the network and SLACK_API_URL, then start again; after that, "
            "Sitrep starts without Slack.",
        ) from None
    if identity.is_org_wide:
        raise org_wide_token(identity)
    return await save_identity(transactions, identity, mark=mark)


def org_wide_token(identity: Identity) -> StartRefused:
    """Return the error for a token of a whole organisation: Sitrep serves one workspace."""
    named = identity.team_id or identity.enterprise_id or "no workspace"
    return StartRefused(
        f"SLACK_BOT_TOKEN belongs to a whole organisation ({named}), not to one workspace. "
        "With it, Sitrep couldn't tell its members from strangers.",
        todo="On the app's page, switch off org-wide deployment (Org Level Apps), install the app "
        "in the workspace that Sitrep serves (Install App), and take the Bot User OAuth Token "
        "that is shown then.",
    )


def refused_token(error: str) -> StartRefused:
    """Return the error for a bot token that Slack refuses."""
    return StartRefused(
        f"Slack refuses SLACK_BOT_TOKEN ({error}).",
        todo="Install the app again (api.slack.com/apps, Install App) and take the Bot User "
        "OAuth Token that is shown then.",
    )


async def _stored(transactions: Transactions, mark: str) -> WorkspaceInfo | None:
    async with transactions.database.reading() as session:
        query = select(Workspace).where(Workspace.token_fingerprint == mark)
        row = (await session.execute(query)).scalars().first()
    return info_of(row) if row is not None else None


async def _ask(gateway: SlackGateway, ask_for: timedelta) -> Identity:
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(SlackTemporary),
        stop=stop_after_delay(ask_for),
        wait=wait_exponential_jitter(initial=1, max=10),
        before_sleep=_log_waiting,
        reraise=True,
    )
    async for attempt in attempts:
        with attempt:
            return await gateway.auth_test()
    raise AssertionError("unreachable: the last failure is raised")


def _log_waiting(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    code = error.error if isinstance(error, SlackFailure) else "unknown"
    log.warning(
        "waiting_for_slack",
        error=code,
        attempt=state.attempt_number,
        todo="check the network and SLACK_API_URL if this goes on",
    )


async def save_identity(
    transactions: Transactions, identity: Identity, *, mark: str
) -> WorkspaceInfo:
    """Store the token's identity in the workspace's row; create the row if there is none."""
    saved: list[WorkspaceInfo] = []
    async with transactions.database.reading() as session:
        query = select(Workspace.id).where(Workspace.external_id == identity.team_id)
        known = (await session.execute(query)).scalar_one_or_none()
    workspace_id = known or new_id()

    async def save(uow: UnitOfWork) -> Outcome:
        row = await uow.session.get(Workspace, workspace_id)
        if row is None:
            row = Workspace(id=workspace_id, external_id=identity.team_id)
            uow.session.add(row)
        row.name = identity.team
        row.enterprise_id = identity.enterprise_id
        row.url = identity.url
        row.bot_external_id, row.bot_id = identity.bot_user_id, identity.bot_id
        if identity.scopes is not None:
            row.scopes = " ".join(identity.scopes)
        row.token_fingerprint = mark
        row.paused_at = row.paused_reason = None
        await uow.flush()
        saved.append(info_of(row))
        return Outcome("workspace_saved")

    await transactions.run(save, actor=system_actor(HOUSEKEEPING), workspace_id=workspace_id)
    return saved[-1]


def info_of(row: Workspace) -> WorkspaceInfo:
    """Convert a stored workspace to an immutable value."""
    return WorkspaceInfo(
        id=row.id,
        external_id=row.external_id,
        url=row.url,
        enterprise_id=row.enterprise_id,
        bot_external_id=row.bot_external_id,
        bot_id=row.bot_id,
    )


class WorkspaceKeeper:
    """Checks regularly whether Slack accepts our token, and ends a pause when it does."""

    def __init__(self, services: Services, *, token: str, scopes: tuple[str, ...]) -> None:
        """Store the token's fingerprint and the scopes it needs."""
        self.is_authorized = False
        self._services = services
        self._scopes = scopes
        self._missing: tuple[str, ...] = ()
        self._mark = fingerprint(token)

    async def check(self) -> bool:
        """Ask Slack once; return whether that ended a pause."""
        services = self._services
        try:
            identity = await services.gateway.auth_test()
        except SlackFailure as error:
            self.is_authorized = False
            log.warning("slack_check_failed", error=error.error)
            return False
        self._warn_missing(identity.scopes)
        is_ours = identity.team_id == services.workspace.external_id
        self.is_authorized = is_ours and not identity.is_org_wide
        if is_ours:
            services.gateway.enterprise_id = identity.enterprise_id
        if not self.is_authorized or not await self._is_paused():
            return False
        await save_identity(services.transactions, identity, mark=self._mark)
        log.info("workspace_resumed")
        return True

    def _warn_missing(self, granted: tuple[str, ...] | None) -> None:
        """Warn once about missing scopes; skip the check if Slack reported no scopes."""
        missing = tuple(scope for scope in self._scopes if granted and scope not in granted)
        if missing and missing != self._missing:
            log.warning("scopes_missing", scopes=list(missing), todo="`sitrep doctor` says how")
        self._missing = missing

    async def _is_paused(self) -> bool:
        async with self._services.database.reading() as session:
            row = await session.get(Workspace, self._services.workspace.id)
        return row is not None and row.paused_at is not None
