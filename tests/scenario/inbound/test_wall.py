"""The outer wall: bounds on time, size and number before we know who is calling."""

import asyncio
import gzip
from urllib.parse import urlsplit

import pytest

from tests.scenario.conftest import Bot

HEAD = "POST /slack/events HTTP/1.1\r\nHost: sitrep\r\n"


@pytest.fixture
async def http_bot(bot: Bot) -> Bot:
    """The bot over HTTP."""
    await bot.stop()
    del bot.environ["SLACK_APP_TOKEN"]
    bot.environ["SLACK_SIGNING_SECRET"] = bot.slack.signing_secret
    await bot.start()
    return bot


async def sent(bot: Bot, raw: bytes, *, then_closed: bool = False) -> bytes:
    """Send these bytes, and return the answer until the bot closes the connection."""
    address = urlsplit(bot.app.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(raw)
    if then_closed:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.partition(b"\r\n")[0]


async def test_what_is_slow_too_much_or_odd_is_refused_at_once_without_a_traceback(
    http_bot: Bot, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = http_bot.app.endpoint
    assert endpoint is not None
    endpoint.bodies.body_seconds, endpoint.bodies.most_reading = 0.3, 50
    slow = f"{HEAD}Content-Length: 1000\r\n\r\npart of it".encode()
    halves = asyncio.gather(*(sent(http_bot, slow) for _ in range(50)))
    await asyncio.sleep(0.1)
    assert b"503" in await sent(http_bot, slow)
    assert all(b"408" in answer for answer in await halves)

    for encoding in ("gzip", "br", "deflate, gzip", "nonsense"):
        body = gzip.compress(b"{}")
        head = f"{HEAD}Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
        assert b"415" in await sent(http_bot, head.encode() + body)
    assert b"413" in await sent(http_bot, f"{HEAD}Content-Length: 1048577\r\n\r\n".encode())
    cut_off = f"{HEAD}Content-Length: 1000\r\n\r\npart".encode()
    assert await sent(http_bot, cut_off, then_closed=True) in {b"", b"HTTP/1.1 400 Bad Request"}
    for broken in (
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nno chunk\r\n".encode(),
        f"{HEAD}{'X: y' * 9000}\r\n\r\n".encode(),
        HEAD.encode() + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n",
    ):
        assert b" 400 " in await sent(http_bot, broken)

    log = capsys.readouterr()
    assert "Traceback" not in log.out + log.err
    assert "[error" not in log.out
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []
