"""The composition root: builds and wires everything, starts it and stops it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import aiohttp
import structlog
from aiohttp import web

from bot.features import all_features
from bot.features.browse.people import refresh_directory
from bot.features.channel.announcement import announce_what_waits, join_announcement_channel
from bot.features.channel.life import while_channel_lasts
from bot.features.channel.watch import EVERY, look_at_open_channels
from bot.features.paging import heard
from bot.features.record import catch_up
from bot.framework.effect_context import Dropped
from bot.framework.feature import EffectHandler, Feature
from bot.framework.live_messages import show
from bot.framework.requests import Services
from bot.inbound.bolt import make_bolt, make_client
from bot.inbound.intake import Intake
from bot.inbound.listeners import Listeners
from bot.inbound.middleware import Middleware
from bot.inbound.socket_mode import SocketMode, SocketTuning
from bot.integrations.opening import open_pagers
from bot.operations import policy_reload
from bot.operations.health import Health
from bot.operations.identity import ASK_FOR, StartRefused, WorkspaceKeeper, find_identity
from bot.operations.logs import current_correlation_id
from bot.operations.manifest import needed_scopes
from bot.operations.policy_reload import PolicyReload
from bot.operations.process import process_name
from bot.operations.scheduler import Chore, Scheduler
from bot.operations.storage import measured_clock, prepare_schema
from bot.operations.telemetry import EFFECTS, EFFECTS_DROPPED, Telemetry
from bot.outbound.attempts import End
from bot.outbound.dispatcher import Dispatcher
from bot.outbound.entry_handlers import EntryHandlers
from bot.outbound.wake import WakeListener
from bot.slack.blocks.validators import check_quickly
from bot.slack.gateway import SlackGateway
from bot.slack.rate_limits import RateLimits
from bot.web.listening import Listening
from bot.web.pager_endpoint import PagerEndpoint
from bot.web.routes import ops_app, public_app
from bot.web.slack_endpoint import SlackEndpoint
from config.policy_loader import LoadedPolicy, load_policy
from config.scenario_loader import load_scenarios
from config.settings import Settings
from incidents.core.clock import Clock
from incidents.core.people import system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.engine.effects import Effect
from incidents.engine.transactions import Transactions
from incidents.paging.port import Pagers
from incidents.registry.retention import sweep_all
from incidents.registry.rules import RULES
from incidents.storage.database import Database, open_database, reason_of
from incidents.supervision.policy_record import note_policy

CALL_TIMEOUT_SECONDS = 12
DRAIN_SECONDS = 3.0
CONNECT_SECONDS = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Sitrep:
    """The running program."""

    services: Services
    telemetry: Telemetry
    listeners: Listeners
    intake: Intake
    dispatcher: Dispatcher
    scheduler: Scheduler
    keeper: WorkspaceKeeper
    reload: PolicyReload
    wake: WakeListener
    sockets: SocketMode | None
    health: Health
    endpoint: SlackEndpoint | None
    url: str = field(default="", init=False)
    ops_url: str = field(default="", init=False)

    async def settle(self, *, timeout: float = 20.0) -> None:
        """Wait until no effect is due or running."""
        async with asyncio.timeout(timeout):
            while not await self._is_settled():
                self.dispatcher.wake()
                await asyncio.sleep(0.01)

    async def _is_settled(self) -> bool:
        if self._is_busy or await self.dispatcher.has_due():
            return False
        # The dispatcher may have claimed an effect during the query, so look again.
        return not self._is_busy

    @property
    def _is_busy(self) -> bool:
        at_rest = self.dispatcher.is_idle and not self.scheduler.is_starting
        return bool(self.listeners.running) or not at_rest


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    loaded: LoadedPolicy,
    *,
    clock: Clock | None = None,
    limits: RateLimits | None = None,
    tuning: SocketTuning | None = None,
    ask_for: timedelta = ASK_FOR,
) -> AsyncIterator[Sitrep]:
    """Build and start everything; on exit, stop it in the right order.

    `ask_for` is how long to keep asking Slack whose token this is, if that isn't stored yet.

    Raises:
        StartRefused: it can't start; the message says why and what to do.
    """
    check_quickly()
    async with contextlib.AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        stack.push_async_callback(database.close)
        await prepare_schema(database)
        clock = clock or await measured_clock(database)
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_SECONDS)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        telemetry = Telemetry()
        services = await _services(
            settings,
            loaded,
            database=database,
            gateway=SlackGateway(
                make_client(_token(settings), base_url=settings.slack_api_url, session=session),
                limits=limits or RateLimits(clock),
                clock=clock,
                on_call=telemetry.on_call,
            ),
            pagers=await stack.enter_async_context(open_pagers(settings, clock)),
            clock=clock,
            ask_for=ask_for,
        )
        sitrep = _wire(services, telemetry, settings, loaded=loaded, tuning=tuning)
        await _start(stack, sitrep, settings)
        log.info("ready", policy=loaded.digest[:12], url=sitrep.url, ops_url=sitrep.ops_url)
        yield sitrep
        log.info("stopping", in_flight=sitrep.intake.in_flight)


def _token(settings: Settings) -> str:
    return settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""


async def _services(
    settings: Settings,
    loaded: LoadedPolicy,
    *,
    database: Database,
    gateway: SlackGateway,
    pagers: Pagers,
    clock: Clock,
    ask_for: timedelta,
) -> Services:
    transactions = Transactions(
        database,
        clock=clock,
        policy=loaded.policy,
        rules=RULES,
        correlation_id=current_correlation_id,
    )
    workspace = await find_identity(gateway, transactions, token=_token(settings), ask_for=ask_for)
    gateway.team_id = workspace.external_id
    gateway.enterprise_id = workspace.enterprise_id
    return Services(
        transactions=transactions,
        database=database,
        gateway=gateway,
        clock=clock,
        workspace=workspace,
        pagers=pagers,
        scenarios=load_scenarios(settings.sitrep_scenarios),
        signer=settings.signer(),
    )


def _wire(
    services: Services,
    telemetry: Telemetry,
    settings: Settings,
    *,
    loaded: LoadedPolicy,
    tuning: SocketTuning | None,
) -> Sitrep:
    features = all_features()
    listeners = Listeners(services, features)
    token = _token(settings)
    bolt = make_bolt(services.workspace, token=token, base_url=settings.slack_api_url)
    bolt.middleware(Middleware(services).identify)
    listeners.register(bolt)
    intake = Intake(bolt, telemetry, us=services.workspace)
    dispatcher = Dispatcher(
        services,
        effect_handlers((*features, catch_up.feature(intake.hear))),
        holder=process_name(),
        on_end=partial(_count_effect, telemetry),
    )
    keeper = WorkspaceKeeper(services, token=token, scopes=needed_scopes(features))
    reload = PolicyReload(
        services, loaded=loaded, read=partial(load_policy, settings.sitrep_policy)
    )
    sockets = _sockets(services, settings, intake=intake, tuning=tuning)
    secret = settings.slack_signing_secret
    scheduler = Scheduler(
        services,
        telemetry=telemetry,
        chores=_chores(services, keeper, dispatcher, reload),
        hears=lambda: _hears(sockets, has_http=secret is not None),
    )
    reload.after = [partial(scheduler.run_chore, name) for name in ("directory", "announcement")]
    return Sitrep(
        services=services,
        telemetry=telemetry,
        listeners=listeners,
        intake=intake,
        dispatcher=dispatcher,
        scheduler=scheduler,
        keeper=keeper,
        reload=reload,
        wake=WakeListener(
            services.database, workspace_id=services.workspace.id, wake=dispatcher.wake
        ),
        sockets=sockets,
        health=Health(
            services=services,
            telemetry=telemetry,
            intake=intake,
            dispatcher=dispatcher,
            scheduler=scheduler,
            keeper=keeper,
            sockets=sockets,
            reload=reload,
            has_http=secret is not None,
        ),
        endpoint=SlackEndpoint(intake, secret=secret.get_secret_value()) if secret else None,
    )


def _sockets(
    services: Services, settings: Settings, *, intake: Intake, tuning: SocketTuning | None
) -> SocketMode | None:
    if settings.slack_app_token is None:
        return None
    app_token = settings.slack_app_token.get_secret_value()
    return SocketMode(intake, partial(services.gateway.open_socket, app_token), tuning=tuning)


def _hears(sockets: SocketMode | None, *, has_http: bool) -> bool:
    """Tell whether Slack's requests reach us; HTTP counts unless the app uses Socket Mode."""
    if sockets is None or sockets.connected:
        return True
    return has_http and not sockets.was_connected


def _chores(
    services: Services, keeper: WorkspaceKeeper, dispatcher: Dispatcher, reload: PolicyReload
) -> tuple[Chore, ...]:
    async def check_token() -> None:
        if await keeper.check():
            dispatcher.resume()

    async def ask_pagers() -> None:
        if dispatcher.holds_lease:
            await heard.ask_pagers(services)

    async def delete_done() -> None:
        await sweep_all(
            services.transactions,
            workspace_id=services.workspace.id,
            actor=system_actor(HOUSEKEEPING),
        )

    return (
        Chore("token", timedelta(minutes=1), check_token),
        Chore("announcement", timedelta(hours=6), partial(join_announcement_channel, services)),
        Chore(
            "waiting announcements", EVERY, partial(announce_what_waits, services), at_start=False
        ),
        Chore("pagers", heard.EVERY, ask_pagers, at_start=False),
        Chore("channels", EVERY, partial(look_at_open_channels, services)),
        Chore("directory", timedelta(hours=6), partial(refresh_directory, services)),
        Chore("policy", policy_reload.EVERY, reload.look, at_start=False),
        Chore("retention", timedelta(minutes=10), delete_done, at_start=False),
    )


def effect_handlers(features: Iterable[Feature]) -> dict[type[Effect], EffectHandler]:
    """Return the handler of each effect type. Raises: ValueError if two features handle one."""
    features = tuple(features)
    handlers = EntryHandlers(features).handlers()
    for feature in features:
        own = dict(feature.effects)
        own.update((live.effect, partial(show, live=live)) for live in feature.live_messages)
        for effect_type, handler in own.items():
            if effect_type in handlers:
                raise ValueError(f"two features handle {effect_type.kind}")
            handlers[effect_type] = handler
    return {
        effect_type: while_channel_lasts(handler) if effect_type.needs_channel else handler
        for effect_type, handler in handlers.items()
    }


def _count_effect(telemetry: Telemetry, kind: str, end: End) -> None:
    if isinstance(end, Dropped):
        telemetry.count(EFFECTS_DROPPED, kind=kind, reason=end.reason)
    telemetry.count(EFFECTS, kind=kind, outcome=type(end).__name__.lower())


async def _start(stack: contextlib.AsyncExitStack, sitrep: Sitrep, settings: Settings) -> None:
    """Start the parts; on exit, each is stopped in the reverse order."""
    await sitrep.scheduler.arrive()
    await sitrep.services.transactions.run(
        note_policy,
        actor=system_actor(HOUSEKEEPING),
        workspace_id=sitrep.services.workspace.id,
    )
    sitrep.dispatcher.start()
    stack.push_async_callback(sitrep.dispatcher.stop)
    sitrep.wake.start()
    stack.push_async_callback(sitrep.wake.stop)
    await _serve_web(stack, sitrep, settings)
    if sitrep.sockets is not None:
        sitrep.sockets.start()
        stack.push_async_callback(sitrep.sockets.stop)
    # Starts last, but is registered here so that it stops right after the last answer.
    stack.push_async_callback(sitrep.scheduler.stop)
    lag = asyncio.create_task(sitrep.telemetry.watch_loop(), name="loop-lag")
    stack.callback(lag.cancel)
    sitrep.intake.is_open = True
    # Runs first on exit, while everything still works, so that no answer is lost.
    stack.push_async_callback(_drain, sitrep)
    if sitrep.sockets is not None:
        await _wait_for_socket(sitrep.sockets)
    # Last: its first round of chores would delay the socket.
    sitrep.scheduler.start()


async def _wait_for_socket(sockets: SocketMode) -> None:
    if await sockets.wait_connected(timeout_seconds=CONNECT_SECONDS):
        return
    if sockets.refusal is not None:
        raise StartRefused(
            f"Slack refuses SLACK_APP_TOKEN ({sockets.refusal}).",
            todo="On the app's page, Basic Information, App-Level Tokens: take one with the scope "
            "connections:write; it starts with xapp-.",
        )
    log.warning("not_connected_yet", todo="Sitrep keeps trying")


async def _drain(sitrep: Sitrep) -> None:
    """Report not ready, and keep answering for up to 3 s until nothing waits for an answer."""
    sitrep.intake.is_leaving = True
    if not await sitrep.intake.drained(timeout_seconds=DRAIN_SECONDS):
        log.warning("answers_cut_off", in_flight=sitrep.intake.in_flight)
    later = set(sitrep.listeners.running)
    if later:
        await asyncio.wait(later, timeout=1)
    sitrep.intake.is_open = False


async def _serve_web(stack: contextlib.AsyncExitStack, sitrep: Sitrep, settings: Settings) -> None:
    pagers = PagerEndpoint(
        sitrep.services, is_open=lambda: sitrep.intake.is_open, hear=heard.hear_pager
    )
    public = public_app(sitrep.endpoint, pagers, sitrep.health)
    ops = ops_app(sitrep.telemetry, sitrep.health)
    sitrep.url = await _listen(stack, public, host=settings.host, port=settings.port)
    sitrep.ops_url = await _listen(stack, ops, host=settings.ops_host, port=settings.ops_port)


async def _listen(
    stack: contextlib.AsyncExitStack, app: web.Application, *, host: str, port: int
) -> str:
    try:
        return await Listening(app).start(stack, host=host, port=port)
    except OSError as error:
        raise StartRefused(
            f"Can't listen on {host}:{port}: {reason_of(error).lower()}.",
            todo="Is another Sitrep running? Otherwise choose another HOST, PORT or OPS_PORT.",
        ) from None
