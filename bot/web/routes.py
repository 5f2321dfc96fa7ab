"""The two web applications: a public one for Slack and probes, a private one for operators."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import web

from bot.operations.health import Health, checks
from bot.operations.telemetry import Telemetry
from bot.web.bodies import MOST_BYTES
from bot.web.pager_endpoint import PagerEndpoint
from bot.web.slack_endpoint import SlackEndpoint

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)


def public_app(
    endpoint: SlackEndpoint | None, pagers: PagerEndpoint, health: Health
) -> web.Application:
    """Return the public application; without a signing secret it doesn't serve Slack."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_answer_failures])
    if endpoint is not None:
        app.router.add_post("/slack/events", endpoint.handle)
    app.add_routes(pager_routes(pagers))
    app.router.add_get("/healthz", _healthz)

    async def readyz(_: web.Request) -> web.Response:
        faults = await health.faults()
        body: dict[str, object] = {**checks(faults)}
        if faults:
            body["reasons"] = faults
        return web.json_response(body, status=_status(is_ready=not faults))

    app.router.add_get("/readyz", readyz)
    return app


def pager_routes(pagers: PagerEndpoint) -> tuple[web.RouteDef, ...]:
    """Return the addresses that pagers call."""
    paths = ("/pagers/{key}", "/pagers/{key}/{secret}")
    return tuple(web.post(path, pagers.handle) for path in paths)


def ops_app(telemetry: Telemetry, health: Health) -> web.Application:
    """Return the operators' application: metrics, and readiness in detail."""
    app = web.Application(middlewares=[_answer_failures])

    async def metrics(_: web.Request) -> web.Response:
        await health.measure()
        return web.Response(body=telemetry.exposition(), headers={"Content-Type": METRICS_TYPE})

    async def readyz(_: web.Request) -> web.Response:
        details = await health.details()
        return web.json_response(details, status=_status(is_ready=details["ready"]))

    app.router.add_get("/metrics", metrics)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/healthz", _healthz)
    return app


def _status(*, is_ready: bool) -> HTTPStatus:
    return HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@web.middleware
async def _answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer unexpected errors with a bare 500; aiohttp would log the request's details."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("web_handler_failed", path=request.path)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
