"""News by direct message: to those who follow an incident, its service or severity; one tap stops it."""

import asyncio

from incidents.policy.escalation import Service
from incidents.policy.references import GroupRef
from incidents.policy.stakeholders import Stakeholders
from tests.scenario.conftest import ROOM, Bot, declared, redact, taken_over, told
from tests.slack_server import Message, Person


def _news(bot: Bot, person: Person, words: str) -> list[Message]:
    return [one for one in bot.slack.dm(person).messages if words in one.rendered]


def _answers(person: Person) -> str:
    return "\n".join(one.text for one in person.ephemerals[-1:])


async def test_follow_under_the_announcement_sends_news_until_one_tap_stops_it(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(bot.slack.channel("incidents"))
    announced = bot.slack.channel("incidents").messages[0]
    await bob.click(announced, "Follow")
    await bot.slack.wait_for(lambda: "You follow *INC-1* now" in _answers(bob))
    await bob.click(announced, "Follow")
    await bot.slack.wait_for(lambda: "You already follow *INC-1*" in _answers(bob))
    assert "INC-1" in (await bob.command("/incident subscribe")).rendered

    await alice.command("/incident update Rolling back", channel=room)
    await bot.settle()
    (update,) = _news(bot, bob, "Rolling back")
    assert "*INC-1* Checkout errors in #inc-1-checkout-errors" in update.rendered
    assert "You follow INC-1." in update.rendered
    assert update.buttons == ["follow_stop"]
    assert _news(bot, alice, "Rolling back") == []

    await bob.click(update, "Stop")
    await alice.command("/incident severity sev1", channel=room)
    await bot.settle()
    assert _news(bot, bob, "SEV1") == []
    assert "You follow nothing" in (await bob.command("/incident subscribe")).text
    await bob.click(announced, "Follow")
    await bot.slack.wait_for(lambda: "You follow *INC-1* now" in _answers(bob))


async def test_a_service_a_severity_and_the_policy_bring_news_and_each_can_be_stopped(
    bot: Bot,
) -> None:
    ann, bea, cid, eve = bot.slack.add_people("ann", "bea", "cid", "eve")
    bot.slack.add_group("support", [cid])
    bot.change_policy(
        services=(Service(key="shop", name="Shop", tier=1),),
        stakeholders=(Stakeholders(who=(GroupRef(handle="support"),), severity="sev2"),),
    )
    await bot.restart()
    assert "You follow *Shop* now" in (await ann.command("/incident subscribe shop")).text
    assert "You follow *SEV3 and worse*" in (await bea.command("/incident subscribe sev3")).text
    await eve.command("/incident subscribe sev1")
    unknown = await eve.command("/incident subscribe shopp")
    assert "no service, severity or incident `shopp`" in unknown.text
    assert "`/incident update subscribe shop`" in unknown.text
    hidden = await eve.command("/incident subscribe INC-9")
    assert "no service, severity or incident `INC-9`" in hidden.text

    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    given = {"title": "Checkout errors", "severity": "sev2", "services": ["shop"]}
    assert (await alice.submit(form, given)).errors == {}
    await bot.settle()
    room = bot.slack.channel(ROOM)
    await alice.command("/incident update Rolling back", channel=room)
    await bot.settle()
    for person, why in ((ann, "You follow Shop."), (bea, "SEV3 and worse."), (cid, "The policy")):
        assert why in told(bot, person)
        assert "declared the incident" in told(bot, person)
        assert len(_news(bot, person, "Rolling back")) == 1
    assert told(bot, eve) == ""

    await ann.click(_news(bot, ann, "Rolling back")[0], "follow_stop")
    await bea.click(_news(bot, bea, "Rolling back")[0], "follow_stop_all")
    await cid.click(_news(bot, cid, "Rolling back")[0], "follow_stop_all")
    await alice.command("/incident severity sev1 Worse", channel=room)
    await bot.settle()
    for person in (ann, bea, cid):
        assert _news(bot, person, "SEV1") == []
    assert len(_news(bot, eve, "now *SEV1*")) == 1
    assert "Shop" in (await ann.command("/incident subscribe")).rendered  # only INC-1 was stopped


async def test_another_process_goes_on_with_the_follower_in_doubt_and_tells_nobody_twice(
    any_bot: Bot,
) -> None:
    bot = any_bot
    crew = bot.slack.add_people("ann", "bea", "cid", "dan")
    for person in crew:
        await person.command("/incident subscribe sev2")
    alice, room = await declared(bot)
    lost = bot.slack.drop(
        "chat.postMessage", after=True, match=lambda args: "follow_stop" in str(args)
    )
    await alice.command("/incident update Rolling back", channel=room)
    await bot.slack.wait_for(lambda: lost.happened)
    bot.slack.deactivate(crew[0])
    await bot.restart()
    for _ in range(2):
        await bot.advance(seconds=30)
    for person in crew[1:]:
        assert len(_news(bot, person, "Rolling back")) == 1


async def test_followers_outside_lose_their_news_when_an_incident_goes_private(bot: Bot) -> None:
    ann, bea = bot.slack.add_people("ann", "bea")
    for person in (ann, bea):
        await person.command("/incident subscribe sev2")
    alice, room = await declared(bot)
    await bea.command("/incident subscribe INC-1")
    await alice.command("/incident update Salaries are visible", channel=room)
    await bot.settle()
    form = (await alice.command("/incident INC-1 private @ann")).get_view()
    await alice.submit(form)
    await bot.settle()
    await alice.command("/incident INC-1 update Salaries are safe")
    await bot.settle()
    assert "Salaries" not in told(bot, bea)
    assert "Salaries are safe" in told(bot, ann)
    listed = (await bea.command("/incident subscribe")).rendered
    assert "SEV2 and worse" in listed
    assert "INC-1\n" not in listed


async def test_a_redacted_update_is_erased_at_its_followers(bot: Bot) -> None:
    ann = bot.slack.add_person("ann")
    await ann.command("/incident subscribe sev2")
    alice, _ = await declared(bot)
    await alice.command("/incident update The password is hunter2", channel=ROOM)
    await bot.settle()
    assert "hunter2" in told(bot, ann)
    await redact(bot, "update_posted")
    await bot.settle()
    assert "hunter2" not in told(bot, ann)


async def test_a_stalled_process_takes_only_its_double_back_and_tells_no_more_followers(
    bot: Bot,
) -> None:
    crew = bot.slack.add_people("ann", "bea", "cid")
    for person in crew:
        await person.command("/incident subscribe sev2")
    alice, room = await declared(bot)
    bot.slack.delay("chat.postMessage", 0.3)
    await alice.command("/incident update Rolling back", channel=room)

    def count() -> int:
        return sum(len(_news(bot, one, "Rolling back")) for one in crew)

    await bot.slack.wait_for(lambda: count() == 1)
    bot.slack.delay("chat.postMessage", 2.0)
    await bot.slack.wait_for(lambda: count() == 2)  # the third is under way for two seconds
    await asyncio.sleep(0.2)
    bot.slack.delay("chat.postMessage", 0.0)
    async with taken_over(bot):
        assert [len(_news(bot, one, "Rolling back")) for one in crew] == [1, 1, 1]
