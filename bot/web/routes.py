"""The public routes: Slack's endpoint (only with a signing secret) and health."""

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from config.settings import Settings


def web_app(bolt: AsyncApp, settings: Settings) -> web.Application:
    """Return the public web application."""
    app = web.Application()
    if settings.slack_signing_secret is not None:

        async def slack_events(request: web.Request) -> web.Response:
            response = await bolt.async_dispatch(await to_bolt_request(request))
            return await to_aiohttp_response(response)

        app.router.add_post("/slack/events", slack_events)
    app.router.add_get("/healthz", _healthz)
    return app


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
