"""What systems answer: in pieces, cut, and with our own secrets in it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from bot.integrations.http import Http
from bot.web.listening import Listening
from incidents.paging.port import PagerRefused
from tests.clock import ManualClock

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "integration-key-of-checkout"


@contextlib.asynccontextmanager
async def calling(answer: Answering) -> AsyncIterator[tuple[Http, str]]:
    """Yield how we call a server that answers like this, and its address."""
    async with contextlib.AsyncExitStack() as stack:
        app = web.Application()
        app.add_routes([web.post("/", answer)])
        url = await Listening(app).start(stack, host="127.0.0.1", port=0)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Http(session, ManualClock(), "GoAlert", (SECRET,)), url


async def test_an_answer_that_comes_in_pieces_is_read_whole() -> None:
    raw = json.dumps({"AlertID": 7, "more": "x" * 5000}).encode()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, len(raw), 2000):
            await response.write(raw[start : start + 2000])
            await asyncio.sleep(0.02)
        return response

    async with calling(answer) as (http, url):
        assert (await http.call("POST", url)).text("AlertID") == "7"


@pytest.mark.parametrize("before", [0, 190, 199])
async def test_a_secret_that_a_system_repeats_is_never_shown_not_even_its_beginning(
    before: int,
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text=f"{'x' * before}{SECRET} isn't known")

    async with calling(answer) as (http, url):
        with pytest.raises(PagerRefused) as refusal:
            await http.call("POST", url)
    assert "xi" not in refusal.value.error
    assert SECRET[:6] not in refusal.value.error
