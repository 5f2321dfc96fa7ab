"""Messages about a channel in trouble, a failure or silence, once that is over."""

from datetime import timedelta

import pytest

from tests.scenario.conftest import DECLARE, Bot, declared, newest


@pytest.mark.parametrize("how", ["back", "cancelled"])
async def test_that_it_was_archived_by_hand_offers_another_only_while_it_is(
    bot: Bot, how: str
) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(room)
    await bob.archives(room)
    await bot.settle()
    told = newest(bot.slack.dm(alice), "archived the incident channel #")
    assert told.buttons == ["channel_use_open"]
    assert "is still triage. Nobody can post there" in told.rendered
    if how == "back":
        await bob.unarchives(room)
    else:
        await alice.command("/incident INC-1 cancel A false alarm")
    await bot.settle()
    assert told.buttons == []
    says = "The incident goes on in #" if how == "back" else "INC-1 is cancelled."
    assert says in told.rendered
    assert "still cancelled" not in told.rendered


async def test_a_refused_channel_can_be_retried_once(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail("conversations.create", error="restricted_action")
    await alice.command(DECLARE)
    await bot.settle()
    (told,) = bot.slack.dm(alice).messages
    assert "effect_retry" in told.buttons
    await alice.click(told, "effect_retry")
    await bot.settle()
    assert told.buttons == []
    assert "alice tried it again at" in told.rendered


async def test_a_refusal_that_was_retried_says_who_tried(bot: Bot) -> None:
    bot.slack.fail("pins.add", error="restricted_action")
    alice, room = await declared(bot)
    failure = newest(room, "couldn't pin")
    assert failure.buttons == ["effect_retry"]
    await alice.click(failure, "effect_retry")
    await bot.settle()
    assert failure.buttons == []
    assert "alice tried it again at" in failure.rendered


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cancel A false alarm", "INC-1 is cancelled."),
        (None, "alice was still working on it"),
    ],
)
async def test_the_question_whether_it_is_over_is_asked_once(
    bot: Bot, line: str | None, says: str
) -> None:
    alice, room = await declared(bot)
    wait = bot.loaded.policy.reminders.stale_after
    await bot.advance(seconds=(wait + timedelta(minutes=1)).total_seconds())
    asked = newest(room, "Is it over?")
    if line is None:
        await alice.click(asked, "stale_still_working")
    else:
        await alice.command(f"/incident {line}", channel=room)
    await bot.settle()
    assert asked.buttons == []
    assert says in asked.rendered


async def test_what_was_asked_in_public_is_gone_once_it_is_handled_privately(
    bot: Bot,
) -> None:
    alice, room = await declared(bot)
    bob, eve = bot.slack.add_people("bob", "eve")
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident checkin @eve 10m Is the web tier healthy?", channel=room)
    await bot.settle()
    public, told = newest(room, "web tier"), newest(bot.slack.dm(eve), "web tier")
    form = (await alice.command("/incident INC-1 private @bob customer data")).get_view()
    await alice.submit(form)
    await bot.settle()
    assert room.is_archived
    assert bob in bot.slack.channel("inc-1-checkout-errors-2")
    assert public.deleted
    assert told.buttons == []
    assert (
        told.rendered
        == "INC-1 is handled privately now. There is nothing for you to do. Thank you."
    )


async def test_of_two_refusals_each_says_that_it_was_retried(bot: Bot) -> None:
    bot.slack.fail("pins.add", error="restricted_action")
    alice, room = await declared(bot)
    bot.slack.fail("files.getUploadURLExternal", error="restricted_action")
    await alice.command("/incident export", channel=room)
    await bot.settle()
    for refused in ("couldn't pin", "couldn't upload"):
        failure = newest(room, refused)
        await alice.click(failure, "effect_retry")
        await bot.settle()
        assert "alice tried it again" in failure.rendered
