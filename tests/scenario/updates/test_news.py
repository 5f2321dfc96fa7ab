"""The thread under the announcement: what people outside hear of an incident, each thing once."""

from tests.scenario.conftest import ROOM, Bot, declared, redact, said
from tests.slack_server import Message, Person


def _announced(bot: Bot) -> Message:
    return bot.slack.channel("incidents").messages[0]


def _heard(bot: Bot) -> list[str]:
    return [reply.rendered.replace("*", "") for reply in _announced(bot).replies]


def _broadcast(bot: Bot) -> list[str]:
    return [one.rendered.replace("*", "") for one in bot.slack.channel("incidents").messages[1:]]


async def _resolve(bot: Bot, by: Person) -> None:
    form = (await by.command("/incident resolve Rolled back", channel=ROOM)).get_view()
    assert (await by.submit(form)).errors == {}
    await bot.settle()


async def test_updates_and_severities_are_threaded_and_what_calls_for_everybody_is_broadcast(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await alice.command("/incident update Rolling <!channel> back --next 50m", channel=room)
    await alice.command("/incident severity sev3 It eases off", channel=room)
    await bot.settle()
    update, eased = _heard(bot)
    assert "Update 1" in update
    assert "Rolling" in update
    assert "<!channel>" not in _announced(bot).replies[0].text
    assert "INC-1 is now SEV3, was SEV2. It eases off." in eased
    assert _broadcast(bot) == []

    await alice.command("/incident severity sev1 Payments fail as well", channel=room)
    await bot.settle()
    (worse,) = _broadcast(bot)
    assert "INC-1 is now SEV1, was SEV3. Payments fail as well. Follow it in #inc-1" in worse
    await alice.command("/incident status identified", channel=room)
    await bot.settle()
    await bot.advance(minutes=42)
    await _resolve(bot, alice)
    await alice.command("/incident reopen It is back", channel=room)
    await bot.settle()
    _, resolved, reopened = _broadcast(bot)
    assert "INC-1 is resolved after 42 min. What fixed it: Rolled back." in resolved
    assert "INC-1 is open again in #inc-1-checkout-errors. It is back." in reopened
    assert len(_heard(bot)) == 5
    assert bot.slack.violations == []


async def test_a_resolved_announcement_keeps_how_bad_how_long_what_fixed_it_and_the_postmortem(
    bot: Bot,
) -> None:
    alice, _ = await declared(bot)
    await bot.advance(minutes=42)
    await _resolve(bot, alice)
    shown = _announced(bot).rendered
    assert "*Resolved* after 42 min (*SEV2*)." in shown
    assert "What fixed it: Rolled back." in shown
    assert f"It was handled in #{ROOM}." in shown
    assert "The postmortem is due" in shown


async def test_news_whose_fate_is_unknown_is_looked_for_in_the_thread(bot: Bot) -> None:
    alice, room = await declared(bot)
    lost = bot.slack.drop("chat.postMessage", after=True, match=lambda args: "thread_ts" in args)
    await alice.command("/incident severity sev1", channel=room)
    await bot.slack.wait_for(lambda: lost.happened)
    await bot.restart()
    for _ in range(2):
        await bot.advance(seconds=30)
    assert len(_heard(bot)) == 1
    assert len(_broadcast(bot)) == 1


async def test_an_incident_that_goes_private_takes_its_news_away(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    incidents = bot.slack.channel("incidents")
    await bob.joins(incidents)
    await alice.command("/incident update Salaries are visible", channel=room)
    await alice.command("/incident severity sev1 Salaries", channel=room)
    await bot.settle()
    await bob.says("Oh dear", incidents, thread=_announced(bot))
    await bot.forget_effects()
    form = (await alice.command("/incident INC-1 private @alice")).get_view()
    await alice.submit(form)
    await bot.settle()
    assert [one for one in _heard(bot) if "Oh dear" not in one] == []
    assert "Salaries" not in incidents.transcript
    await alice.command("/incident INC-1 update Salaries are safe")
    await bot.settle()
    assert len(_heard(bot)) == 1
    kept = bot.slack.channel("inc-1-checkout-errors-2")
    assert said(kept, "#incidents: deleted 2")


async def test_a_redacted_update_is_erased_in_the_thread(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident update The password is hunter2", channel=room)
    await bot.settle()
    await bot.forget_effects()
    await redact(bot, "update_posted")
    await bot.settle()
    (reply,) = _heard(bot)
    assert "redacted" in reply


async def test_news_without_an_announcement_is_dropped_quietly(bot: Bot) -> None:
    alice, room = await declared(bot)
    incidents = bot.slack.channel("incidents")
    await alice.joins(incidents)
    await alice.archives(incidents)
    await alice.command("/incident update Still down", channel=room)
    await alice.command("/incident severity sev1", channel=room)
    await bot.settle()
    assert said(room, "couldn't post news") == []
    refused = bot.slack.fail(
        "chat.postMessage",
        error="restricted_action",
        times=9,
        match=lambda args: bool(args.get("thread_ts")),
    )
    await alice.unarchives(incidents)
    for text in ("One", "Two", "Three"):
        await alice.command(f"/incident update {text}", channel=room)
    await bot.settle()
    assert refused.happened
    assert len(said(room, "couldn't post news in the announcement's thread")) == 1


async def test_drills_make_no_news(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Checkout errors --drill")
    await bot.settle()
    await alice.command("/incident DRILL-1 update Practising")
    await alice.command("/incident DRILL-1 severity sev1")
    await bot.settle()
    assert bot.slack.channel("incidents").everything == []
