"""PagerDuty: one incident per page, closed by its key; its people's answers come back, signed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import HeardKind, OnCallPerson, PagerRefused, PagerTemporary
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import Paging, page
from tests.pager_servers.pagerduty import TOKEN, PagerDutyServer

KEY = "5d7c7a4e"
ADDRESSES = {"checkout": "PSCHECK", "search": "PSCHECK:PESEARCH", "people": "PSPEOPLE"}


def secrets(**changes: object) -> PagerSecrets:
    """Return what an operator writes for PagerDuty."""
    given = {
        "token": TOKEN,
        "sender": "bot@example.com",
        "webhook_secrets": ("signing-secret",),
        "addresses": ADDRESSES,
    }
    return PagerSecrets(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def duty(paging: Paging) -> AsyncIterator[PagerDutyServer]:
    """A PagerDuty that tells us what happens there."""
    async with PagerDutyServer().serving() as server:
        server.webhook = f"{paging.url}/pagers/pagerduty"
        config = PagerConfig(key="pagerduty", kind=PagerKind.PAGERDUTY, url=server.url)
        paging.add(config, secrets())
        yield server


@pytest.fixture
def pager(paging: Paging, duty: PagerDutyServer) -> System:
    """Our side of it."""
    return paging.pager("pagerduty")


def told(paging: Paging) -> list[tuple[HeardKind, str]]:
    """Return what was heard, and of whom."""
    return [(one.kind, one.email) for one in paging.heard]


async def test_a_page_wakes_the_service_s_on_call_once_however_often_it_is_sent(
    duty: PagerDutyServer, pager: System
) -> None:
    first = await pager.trigger(page())
    again = await pager.trigger(page())

    (incident,) = duty.open
    assert first == again
    assert first.url == f"https://example.pagerduty.com/incidents/{first.remote_id}"
    assert (incident.policy, incident.woken, incident.urgency) == ("PECHECK", ["PUKIM01"], "high")
    assert incident.title == "INC-12 SEV1: Checkout fails"
    assert incident.body == "Services: Checkout\nhttps://sitrep.slack.com/archives/C0INC12"


async def test_an_address_may_name_the_escalation_policy_or_the_service_s_id(
    duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page(address="search", is_urgent=False))
    await pager.trigger(page("another", address="PSCHECK"))
    assert [(one.policy, one.urgency) for one in duty.open] == [
        ("PESEARCH", "low"),
        ("PECHECK", "high"),
    ]


async def test_one_person_is_woken_by_their_email(duty: PagerDutyServer, pager: System) -> None:
    await pager.trigger(page(address="Kim@example.com"))
    await pager.trigger(page("another", address="kim@example.com"))
    assert [(one.policy, one.woken) for one in duty.open] == [("", ["PUKIM01"])] * 2
    assert [one.path for one in duty.asked].count("/users") == 1


async def test_who_asks_is_never_paged_because_pagerduty_would_wake_nobody(
    duty: PagerDutyServer, pager: System
) -> None:
    with pytest.raises(PagerRefused, match=r"own incidents, and Bot@example\.com is `from`"):
        await pager.trigger(page(address="Bot@example.com"))
    assert not duty.open
    duty.on_call["PECHECK"] = ["PUBOT01"]
    with pytest.raises(
        PagerRefused, match=r"bot@example\.com, `from` in the secrets file, is on call"
    ):
        await pager.trigger(page())
    assert not duty.open


async def test_after_silence_the_page_may_have_arrived_and_the_next_attempt_finds_it(
    duty: PagerDutyServer, pager: System
) -> None:
    for fault in ({"is_silent": True}, {}, {"status": 502}):
        duty.fail(**fault, took_effect=True)
        with pytest.raises(PagerTemporary) as failure:
            await pager.trigger(page())
        assert failure.value.uncertain

    duty.act(duty.incidents[0], "acknowledged")
    found = await pager.trigger(page())
    assert [one.id for one in duty.incidents] == [found.remote_id]


async def test_one_that_is_closed_while_we_look_for_it_is_asked_for_again(
    duty: PagerDutyServer, pager: System
) -> None:
    what = "Open incident with matching dedup key already exists on this service"
    duty.fail(
        400, text=json.dumps({"error": {"message": "Arguments Caused Error", "errors": [what]}})
    )
    with pytest.raises(PagerTemporary, match="has just closed the page"):
        await pager.trigger(page())
    await pager.trigger(page())
    assert len(duty.open) == 1


async def test_too_many_requests_wait_as_long_as_asked(
    duty: PagerDutyServer, pager: System
) -> None:
    duty.fail(429, headers={"ratelimit-limit": "960", "ratelimit-reset": "7"})
    with pytest.raises(PagerTemporary) as failure:
        await pager.trigger(page())
    assert (failure.value.uncertain, failure.value.retry_after) == (False, timedelta(seconds=7))
    assert not duty.incidents


@pytest.mark.parametrize(
    ("changes", "address", "told"),
    [
        ({"token": "", "sender": ""}, "checkout", "no `token` and no `from` for duty$"),
        ({"sender": ""}, "checkout", "the secrets file has no `from` for duty$"),
        ({"sender": "jo@example.com"}, "checkout", "answered 400: Requester User Not Found$"),
        ({"token": "wrong"}, "checkout", "answered 401: Unauthorized$"),
        ({"addresses": {}}, "checkout", "no service id for duty/checkout$"),
        ({"addresses": {}}, "kim@example.com", "no service id for duty/people$"),
        ({}, "jo@example.com", "PagerDuty has no user jo@example.com$"),
        ({}, "PSNONE1", "answered 400: Invalid Input Provided: Service is invalid$"),
    ],
)
async def test_what_is_missing_or_wrong_is_refused_in_words(
    paging: Paging, duty: PagerDutyServer, changes: dict[str, object], address: str, told: str
) -> None:
    config = PagerConfig(key="duty", kind=PagerKind.PAGERDUTY, url=f"{duty.url}/")
    with pytest.raises(PagerRefused, match=told):
        await paging.add(config, secrets(**changes)).trigger(page(address=address))
    assert not duty.incidents


async def test_it_is_acknowledged_noted_and_resolved_there_also_without_knowing_its_id(
    duty: PagerDutyServer, pager: System
) -> None:
    accepted = await pager.trigger(page())
    known = page(remote_id=accepted.remote_id)
    (incident,) = duty.open
    await pager.update(known, "INC-12 is now SEV2")
    await pager.acknowledge(page(), by="Ben")
    assert (incident.status, incident.notes) == (
        "acknowledged",
        ["INC-12 is now SEV2", "Ben is on it."],
    )
    await pager.resolve(page())
    await pager.resolve(page())
    await pager.resolve(known)
    await pager.acknowledge(known, by="Ben")
    assert (incident.status, len(incident.notes)) == ("resolved", 2)


async def test_of_a_private_incident_nothing_but_its_number_is_there(
    duty: PagerDutyServer, pager: System
) -> None:
    private = page(title="", details={}, link="")
    await pager.trigger(private)
    await pager.acknowledge(private, by="Ben")
    (incident,) = duty.open
    assert (incident.title, incident.body, incident.notes) == ("INC-12", "", [])
    assert "Ben" not in str(duty.asked)


async def test_it_says_who_is_on_call_first_level_first(
    duty: PagerDutyServer, pager: System
) -> None:
    duty.users["jo@example.com"] = "PUJO001"
    duty.on_call["PECHECK"] = ["PUKIM01", "PUJO001", "PUKIM01"]
    until = datetime(2026, 12, 2, 9, tzinfo=UTC)
    assert await pager.on_call("checkout") == (
        OnCallPerson(name="Kim", email="kim@example.com", until=until),
        OnCallPerson(name="Jo", email="jo@example.com", until=until),
    )
    assert [one.name for one in await pager.on_call("search")] == ["Kim"]
    assert await pager.on_call("kim@example.com") == ()


async def test_what_people_do_there_is_heard_with_our_key_and_their_email(
    paging: Paging, duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    (incident,) = duty.incidents
    for name in ("acknowledged", "reassigned", "unacknowledged", "escalated", "resolved"):
        duty.act(incident, name, by="" if name == "unacknowledged" else "PUKIM01")
    assert await duty.deliver() == {200}

    assert told(paging)[::2] == told(paging)[1::2]
    assert told(paging)[::2] == [
        (HeardKind.TRIGGERED, "bot@example.com"),
        (HeardKind.ACKNOWLEDGED, "kim@example.com"),
        (HeardKind.UNACKNOWLEDGED, ""),
        (HeardKind.UNACKNOWLEDGED, "kim@example.com"),
        (HeardKind.RESOLVED, "kim@example.com"),
    ]
    assert {(one.key, one.remote_id) for one in paging.heard} == {(KEY, incident.id)}
    # Each delivery has its own id, and the same when it comes again.
    assert len({one.delivery_id for one in paging.heard}) == 5
    assert [one.path for one in duty.asked].count("/users/PUKIM01") == 1


async def test_who_is_asked_to_join_may_decline_and_moved_means_woken_again(
    paging: Paging, duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    (incident,) = duty.incidents
    duty.news.clear()
    duty.replies(incident, "accepted")
    duty.replies(incident, "declined")
    duty.act(incident, "reassigned")
    duty.act(incident, "delegated")
    assert await duty.deliver() == {200}
    heard = {(one.kind, one.key, one.remote_id, one.email) for one in paging.heard}
    assert heard == {
        (HeardKind.DECLINED, "", incident.id, "kim@example.com"),
        (HeardKind.REASSIGNED, KEY, incident.id, "kim@example.com"),
    }


async def test_without_an_answer_about_who_it_was_their_name_is_heard(
    paging: Paging, duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    duty.news.clear()
    duty.act(duty.incidents[0], "acknowledged")
    duty.fail(is_silent=True)
    duty.fail(500)
    assert await duty.deliver() == {200}
    duty.replies(duty.incidents[0], "declined")
    duty.fail(500)
    duty.fail(500)
    assert await duty.deliver() == {200}
    assert [(one.name, one.email) for one in paging.heard] == [("Kim", "")] * 2


async def test_only_signed_news_are_heard_with_either_secret_while_one_replaces_the_other(
    paging: Paging, duty: PagerDutyServer, pager: System
) -> None:
    await pager.trigger(page())
    news, duty.news = duty.news[0], []
    for known in (["signing-secret"], ["newer", "signing-secret"], ["signing-secret", "newer"]):
        duty.secrets = known
        assert await duty.tell({"event": news}) == 200
    assert len(paging.heard) == 3
    wrong = ("", "v1=", "v1=00", "signing-secret", "v2=00,,v1=é", "v1=\udcff")
    for signature in wrong:
        headers = {"X-PagerDuty-Signature": signature}
        assert await duty.tell({"event": news}, headers) == 401
    duty.secrets = ["another"]
    assert await duty.tell({"event": news}) == 401
    assert len(paging.heard) == 3


async def test_other_events_are_taken_and_change_nothing(
    paging: Paging, duty: PagerDutyServer
) -> None:
    for event in ({"event_type": "pagey.ping"}, {"event_type": ["x"]}, "x", None):
        assert await duty.tell({"event": event}) == 200
    assert not paging.heard
