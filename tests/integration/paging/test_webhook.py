"""The signed webhook: what it sends, once for each id, and what a receiver says back."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import HeardKind, PagerRefused, PagerTemporary
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import Paging, page
from tests.pager_servers.webhook import Receiver

KEY = b"twenty-four-bytes-of-key"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
async def receiver(paging: Paging) -> AsyncIterator[Receiver]:
    """A receiver that answers."""
    now = int(paging.clock.now().timestamp())
    async with Receiver(KEY, now=now).serving() as server:
        server.webhook = f"{paging.url}/pagers/hook"
        paging.add(
            PagerConfig(key="hook", kind=PagerKind.WEBHOOK, url=f"{server.url}/wake"),
            PagerSecrets(webhook_secrets=(SECRET, "an-older-text")),
        )
        yield server


@pytest.fixture
def pager(paging: Paging, receiver: Receiver) -> System:
    """Our side of it."""
    return paging.pager("hook")


async def test_each_demand_is_one_message_that_says_what_a_receiver_needs(
    paging: Paging, receiver: Receiver, pager: System
) -> None:
    await pager.trigger(page(email="kim@example.com"))
    await pager.update(page(), "INC-12 is now SEV2")
    await pager.acknowledge(page(), by="Ben")
    await pager.resolve(page())

    triggered, updated, acknowledged, resolved = receiver.taken.values()
    known = {"key": "5d7c7a4e", "address": "checkout", "incident": "INC-12"}
    assert triggered == {
        "type": "page.triggered",
        "timestamp": paging.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            **known,
            "urgent": True,
            "title": "SEV1: Checkout fails",
            "severity": "sev1",
            "severity_rank": 1,
            "email": "kim@example.com",
            "link": "https://sitrep.slack.com/archives/C0INC12",
            "details": {"Services": "Checkout"},
        },
    }
    assert (updated["type"], updated["data"]["text"]) == ("page.updated", "INC-12 is now SEV2")
    assert (acknowledged["type"], acknowledged["data"]) == (
        "page.acknowledged",
        {**known, "by": "Ben"},
    )
    assert (resolved["type"], resolved["data"]) == ("page.resolved", known)


async def test_of_a_private_incident_nothing_but_its_number_leaves(
    receiver: Receiver, pager: System
) -> None:
    private = page(title="", details={}, link="", email="kim@example.com")
    await pager.trigger(private)
    await pager.acknowledge(private, by="Ben")
    known = {"key": "5d7c7a4e", "address": "checkout", "incident": "INC-12"}
    told = [one["data"] for one in receiver.taken.values()]
    assert told == [{**known, "urgent": True}, known]


async def test_what_is_sent_again_is_taken_once(
    paging: Paging, receiver: Receiver, pager: System
) -> None:
    for ask in (pager.trigger(page()), pager.update(page(), "Now SEV2")):
        receiver.fail(is_silent=True, took_effect=True)
        with pytest.raises(PagerTemporary) as failure:
            await ask
        assert failure.value.uncertain
    await pager.trigger(page())
    await pager.update(page(), "Now SEV2")
    assert len(receiver.taken) == 2
    # The same words later are news again.
    paging.clock.advance(timedelta(minutes=1))
    await pager.update(page(), "Now SEV2")
    assert len(receiver.taken) == 3


async def test_either_secret_proves_a_message_while_one_replaces_the_other(
    receiver: Receiver, pager: System
) -> None:
    receiver.keys = [b"an-older-text"]
    await pager.trigger(page())
    receiver.keys = [b"another"]
    with pytest.raises(PagerRefused, match="the webhook answered 401: not signed"):
        await pager.trigger(page())


async def test_the_specification_s_own_example_is_proven(paging: Paging) -> None:
    config = PagerConfig(key="hook", kind=PagerKind.WEBHOOK, url="http://127.0.0.1:9")
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    paging.add(config, PagerSecrets(webhook_secrets=(secret,)))
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    url = f"{paging.url}/pagers/hook"

    async def post() -> int:
        raw = b'{"test": 2432232314}'
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=raw, headers=headers) as response,
        ):
            return response.status

    paging.clock.advance(datetime.fromtimestamp(1614265330, UTC) - paging.clock.now())
    assert await post() == 200
    headers["webhook-id"] = "msg_another"
    assert await post() == 401


async def test_a_receiver_says_who_acknowledges_declines_or_resolves(
    paging: Paging, receiver: Receiver
) -> None:
    said: dict[str, Any] = {"key": "5d7c7a4e", "name": "Kim", "email": "kim@example.com"}
    for number, kind in enumerate(("acknowledged", "declined", "resolved")):
        assert await receiver.say(kind, number=f"msg_{number}", **said) == 200
    assert await receiver.say("resolved", number="msg_2", **said) == 200
    told = [(one.kind, one.key, one.name, one.email) for one in paging.heard]
    assert told[:3] == [
        (kind, "5d7c7a4e", "Kim", "kim@example.com")
        for kind in (HeardKind.ACKNOWLEDGED, HeardKind.DECLINED, HeardKind.RESOLVED)
    ]
    first, second, third, again = (one.delivery_id for one in paging.heard)
    assert len({first, second, third}) == 3
    assert again == third


async def test_what_is_old_unsigned_or_our_own_changes_nothing(
    paging: Paging, receiver: Receiver
) -> None:
    assert await receiver.say("acknowledged", number="m", age=299, key="k") == 200
    assert await receiver.say("acknowledged", number="m", age=301, key="k") == 401
    assert await receiver.say("acknowledged", number="m", age=-301, key="k") == 401
    assert await receiver.say("acknowledged", number="", key="k") == 401
    assert await receiver.say("page.acknowledged", number="m", key="k") == 200
    assert await receiver.tell({"type": "acknowledged"}) == 401
    receiver.keys = [b"another"]
    assert await receiver.say("acknowledged", number="m", key="k") == 401
    assert len(paging.heard) == 1


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64"])
async def test_a_secret_that_is_no_key_proves_nothing_and_is_named(
    paging: Paging, receiver: Receiver, secret: str
) -> None:
    hook = PagerConfig(key="broken", kind=PagerKind.WEBHOOK, url=receiver.url)
    broken = paging.add(hook, PagerSecrets(webhook_secrets=(secret,)))
    with pytest.raises(PagerRefused, match="a `webhook_secret` of broken isn't base64"):
        await broken.trigger(page())
    receiver.webhook, receiver.keys = f"{paging.url}/pagers/broken", [b""]
    assert await receiver.say("acknowledged", number="m", key="k") == 401


async def test_without_a_secret_nothing_is_sent(paging: Paging, receiver: Receiver) -> None:
    config = PagerConfig(key="bare", kind=PagerKind.WEBHOOK, url=receiver.url)
    with pytest.raises(PagerRefused, match="has no `webhook_secret` for bare"):
        await paging.add(config, PagerSecrets()).trigger(page())
    assert not receiver.asked
