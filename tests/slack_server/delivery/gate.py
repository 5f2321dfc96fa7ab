"""What every request to the embedded Slack goes through: journal, planned faults, latency."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from tests.slack_server.delivery.faults import Fault, FaultKind, Faults
from tests.slack_server.journal import ApiCall, Journal
from tests.slack_server.render import Json
from tests.slack_server.workspace import Workspace

Run = Callable[[ApiCall], web.Response]


class Refuse(Protocol):
    """Makes the response for a planned error."""

    def __call__(self, answer: Json, *, status: int, retry_after: int) -> web.Response:
        """Wrap the error as the called address does."""


# The names, for failing and journalling, of the two addresses outside the Web API.
RESPONSE_URL = "response_url"
UPLOAD_URL = "upload_url"


class Gate:
    """Lets requests through one by one, or makes them fail as planned."""

    def __init__(self, ws: Workspace, *, journal: Journal, faults: Faults) -> None:
        self._ws = ws
        self._journal = journal
        self._faults = faults

    async def let_through(
        self, request: web.Request, *, method: str, args: Json, run: Run, fail: Refuse
    ) -> web.StreamResponse:
        """Journal a call and answer it by `run`, or by `fail` where an error is planned."""
        entry = self._journal.begin(method, args)
        try:
            return await self._answer(request, entry, run, fail)
        finally:
            entry.ended = time.perf_counter()
            self._ws.pulse()

    async def _answer(
        self, request: web.Request, entry: ApiCall, run: Run, fail: Refuse
    ) -> web.StreamResponse:
        if self._faults.is_down:
            entry.error = "down"
            return web.Response(status=503, text="<html>Service Unavailable</html>")
        fault = self._faults.take(entry.method, entry.args)
        await self._faults.wait(entry.method, since=entry.started, share=0.5)
        if fault and fault.kind is FaultKind.HOLD:
            await self._faults.hang()
        elif fault and not fault.after:
            return await self._strike(request, entry, fault, fail)
        response = run(entry)
        await self._faults.wait(entry.method, since=entry.started, share=1.0)
        if fault and fault.after:
            return await self._strike(request, entry, fault, fail)
        return response

    async def _strike(
        self,
        request: web.Request,
        entry: ApiCall,
        fault: Fault,
        fail: Refuse,
    ) -> web.Response:
        entry.ok = False
        match fault.kind:
            case FaultKind.HANG:
                entry.error = "hung"
                await self._faults.hang()
                return _dropped(request)
            case FaultKind.DROP | FaultKind.HOLD:
                entry.error = "dropped"
                return _dropped(request)
            case FaultKind.ANSWER if fault.error:
                entry.error = fault.error
                answer = {"ok": False, "error": fault.error, **(fault.extra or {})}
                return fail(answer, status=fault.status, retry_after=fault.retry_after)
            case _:
                entry.error = f"http_{fault.status}"
                return web.Response(status=fault.status, text="<html>upstream error</html>")


def _dropped(request: web.Request) -> web.Response:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.close()
    return web.Response()
