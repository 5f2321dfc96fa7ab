"""ntfy: pushes with a button that acknowledges one page, and nothing else."""

from collections.abc import AsyncIterator

import pytest

from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import HeardKind, PagerRefused, PagerTemporary
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.integration.paging.conftest import WEBHOOK_SECRET, Paging, page
from tests.pager_servers.ntfy import NtfyServer


@pytest.fixture
async def ntfy(paging: Paging) -> AsyncIterator[NtfyServer]:
    """An ntfy server whose topics need a token."""
    async with NtfyServer(token="tk_secret").serving() as server:
        paging.add(
            PagerConfig(key="ntfy", kind=PagerKind.NTFY, url=server.url),
            PagerSecrets(
                token="tk_secret",
                webhook_secrets=(WEBHOOK_SECRET,),
                addresses={"checkout": "checkout-7Hq2"},
            ),
        )
        yield server


@pytest.fixture
def pager(paging: Paging, ntfy: NtfyServer) -> System:
    """Our side of it."""
    return paging.pager("ntfy")


async def test_a_page_arrives_loudly_and_its_button_acknowledges_it(
    paging: Paging, ntfy: NtfyServer, pager: System
) -> None:
    url = paging.pagers.acknowledge_url(paging.policy, "ntfy", "5d7c7a4e")
    accepted = await pager.trigger(page(acknowledge_url=url))

    (pushed,) = ntfy.pushed
    assert accepted.remote_id == pushed.id
    assert (pushed.topic, pushed.priority) == ("checkout-7Hq2", 5)
    assert pushed.title == "INC-12 SEV1: Checkout fails"
    assert pushed.click == "https://sitrep.slack.com/archives/C0INC12"

    assert await ntfy.press(pushed, "I'm on it", method="GET") == 405
    assert not paging.heard
    assert await ntfy.press(pushed, "I'm on it") == 200
    assert await ntfy.press(pushed, "I'm on it") == 200
    assert {(one.kind, one.key, one.delivery_id) for one in paging.heard} == {
        (HeardKind.ACKNOWLEDGED, "5d7c7a4e", "button 5d7c7a4e")
    }


async def test_a_changed_or_foreign_address_acknowledges_nothing(
    paging: Paging, ntfy: NtfyServer
) -> None:
    url = paging.pagers.acknowledge_url(paging.policy, "ntfy", "5d7c7a4e")
    wrong = (
        url.replace("5d7c7a4e", "5d7c7a4f"),
        url[:-1],
        url.rpartition(".")[0],
        url.replace("/ntfy/", "/other/"),
        f"{paging.url}/pagers/ntfy",
        f"{paging.url}/pagers/ntfy/{WEBHOOK_SECRET}",
    )
    for address in wrong:
        async with ntfy.session.post(address) as response:
            assert response.status in {401, 404}, address
    assert not paging.heard


async def test_without_a_public_address_there_is_no_button(
    paging: Paging, ntfy: NtfyServer, pager: System
) -> None:
    paging.pagers.public_url = ""
    url = paging.pagers.acknowledge_url(paging.policy, "ntfy", "5d7c7a4e")
    await pager.trigger(page(acknowledge_url=url))
    assert (url, ntfy.pushed[0].buttons) == ("", ())


async def test_later_news_are_quiet_and_a_page_that_may_wait_is_less_loud(
    ntfy: NtfyServer, pager: System
) -> None:
    await pager.trigger(page(is_urgent=False))
    await pager.update(page(), "INC-12 is now SEV2.")
    await pager.resolve(page())
    assert [(one.priority, one.text) for one in ntfy.pushed] == [
        (4, "Services: Checkout"),
        (2, "INC-12 is now SEV2."),
        (2, "This call has ended."),
    ]


async def test_long_texts_are_cut_where_ntfy_would_attach_a_file(
    ntfy: NtfyServer, pager: System
) -> None:
    await pager.trigger(page(details={"What": "ä" * 4000}))
    assert ntfy.pushed[0].text.endswith("ä…")


async def test_a_full_day_is_tried_again_and_a_wrong_token_or_topic_is_refused(
    ntfy: NtfyServer, pager: System
) -> None:
    ntfy.most = 0
    with pytest.raises(PagerTemporary, match="429: limit reached: daily message quota"):
        await pager.trigger(page())
    with pytest.raises(PagerRefused, match="400: invalid request: topic invalid"):
        await pager.trigger(page(address="no topic"))
    ntfy.token = "another"
    with pytest.raises(PagerRefused, match="ntfy answered 403: forbidden"):
        await pager.trigger(page())
