"""The door for pagers: proven before it is parsed, committed before it is answered, never 429."""

import asyncio
import io
from typing import Any

import aiohttp
import pytest
from yarl import URL

from config.secrets_file import PagerSecrets
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import WEBHOOK_SECRET, Paging

NEWS = {"Type": "AlertStatus", "AlertID": 7, "LogEntry": "Acknowledged by Kim"}


@pytest.fixture
def door(paging: Paging) -> str:
    """The address that a GoAlert calls."""
    config = PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="http://127.0.0.1:9")
    paging.add(config, PagerSecrets(webhook_secrets=("older", WEBHOOK_SECRET)))
    return f"{paging.url}/pagers/goalert"


async def post(url: str | URL, **given: Any) -> int:
    """Post, and return the status."""
    async with aiohttp.ClientSession() as session, session.post(url, **given) as response:
        return response.status


async def test_only_a_known_secret_opens_it_and_all_others_get_the_same_answer(
    paging: Paging, door: str
) -> None:
    assert await post(f"{door}/{WEBHOOK_SECRET}", json=NEWS) == 200
    assert await post(f"{door}/older", json=NEWS) == 200
    assert len(paging.heard) == 2
    for path in (door, f"{door}/wrong", f"{door}/wrong%C3%A9", f"{paging.url}/pagers/none/older"):
        assert await post(path, json=NEWS) == 401
        assert await post(path, data=b"not even JSON") == 401
    assert len(paging.heard) == 2


async def test_what_a_pager_does_not_send_is_refused_and_too_much_is_not_read(
    paging: Paging, door: str
) -> None:
    url = f"{door}/{WEBHOOK_SECRET}"
    for broken in (b"{", b"[1]", b"\xff", b"[" * 100_000):
        assert await post(url, data=broken) == 400
    assert await post(url, data=io.BytesIO(b" " * (1024 * 1024 + 1))) == 413
    assert await post(url, data=b"{}", headers={"Content-Encoding": "gzip"}) == 415
    assert not paging.heard


@pytest.mark.parametrize("reason", ["closed", "failing"])
async def test_it_asks_to_come_again_while_nothing_can_be_recorded(
    paging: Paging, door: str, reason: str
) -> None:
    paging.is_open = reason != "closed"
    paging.trouble = ConnectionError("no database") if reason == "failing" else None
    assert await post(f"{door}/{WEBHOOK_SECRET}", json=NEWS) == 503

    paging.is_open, paging.trouble = True, None
    assert await post(f"{door}/{WEBHOOK_SECRET}", json=NEWS) == 200


async def test_many_at_once_are_all_heard(paging: Paging, door: str) -> None:
    url = f"{door}/{WEBHOOK_SECRET}"
    statuses = await asyncio.gather(*(post(url, json={**NEWS, "AlertID": n}) for n in range(40)))
    assert set(statuses) == {200}
    assert {one.remote_id for one in paging.heard} == {str(n) for n in range(40)}


@pytest.mark.parametrize("secret", ["%ED%A0%80", "%FF", "%00", "%F0%9F%94%A5", "a.b", "x" * 6000])
async def test_odd_paths_get_the_same_answer_as_wrong_ones(
    paging: Paging, door: str, secret: str
) -> None:
    ntfy = PagerConfig(key="ntfy", kind=PagerKind.NTFY, url="http://127.0.0.1:9")
    paging.add(ntfy, PagerSecrets(webhook_secrets=(WEBHOOK_SECRET,)))
    for url in (door, f"{paging.url}/pagers/ntfy", f"{paging.url}/pagers"):
        assert await post(URL(f"{url}/{secret}", encoded=True), json=NEWS) in {401, 404}
    assert not paging.heard
