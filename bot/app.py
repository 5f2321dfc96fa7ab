"""The composition root: the only place where things are built and wired, and their lifespan."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select

from bot.dispatcher import Dispatcher
from bot.effect_handlers import EntryHandlers
from bot.entry_messages import EntryRenderer
from bot.feature import EffectHandler, Feature
from bot.features import all_features
from bot.listeners import Listeners
from bot.middleware import Middleware
from bot.requests import Services, WorkspaceInfo
from bot.scheduler import Scheduler
from bot.slack.gateway import SlackGateway
from bot.slack.rate_limits import RateLimits
from bot.web.routes import web_app
from config.policy_loader import LoadedPolicy
from config.settings import Settings
from incidents.clock import Clock, SystemClock
from incidents.database import Database, open_database
from incidents.effects import Effect
from incidents.ids import new_id
from incidents.people import Workspace, system_actor
from incidents.unit_of_work import Outcome, Transactions, UnitOfWork
from migrations.runner import upgrade

CALL_TIMEOUT_SECONDS = 10

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sitrep:
    """The running program."""

    services: Services
    listeners: Listeners
    bolt: AsyncApp
    dispatcher: Dispatcher
    scheduler: Scheduler
    url: str = ""
    is_ready: bool = False

    async def settle(self, *, timeout: float = 20.0) -> None:
        """Wait until no effect is due or under way."""
        async with asyncio.timeout(timeout):
            while not await self._is_settled():
                self.dispatcher.wake()
                await asyncio.sleep(0.01)

    async def _is_settled(self) -> bool:
        if self.listeners.running or not self.dispatcher.is_idle:
            return False
        return not await self.dispatcher.has_due()


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    loaded: LoadedPolicy,
    *,
    clock: Clock | None = None,
    limits: RateLimits | None = None,
) -> AsyncIterator[Sitrep]:
    """Build everything, start it, and on the way out stop it in the right order."""
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        stack.push_async_callback(database.close)
        await prepare_schema(database)
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_SECONDS)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        transactions = Transactions(database, clock=clock, policy=loaded.policy)
        client = _client(settings, session)
        gateway = SlackGateway(client, limits=limits or RateLimits(clock), clock=clock)
        workspace = await find_workspace(gateway, transactions)
        gateway.team_id = workspace.external_id
        services = Services(
            transactions=transactions,
            database=database,
            gateway=gateway,
            policy=loaded.policy,
            clock=clock,
            workspace=workspace,
        )
        sitrep = _wire(services, settings)
        sitrep.dispatcher.start()
        stack.push_async_callback(sitrep.dispatcher.stop)
        await sitrep.scheduler.arrive()
        sitrep.scheduler.start()
        stack.callback(sitrep.scheduler.stop)
        await _listen(stack, sitrep, settings)
        sitrep.is_ready = True
        log.info("ready", policy=loaded.digest[:12])
        yield sitrep
        sitrep.is_ready = False


async def prepare_schema(database: Database) -> None:
    """Bring an embedded SQLite database to head."""
    if database.is_sqlite:
        await upgrade(database)


def _client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    token = settings.slack_bot_token
    return AsyncWebClient(
        token=token.get_secret_value() if token else None,
        base_url=str(settings.slack_api_url),
        session=session,
        retry_handlers=[],
    )


async def find_workspace(gateway: SlackGateway, transactions: Transactions) -> WorkspaceInfo:
    """Return the workspace of our token, from its stored row, or asked of Slack the first time.

    So a restart works while Slack is down.
    """
    async with transactions.database.reading() as session:
        stored = (await session.execute(select(Workspace))).scalars().first()
    if stored is not None:
        return _info(stored)
    identity = await gateway.auth_test()
    row = Workspace(
        id=new_id(),
        external_id=identity.team_id,
        url=identity.url,
        bot_external_id=identity.bot_user_id,
        bot_id=identity.bot_id,
        scopes=" ".join(identity.scopes),
    )

    async def save(uow: UnitOfWork) -> Outcome:
        uow.session.add(row)
        return Outcome("workspace_saved")

    await transactions.run(save, actor=system_actor(), workspace_id=row.id)
    return _info(row)


def _info(row: Workspace) -> WorkspaceInfo:
    return WorkspaceInfo(
        id=row.id,
        external_id=row.external_id,
        url=row.url,
        bot_external_id=row.bot_external_id,
        bot_id=row.bot_id,
    )


def _wire(services: Services, settings: Settings) -> Sitrep:
    features = all_features()
    listeners = Listeners(services, features)
    bolt = _bolt(services, settings)
    bolt.middleware(Middleware(services).identify)
    listeners.register(bolt)
    dispatcher = Dispatcher(services, effect_handlers(features), holder=_holder())
    return Sitrep(
        services=services,
        listeners=listeners,
        bolt=bolt,
        dispatcher=dispatcher,
        scheduler=Scheduler(services),
    )


def effect_handlers(features: Iterable[Feature]) -> dict[type[Effect], EffectHandler]:
    """Return the handler of every kind of effect. Raises: ValueError if two claim one kind."""
    renderers: dict[str, EntryRenderer] = {}
    direct: dict[str, EntryRenderer] = {}
    handlers: dict[type[Effect], EffectHandler] = {}
    for feature in features:
        renderers.update(feature.entries)
        direct.update(feature.direct_entries)
        for effect_type, handler in feature.effects.items():
            if effect_type in handlers:
                raise ValueError(f"two features handle {effect_type.kind}")
            handlers[effect_type] = handler
    return {**handlers, **EntryHandlers(renderers, direct).handlers()}


def _bolt(services: Services, settings: Settings) -> AsyncApp:
    workspace = services.workspace
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    secret = settings.slack_signing_secret

    async def authorize(**_: Any) -> AuthorizeResult:
        # From the stored row: no auth.test while a request waits.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=workspace.external_id,
            bot_user_id=workspace.bot_external_id,
            bot_id=workspace.bot_id,
            bot_token=token,
        )

    return AsyncApp(
        authorize=authorize,
        client=services.gateway.client,
        signing_secret=secret.get_secret_value() if secret else "",
        process_before_response=True,
    )


def _holder() -> str:
    return f"{socket.gethostname()}:{uuid.uuid4().hex[:12]}"


async def _listen(stack: contextlib.AsyncExitStack, sitrep: Sitrep, settings: Settings) -> None:
    runner = web.AppRunner(web_app(sitrep.bolt, settings), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    sitrep.url = _url_of(runner)
    if settings.slack_app_token is not None:
        handler = AsyncSocketModeHandler(
            sitrep.bolt, settings.slack_app_token.get_secret_value(), web_client=sitrep.bolt.client
        )
        stack.push_async_callback(handler.close_async)
        await handler.connect_async()  # type: ignore[no-untyped-call]


def _url_of(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"
