"""GoAlert: one alert per page, closed by its key; its people's answers come back."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import HeardKind, PagerRefused, PagerTemporary
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import WEBHOOK_SECRET, Paging, page
from tests.pager_servers.goalert import GoAlertServer

KEY = "integration-key-of-checkout"


@pytest.fixture
async def goalert(paging: Paging) -> AsyncIterator[GoAlertServer]:
    """A GoAlert with one service, that tells us what happens there."""
    async with GoAlertServer(checkout=KEY).serving() as server:
        server.webhook = f"{paging.url}/pagers/goalert/{WEBHOOK_SECRET}"
        paging.add(
            PagerConfig(key="goalert", kind=PagerKind.GOALERT, url=server.url),
            PagerSecrets(webhook_secrets=(WEBHOOK_SECRET,), addresses={"checkout": KEY}),
        )
        yield server


@pytest.fixture
def pager(paging: Paging, goalert: GoAlertServer) -> System:
    """Our side of it."""
    return paging.pager("goalert")


async def test_a_page_is_one_alert_however_often_it_is_sent_and_ends_with_it(
    goalert: GoAlertServer, pager: System
) -> None:
    first = await pager.trigger(page())
    again = await pager.trigger(page())

    (alert,) = goalert.open
    assert first == again
    assert (first.remote_id, first.url) == ("1", f"{goalert.url}/alerts/1")
    assert alert.summary == "INC-12 SEV1: Checkout fails"
    assert alert.details == "Services: Checkout\nhttps://sitrep.slack.com/archives/C0INC12"

    await pager.resolve(page())
    await pager.resolve(page())
    assert not goalert.open


async def test_after_silence_the_page_may_have_arrived_and_the_next_attempt_finds_it(
    goalert: GoAlertServer, pager: System
) -> None:
    for fault in ({"is_silent": True}, {}, {"status": 502}):
        goalert.fail(**fault, took_effect=True)
        with pytest.raises(PagerTemporary) as failure:
            await pager.trigger(page())
        assert failure.value.uncertain

    await pager.trigger(page())
    assert len(goalert.alerts) == 1


async def test_too_many_requests_wait_as_long_as_asked(
    goalert: GoAlertServer, pager: System
) -> None:
    goalert.fail(429, headers={"Retry-After": "7"})
    with pytest.raises(PagerTemporary) as failure:
        await pager.trigger(page())

    assert (failure.value.uncertain, failure.value.retry_after) == (False, timedelta(seconds=7))
    assert not goalert.alerts


async def test_a_wrong_key_and_a_name_without_one_are_refused_without_showing_keys(
    paging: Paging, goalert: GoAlertServer, pager: System
) -> None:
    goalert.services.clear()
    goalert.fail(403, text=f"no such key: {KEY}")
    with pytest.raises(PagerRefused, match=r"GoAlert answered 403: no such key: …$"):
        await pager.trigger(page())
    with pytest.raises(PagerRefused, match="GoAlert answered 401: Unauthorized"):
        await pager.trigger(page())
    with pytest.raises(PagerRefused, match="has no key for goalert/search"):
        await pager.trigger(page(address="search"))


async def test_a_goalert_that_is_down_has_not_taken_it(paging: Paging) -> None:
    config = PagerConfig(key="away", kind=PagerKind.GOALERT, url="http://127.0.0.1:9")
    away = paging.add(config, PagerSecrets(addresses={"checkout": KEY}))
    with pytest.raises(PagerTemporary, match="GoAlert can't be reached") as failure:
        await away.trigger(page())
    assert not failure.value.uncertain


async def test_what_people_do_there_is_heard_with_our_key_and_their_name(
    paging: Paging, goalert: GoAlertServer, pager: System
) -> None:
    await pager.trigger(page())
    (alert,) = goalert.alerts
    assert await goalert.acknowledge(alert, by="Kim Lee") == 200
    assert await goalert.escalate(alert) == 200
    assert await goalert.close(alert, by="Jo (SRE)") == 200

    told = [(one.kind, one.name, one.key, one.remote_id) for one in paging.heard]
    assert told == [
        (HeardKind.ACKNOWLEDGED, "Kim Lee", "5d7c7a4e", "1"),
        (HeardKind.UNACKNOWLEDGED, "", "5d7c7a4e", "1"),
        (HeardKind.RESOLVED, "Jo", "5d7c7a4e", "1"),
    ]


async def test_the_same_news_within_a_minute_has_the_same_delivery_id(
    paging: Paging, goalert: GoAlertServer, pager: System
) -> None:
    await pager.trigger(page())
    (alert,) = goalert.alerts
    await goalert.acknowledge(alert, by="Kim")
    await goalert.acknowledge(alert, by="Kim")
    paging.clock.advance(timedelta(minutes=1))
    await goalert.acknowledge(alert, by="Kim")

    first, again, later = (one.delivery_id for one in paging.heard)
    assert first == again != later


async def test_other_messages_of_goalert_are_taken_and_change_nothing(
    paging: Paging, goalert: GoAlertServer
) -> None:
    assert await goalert.tell({"AppName": "GoAlert", "Type": "Test"}) == 200
    assert await goalert.tell({"Type": "Alert", "AlertID": 1, "Summary": "x"}) == 200
    assert await goalert.tell({"Type": "AlertStatus", "AlertID": None, "LogEntry": 3}) == 200
    assert not paging.heard
