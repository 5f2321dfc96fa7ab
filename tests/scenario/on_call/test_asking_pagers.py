"""A pager is asked who is on call; if it can't tell, the fallback is called and the channel reads why."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.integrations.http import Http
from bot.integrations.pagers import Pagers
from bot.integrations.system import System
from config.secrets_file import PagerSecrets
from incidents.paging.port import Accepted, OnCallPerson, Page, PagerRefused, PagerTemporary
from incidents.policy.references import Address
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.scenario.conftest import Bot, said
from tests.scenario.on_call.test_rotations import Rota

CONFIG = PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="https://goalert.example.com")


class Schedules(System):
    """A pager that can tell who is on call, or fails to."""

    can_tell_on_call = True
    answer: Sequence[OnCallPerson] | Exception = ()
    asked = 0

    async def trigger(self, page: Page) -> Accepted:
        return Accepted()

    async def resolve(self, page: Page) -> None:
        pass

    async def on_call(self, address: str) -> Sequence[OnCallPerson]:
        assert address == "checkout"
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def asking(
    bot: Bot, answer: Sequence[OnCallPerson] | Exception | None, *, rota: Rota | None = None
) -> Rota:
    """Checkout's on-call is asked of a pager; None: of one that can't tell."""
    rota = rota or Rota(bot)
    (checkout,) = bot.loaded.policy.services
    asked = replace(checkout, on_call=Address("goalert", "checkout"))
    bot.change_policy(services=(asked,), pagers=(CONFIG,))
    await rota.known()
    if answer is not None:
        pagers = bot.app.services.pagers
        assert isinstance(pagers, Pagers)
        http = Http(pagers.session, bot.clock, "GoAlert", (), 1.0)
        system = Schedules(key="goalert", name="GoAlert", url="", secrets=PagerSecrets(), http=http)
        system.answer = answer
        pagers._built["goalert"] = (CONFIG, system)
    return rota


def on_call(*names: str) -> list[OnCallPerson]:
    return [OnCallPerson(name=name, email=f"{name}@example.com") for name in names]


async def test_whom_the_pager_names_is_called_and_nobody_else(any_bot: Bot) -> None:
    rota = await asking(any_bot, on_call("ben", "kim"))
    await rota.declare("Checkout is down")
    called = {one.name: rota.calls(one, 1) for one in (rota.kim, rota.ben, rota.sam, rota.lee)}
    assert called == {"kim": 0, "ben": 1, "sam": 0, "lee": 0}
    shown = (await rota.alice.command("/incident oncall checkout")).rendered
    assert "Checkout: @ben (`goalert/checkout`)" in shown
    await any_bot.advance(minutes=10)
    assert rota.calls(rota.sam, 1) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "GoAlert can't tell who is on call"),
        ([], "GoAlert names nobody"),
        (PagerTemporary("GoAlert answered 503"), "GoAlert answered 503"),
        (PagerRefused("GoAlert answered 401 <!channel>"), "GoAlert answered 401"),
        (on_call("stranger"), "it says stranger@example.com, and nobody in this workspace"),
        ([OnCallPerson(name="Robot")], "it gives no e-mail address for Robot"),
    ],
)
async def test_if_it_cant_tell_the_fallback_is_called_and_the_channel_reads_why(
    bot: Bot, answer: Sequence[OnCallPerson] | Exception | None, reason: str
) -> None:
    rota = await asking(bot, answer)
    await rota.declare("Checkout is down")
    assert (rota.calls(rota.sam, 1), rota.calls(rota.kim, 1), rota.calls(rota.lee, 1)) == (1, 0, 0)
    room = next(one for one in bot.slack.channels if one.name.startswith("inc-1-"))
    (told,) = said(room, "couldn't find out who is on call at goalert/checkout")
    assert "calling the fallback, rotation/secondary, instead" in told.rendered
    assert reason in told.rendered
    assert "<!channel>" not in told.text
    (call,) = said(bot.slack.dm(rota.sam), "*INC-1* SEV1")
    await rota.sam.click(call, "escalation_why")
    await bot.settle()
    why = rota.sam.ephemerals[-1].text
    assert "You're the fallback on call: goalert/checkout didn't tell me who is" in why


async def test_without_a_fallback_the_next_step_is_called(bot: Bot) -> None:
    rota = Rota(bot)
    policy = bot.loaded.policy
    bot.change_policy(on_call=replace(policy.on_call, fallback=None))
    (checkout,) = policy.services
    asked = replace(checkout, on_call=Address("goalert", "checkout"))
    bot.change_policy(services=(asked,), pagers=(CONFIG,))
    await rota.known()
    await rota.declare("Checkout is down")
    await bot.advance(seconds=30)
    assert rota.calls(rota.sam, 1) == 1
    room = next(one for one in bot.slack.channels if one.name.startswith("inc-1-"))
    (told,) = said(room, "couldn't find out who is on call")
    assert "goes on with the next step: the policy names no fallback" in told.rendered


async def test_a_private_incident_asks_before_it_opens_to_whom_a_pager_names(bot: Bot) -> None:
    rota = Rota(bot)
    section = replace(bot.loaded.policy.on_call, fallback=Address("goalert", "checkout"))
    bot.change_policy(on_call=section)
    rota = await asking(bot, on_call("ben"), rota=rota)
    asked = await rota.alice.command("/incident declare sev1 Keys were stolen --private")
    assert "to the person on call at goalert/checkout" in asked.rendered
    assert [one for one in bot.slack.channels if one.name.startswith("inc-1")] == []
    await rota.alice.click(rota.alice.ephemerals[-1], "open_private")
    await bot.settle()
    assert rota.calls(rota.ben, 1) == 1
