"""PagerDuty's Events v2: one alert per page under a service's routing key."""

from collections.abc import AsyncIterator

import pytest

from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import HeardKind, PagerRefused, PagerTemporary
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import Paging, page
from tests.pager_servers.pagerduty import ROUTING_KEY, PagerDutyServer


@pytest.fixture
async def duty(paging: Paging) -> AsyncIterator[PagerDutyServer]:
    """A PagerDuty that tells us what happens there."""
    async with PagerDutyServer().serving() as server:
        server.webhook = f"{paging.url}/pagers/events"
        paging.add(
            PagerConfig(key="events", kind=PagerKind.PAGERDUTY_EVENTS, url=server.url),
            PagerSecrets(
                webhook_secrets=("signing-secret",),
                addresses={"checkout": ROUTING_KEY, "broken": "too-short"},
            ),
        )
        yield server


@pytest.fixture
def pager(paging: Paging, duty: PagerDutyServer) -> System:
    """Our side of it."""
    return paging.pager("events")


async def test_a_page_is_one_alert_however_often_it_is_sent_until_it_ends(
    duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    await pager.trigger(page())
    (incident,) = duty.open
    assert (incident.title, incident.urgency) == ("INC-12 SEV1: Checkout fails", "high")
    assert (incident.woken, incident.body) == (["PUKIM01"], "{'Services': 'Checkout'}")

    await pager.acknowledge(page(), by="Ben")
    assert incident.status == "acknowledged"
    await pager.resolve(page())
    await pager.resolve(page())
    await pager.acknowledge(page(), by="Ben")
    assert not duty.open
    # Of what began again there, PagerDuty makes a new alert.
    await pager.trigger(page())
    assert len(duty.incidents) == 2


async def test_a_page_that_may_wait_wakes_nobody_at_night_and_a_private_one_is_a_number(
    duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page(is_urgent=False, title="", details={}, link=""))
    (incident,) = duty.open
    assert (incident.title, incident.urgency, incident.body) == ("INC-12", "low", "{}")
    assert "links" not in duty.asked[0].body


async def test_long_texts_are_cut_to_what_pagerduty_takes(
    duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page(title="ä" * 2000, details={"What": "ä" * 600_000}))
    (incident,) = duty.open
    assert len(incident.title) == 1024
    assert incident.title.endswith("ä…")


async def test_after_silence_the_next_attempt_wakes_nobody_again(
    duty: PagerDutyServer, pager: System
) -> None:
    for fault in ({"is_silent": True}, {}, {"status": 500}):
        duty.fail(**fault, took_effect=True)
        with pytest.raises(PagerTemporary) as failure:
            await pager.trigger(page())
        assert failure.value.uncertain
    await pager.trigger(page())
    assert [one.woken for one in duty.incidents] == [["PUKIM01"]]


async def test_a_key_that_is_wrong_or_missing_is_refused_without_showing_it(
    pager: System,
) -> None:
    told = r"answered 400: Event object is invalid: Length of 'routing_key' is incorrect"
    with pytest.raises(PagerRefused, match=told) as refusal:
        await pager.trigger(page(address="broken"))
    assert "too-short" not in refusal.value.error
    with pytest.raises(PagerRefused, match="has no key for events/search"):
        await pager.trigger(page(address="search"))


async def test_what_people_do_there_is_heard_also_in_the_wrong_order(
    paging: Paging, duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    duty.act(duty.incidents[0], "acknowledged")
    duty.replies(duty.incidents[0], "declined")
    assert await duty.deliver(backwards=True) == {200}
    told = [(one.kind, one.key, one.name) for one in paging.heard]
    assert told[::2] == [
        (HeardKind.ACKNOWLEDGED, "5d7c7a4e", "Kim"),
        (HeardKind.TRIGGERED, "5d7c7a4e", ""),
    ]
