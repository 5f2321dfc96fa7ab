"""`/api/<method>`: arguments, faults, token, scopes, rate limits, then the method itself."""

import asyncio
import json
import time
from datetime import UTC
from email.utils import format_datetime
from types import ModuleType
from typing import Any

from aiohttp import web

from tests.slack_server.backend import Backend
from tests.slack_server.faults import Fault, FaultKind, Faults
from tests.slack_server.journal import ApiCall, Journal
from tests.slack_server.rate_limits import RateLimits
from tests.slack_server.render import Json
from tests.slack_server.state import SlackError
from tests.slack_server.web_api import (
    chat,
    conversations,
    directory,
    files,
    items,
    members,
    views,
)
from tests.slack_server.web_api.method import Call, Method

_MODULES = (chat, conversations, directory, files, items, members, views)
_SECRET_ARGS = {"token"}


def method_table() -> dict[str, Method]:
    """All methods by name."""
    return {found.name: found for module in _MODULES for found in _methods_in(module)}


class WebApi:
    """Serves calls one by one; a call's effect is one step, never interleaved with another's."""

    def __init__(
        self, backend: Backend, *, journal: Journal, faults: Faults, limits: RateLimits
    ) -> None:
        self._backend = backend
        self._journal = journal
        self._faults = faults
        self._limits = limits
        self._methods = method_table()
        self._busy: set[tuple[str, str]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        args = await read_args(request)
        token = _token(request, args)
        shown = {key: value for key, value in args.items() if key not in _SECRET_ARGS}
        entry = self._journal.begin(request.match_info["method"], shown)
        try:
            return await self._serve(request, entry, token)
        finally:
            entry.ended = time.perf_counter()
            self._backend.ws.pulse()

    async def _serve(self, request: web.Request, entry: ApiCall, token: str) -> web.StreamResponse:
        if self._faults.is_down:
            entry.error = "down"
            return web.Response(status=503, text="<html>Service Unavailable</html>")
        fault = self._faults.take(entry.method, entry.args)
        spec = self._methods.get(entry.method)
        key = (spec.serial, str(entry.args.get(spec.channel_arg))) if spec else ("", "")
        is_first = not key[0] or key not in self._busy
        if key[0] and is_first:
            self._busy.add(key)
        try:
            await self._faults.wait(entry.method, share=0.5)
            if fault and not fault.after:
                return await self._fail(request, entry, fault)
            if spec is None:
                answer: Json = {"ok": False, "error": "unknown_method"}
            elif not is_first:
                answer = {"ok": False, "error": "too_many_requests"}
            else:
                answer = self._run(spec, entry, token)
            await self._faults.wait(entry.method, share=0.5)
        finally:
            if is_first:
                self._busy.discard(key)
        if fault:
            return await self._fail(request, entry, fault)
        return self._respond(entry, answer, retry_after=answer.pop("retry_after", 0))

    def _run(self, spec: Method, entry: ApiCall, token: str) -> Json:
        call = Call(self._backend, spec, entry.args)
        wait = self._limits.wait_for(spec.name, tier=spec.tier, channel=chat.find_channel_id(call))
        if wait:
            return {"ok": False, "error": "ratelimited", "retry_after": wait}
        try:
            self._check_token(spec, token)
            if "invalid_json" in entry.args:
                raise SlackError("invalid_json")
            call.check()
            answer = {"ok": True, **spec.run(call)}
        except SlackError as error:
            return {"ok": False, "error": error.code, **error.extra}
        entry.took_effect = True
        # A copy as sent, so that later changes of state don't rewrite the journal.
        entry.answer = json.loads(json.dumps(answer))
        return dict(entry.answer)

    def _check_token(self, spec: Method, token: str) -> None:
        if not token:
            raise SlackError("not_authed")
        backend = self._backend
        if token not in (backend.bot_token, backend.app_token):
            raise SlackError("invalid_auth")
        if backend.token_error:
            raise SlackError(backend.token_error)
        wanted = backend.app_token if spec.for_app_token else backend.bot_token
        if token != wanted:
            raise SlackError("not_allowed_token_type")

    def _respond(
        self, entry: ApiCall, answer: Json, *, status: int = 200, retry_after: int = 0
    ) -> web.Response:
        entry.ok = bool(answer.get("ok"))
        entry.error = str(answer.get("error") or "")
        headers = {
            "x-oauth-scopes": ",".join(sorted(self._backend.scopes)),
            "Date": format_datetime(self._backend.ws.now.astimezone(UTC), usegmt=True),
        }
        if retry_after:
            status = 429
            headers["Retry-After"] = str(retry_after)
        return web.json_response(answer, status=status, headers=headers)

    async def _fail(self, request: web.Request, entry: ApiCall, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case FaultKind.HANG:
                entry.error = "hung"
                await self._faults.hang()
                return _dropped(request)
            case FaultKind.DROP:
                entry.error = "dropped"
                return _dropped(request)
            case FaultKind.ANSWER if fault.error:
                answer = {"ok": False, "error": fault.error, **(fault.extra or {})}
                return self._respond(
                    entry, answer, status=fault.status, retry_after=fault.retry_after
                )
            case _:
                entry.error = f"http_{fault.status}"
                return web.Response(status=fault.status, text="<html>upstream error</html>")


async def read_args(request: web.Request) -> Json:
    """Read arguments from query string, form and JSON body alike."""
    args: Json = dict(request.query)
    if request.method != "POST":
        return args
    if request.content_type == "application/json":
        try:
            body: Any = json.loads(await request.text() or "{}")
        except ValueError:
            body = None
        # No object: a marker that no method takes, so that the call is refused and seen.
        return {**args, **body} if isinstance(body, dict) else {**args, "invalid_json": True}
    form = await request.post()
    return args | {key: value for key, value in form.items() if isinstance(value, str)}


def _methods_in(module: ModuleType) -> list[Method]:
    return [value for value in vars(module).values() if isinstance(value, Method)]


def _token(request: web.Request, args: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() or str(args.get("token") or "")


def _dropped(request: web.Request) -> web.Response:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.close()
    return web.Response()
