"""Connections are bounded in number, and in the time until they say something."""

import asyncio
import contextlib
from urllib.parse import urlsplit

from aiohttp import web

from bot.web.listening import Listening


async def said(url: str, raw: bytes) -> bytes:
    """Send these bytes, and return the first line of what comes back until it is closed."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.partition(b"\r\n")[0]


async def test_those_that_say_nothing_in_time_are_closed_and_one_too_many_gets_503() -> None:
    async def hello(_: web.Request) -> web.Response:
        await asyncio.sleep(0.4)  # longer than a silent connection may take
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    listening = Listening(app)
    listening.head_seconds, listening.most_connections = 0.2, 3
    asked = b"GET / HTTP/1.1\r\nHost: sitrep\r\nConnection: close\r\n\r\n"
    async with contextlib.AsyncExitStack() as stack:
        url = await listening.start(stack, host="127.0.0.1", port=0)
        three = asyncio.gather(said(url, b""), said(url, b"GET / HTTP/1.1\r\nHo"), said(url, asked))
        await asyncio.sleep(0.05)
        assert b" 503 " in await said(url, asked)
        assert list(await three) == [b"", b"", b"HTTP/1.1 200 OK"]
        assert b" 200 " in await said(url, asked)
