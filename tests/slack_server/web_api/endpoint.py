"""`/api/<method>`: arguments, faults, token, scopes, rate limits, then the method itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from email.utils import format_datetime
from types import ModuleType
from typing import Any

from aiohttp import web

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.gate import Gate
from tests.slack_server.delivery.rate_limits import RateLimits
from tests.slack_server.journal import ApiCall
from tests.slack_server.render import Json
from tests.slack_server.state import SlackError
from tests.slack_server.web_api import chat, conversations, directory, files, items, members, views
from tests.slack_server.web_api.method import Call, Method

_MODULES = (chat, conversations, directory, files, items, members, views)
_SECRET_ARGS = {"token"}


def method_table() -> dict[str, Method]:
    """All methods by name."""
    return {found.name: found for module in _MODULES for found in _methods_in(module)}


class WebApi:
    """Serves calls one by one; a call's effect is one step, never interleaved with another's."""

    def __init__(self, backend: Backend, *, gate: Gate, limits: RateLimits) -> None:
        self._backend = backend
        self._gate = gate
        self._limits = limits
        self._methods = method_table()
        self._busy: set[tuple[str, str]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        args = await read_args(request)
        token = _token(request, args)
        shown = {key: value for key, value in args.items() if key not in _SECRET_ARGS}
        name = request.match_info["method"]
        spec = self._methods.get(name)
        with self._alone(spec, shown) as is_alone:

            def run(entry: ApiCall) -> web.Response:
                answer = self._run(spec, entry, token, is_alone=is_alone)
                entry.ok, entry.error = bool(answer["ok"]), str(answer.get("error") or "")
                return self.respond(answer, retry_after=answer.pop("retry_after", 0))

            return await self._gate.let_through(
                request, method=name, args=shown, run=run, fail=self.respond
            )

    def respond(self, answer: Json, *, status: int = 200, retry_after: int = 0) -> web.Response:
        """Make the HTTP response of an answer."""
        headers = {"Date": format_datetime(self._backend.ws.now.astimezone(UTC), usegmt=True)}
        if self._backend.names_scopes:
            headers["x-oauth-scopes"] = ",".join(sorted(self._backend.scopes))
        if retry_after:
            status = 429
            headers["Retry-After"] = str(retry_after)
        return web.json_response(answer, status=status, headers=headers)

    @contextmanager
    def _alone(self, spec: Method | None, args: Json) -> Iterator[bool]:
        """Claim a method that Slack serves one call at a time per channel."""
        key = (spec.serial, str(args.get(spec.channel_arg))) if spec and spec.serial else None
        if key is None or key in self._busy:
            yield key is None
            return
        self._busy.add(key)
        try:
            yield True
        finally:
            self._busy.discard(key)

    def _run(self, spec: Method | None, entry: ApiCall, token: str, *, is_alone: bool) -> Json:
        if spec is None:
            return {"ok": False, "error": "unknown_method"}
        if not is_alone:
            return {"ok": False, "error": "too_many_requests"}
        call = Call(self._backend, spec, entry.args)
        channel = chat.find_channel_id(call)
        wait = self._limits.wait_for(spec.name, tier=spec.tier, channel=channel)
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
        # Not an object: mark the call, so that it is refused and journalled.
        return {**args, **body} if isinstance(body, dict) else {**args, "invalid_json": True}
    form = await request.post()
    return args | {key: value for key, value in form.items() if isinstance(value, str)}


def _methods_in(module: ModuleType) -> list[Method]:
    return [value for value in vars(module).values() if isinstance(value, Method)]


def _token(request: web.Request, args: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() or str(args.get("token") or "")
