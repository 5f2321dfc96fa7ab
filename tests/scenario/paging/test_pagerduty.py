"""The way of a page through PagerDuty, from declaring to the end, and what is told back twice."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from incidents.policy.escalation import Service
from incidents.policy.references import Address, PersonRef
from incidents.policy.waking.call import OnCallPolicy
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.pager_servers.pagerduty import TOKEN, Incident, PagerDutyServer
from tests.scenario.conftest import Bot, said
from tests.slack_server import Channel, Person

_SECRETS = f"""
pagers:
  duty:
    token: {TOKEN}
    from: bot@example.com
    webhook_secret: signing-secret
    addresses: {{checkout: PSCHECK}}
"""


@dataclass
class Duty:
    """Alice declares; PagerDuty wakes Kim, whom it knows to be on call for Checkout."""

    bot: Bot
    server: PagerDutyServer
    alice: Person
    kim: Person

    @property
    def room(self) -> Channel:
        return next(one for one in self.bot.slack.channels if one.name.startswith("inc-1-"))

    @property
    def incident(self) -> Incident:
        """The newest incident in PagerDuty."""
        return self.server.incidents[-1]

    async def declare(self, title: str = "Checkout is down") -> None:
        await self.alice.command(f"/incident declare sev1 {title} --service checkout")
        await self.bot.settle()

    async def timeline(self) -> str:
        return (await self.alice.command("/incident timeline", channel=self.room)).rendered

    async def deliver(self, **how: bool) -> None:
        """Let PagerDuty tell its news, each twice."""
        assert await self.server.deliver(**how) <= {200}
        await self.bot.settle()


@pytest.fixture
async def duty(bot: Bot, tmp_path: Path) -> AsyncIterator[Duty]:
    """The bot with PagerDuty for Checkout."""
    alice, kim = bot.slack.add_people("alice", "kim")
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text(_SECRETS)
    secrets.chmod(0o600)
    bot.environ["SITREP_SECRETS"] = str(secrets)
    who = PersonRef(user_id=kim.id)
    async with PagerDutyServer().serving() as server:
        checkout = Service(
            key="checkout",
            name="Checkout",
            tier=1,
            on_call=who,
            reach=(Address("duty", "checkout"),),
        )
        bot.change_policy(
            services=(checkout,),
            on_call=OnCallPolicy(fallback=who),
            pagers=(PagerConfig(key="duty", kind=PagerKind.PAGERDUTY, url=server.url),),
        )
        await bot.restart()
        server.webhook = f"{bot.app.url}/pagers/duty"
        await kim.command("/incident list")
        yield Duty(bot, server, alice, kim)


async def test_the_service_s_on_call_is_woken_and_their_acknowledgement_is_heard(
    duty: Duty,
) -> None:
    await duty.declare()
    assert (duty.incident.title, duty.incident.woken) == (
        "INC-1 SEV1: Checkout is down",
        ["PUKIM01"],
    )
    duty.server.act(duty.incident, "acknowledged")
    await duty.deliver(backwards=True)
    assert "nobody is on it yet" in said(duty.room, "*Escalation 1*")[0].rendered
    assert (await duty.timeline()).count("Heard from PagerDuty that @kim acknowledged") == 1


async def test_im_on_it_acknowledges_there_and_the_end_here_resolves_there_without_an_echo(
    duty: Duty,
) -> None:
    await duty.declare()
    call = said(duty.bot.slack.dm(duty.kim), "*INC-1* SEV")[-1]
    await duty.kim.click(call, "escalation_take")
    await duty.bot.settle()
    assert (duty.incident.status, duty.incident.notes) == ("acknowledged", ["kim is on it."])
    await duty.alice.command("/incident cancel a false alarm", channel=duty.room)
    await duty.bot.settle()
    assert duty.server.open == []
    before = await duty.timeline()
    await duty.deliver(backwards=True)
    assert await duty.timeline() == before


async def test_what_took_effect_unheard_wakes_once(duty: Duty) -> None:
    duty.server.fail(500, took_effect=True)
    duty.server.fail(None, took_effect=True)
    await duty.declare()
    await duty.bot.advance(seconds=10)
    await duty.bot.advance(seconds=20)
    assert [one.woken for one in duty.server.incidents] == [["PUKIM01"]]
    assert "PagerDuty; accepted after" in await duty.timeline()


async def test_an_incident_that_came_from_a_page_there_adopts_it(duty: Duty) -> None:
    page = Incident("Q1ABCDEF2", "monitor/checkout", "Checkout 5xx", "high", woken=["PUKIM01"])
    duty.server.incidents.append(page)
    await duty.declare(f"Checkout fails https://example.pagerduty.com/incidents/{page.id}")
    assert duty.server.incidents == [page]
    duty.server.act(page, "acknowledged")
    await duty.deliver()
    assert (await duty.timeline()).count("Heard from PagerDuty that @kim acknowledged") == 1
    await duty.alice.command("/incident cancel a false alarm", channel=duty.room)
    await duty.bot.settle()
    assert page.status == "resolved"


async def test_pagerduty_is_asked_who_is_on_call_and_that_person_is_called(duty: Duty) -> None:
    (checkout,) = duty.bot.loaded.policy.services
    asked = replace(checkout, on_call=Address("duty", "checkout"))
    duty.bot.change_policy(services=(asked,), on_call=OnCallPolicy(fallback=None))
    await duty.bot.restart()
    shown = await duty.alice.command("/incident oncall checkout")
    await duty.bot.settle()
    assert "@kim" in shown.rendered + "".join(one.rendered for one in duty.alice.ephemerals)
    await duty.declare()
    assert said(duty.bot.slack.dm(duty.kim), "*INC-1* SEV")
    assert duty.incident.woken == ["PUKIM01"]


@pytest.mark.parametrize("found", ["resolved", "nothing"])
async def test_a_page_that_is_over_or_not_there_is_not_adopted_and_somebody_is_woken(
    duty: Duty, found: str
) -> None:
    page = Incident("Q1ABCDEF2", "monitor/checkout", "Last week", "high", status=found)
    duty.server.incidents += [page] if found == "resolved" else []
    await duty.declare("As last week: https://example.pagerduty.com/incidents/Q1ABCDEF2")
    assert (duty.incident.key != page.key, duty.incident.woken) == (True, ["PUKIM01"])
    duty.server.act(duty.incident, "acknowledged")
    await duty.deliver()
    assert (await duty.timeline()).count("Heard from PagerDuty that @kim acknowledged") == 1
    await duty.alice.command("/incident cancel a false alarm", channel=duty.room)
    await duty.bot.settle()
    assert duty.server.open == []


async def test_a_page_that_landed_on_its_own_creator_unheard_is_not_taken_for_woken(
    duty: Duty,
) -> None:
    duty.server.on_call["PECHECK"] = ["PUBOT01"]
    duty.server.fail(None, took_effect=True)
    await duty.declare()
    await duty.bot.advance(seconds=10)
    assert "PagerDuty doesn't page people for their own incidents" in await duty.timeline()
    assert duty.server.open == []
