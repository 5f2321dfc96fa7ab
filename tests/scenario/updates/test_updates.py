"""Stakeholder updates in Slack: posted, due, put off, and asked for after silence."""

from datetime import timedelta

import pytest

from tests.scenario.conftest import ROOM, Bot, declared, told, unpinned


async def test_an_update_by_command_is_said_in_the_channel_and_restarts_the_clock(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await alice.command("/incident update Rolling back <!channel> —next 50m", channel=ROOM)
    await bot.settle()
    (update,) = unpinned(room, "Rolling back")
    assert "<!channel>" not in update.text
    assert "Next update" in update.text
    await bot.advance(minutes=40)
    assert unpinned(room, "update is due") == []
    await bot.advance(minutes=10)
    assert len(unpinned(room, "update is due")) == 1


async def test_the_same_update_twice_in_a_minute_is_posted_once(bot: Bot) -> None:
    alice, room = await declared(bot)
    for _ in range(2):
        await alice.command("/incident update Rolling back", channel=ROOM)
    await bot.settle()
    assert len(unpinned(room, "Rolling back")) == 1


async def test_the_form_is_filled_in_from_the_last_update_and_changes_the_status(
    bot: Bot,
) -> None:
    alice, room = await declared(bot)
    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    await alice.submit(form, {"actions": "Rolling back", "impact": "EU checkouts"})
    await bot.settle()
    assert "EU checkouts" in room.pins[0].rendered

    again = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert "Rolling back" in str(again.blocks)
    outcome = await alice.submit(again, {"status": "mitigated", "text": "Orders work again"})
    assert outcome.errors == {}
    await bot.settle()
    (update,) = unpinned(room, "Orders work again")
    assert "mitigated" in update.text
    # The untouched "next update in" follows the new status: twice the cadence.
    await bot.advance(minutes=45)
    assert unpinned(room, "update is due") == []


async def test_wrong_input_in_the_form_is_answered_in_the_field(bot: Bot) -> None:
    alice, _ = await declared(bot)
    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert "text" in (await alice.submit(form, {})).errors
    outcome = await alice.submit(form, {"text": "Looking", "next_in": "soon"})
    assert "next_in" in outcome.errors


async def test_an_untouched_form_posts_nothing_and_says_what_to_do(bot: Bot) -> None:
    alice, room = await declared(bot)
    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    given = {"actions": "Rolling back", "needs": "A database expert, from 14:00"}
    assert (await alice.submit(form, given)).errors == {}
    await bot.settle()
    (update,) = unpinned(room, "Rolling back")
    assert "*Needs* A database expert, from 14:00" in update.rendered

    again = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert "A database expert" in str(again.blocks)
    outcome = await alice.submit(again, {"next_in": "20m"})
    assert "Nothing in this form is new" in outcome.errors["text"]
    await bot.settle()
    assert len(unpinned(room, "Rolling back")) == 1
    assert (await alice.submit(again, {"needs": "Nothing more"})).errors == {}


async def test_a_brief_asks_for_three_sentences(bot: Bot) -> None:
    alice, room = await declared(bot)
    asked = await alice.command("/incident update EU shops can't sell --brief", channel=ROOM)
    form = asked.get_view()
    assert "EU shops can't sell" in str(form.blocks)
    given = {"actions": "We roll back the deploy.", "next_steps": "We know more at 14:00."}
    assert (await alice.submit(form, given)).errors == {}
    await bot.settle()
    (update,) = unpinned(room, "We roll back the deploy.")
    assert "*Impact* EU shops can't sell" in update.rendered
    again = (await alice.command("/incident update --brief", channel=ROOM)).get_view()
    assert "Nothing in this form is new" in (await alice.submit(again)).errors["impact"]


async def test_no_change_is_one_tap_and_asked_about_after_two_in_a_row(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    seen = []
    for number in (1, 2):
        await bot.advance(minutes=30)
        reminder = unpinned(room, "update is due")[-1]
        assert "No change, next in 30 min" in str(reminder.blocks)
        seen.append(reminder.seen())
        await alice.click(reminder, "update_no_change")
        await bot.settle()
        assert len(unpinned(room, "No change since")) == number
    await alice.click(seen[-1], "update_no_change")  # an old button changes nothing
    await bot.advance(minutes=30)
    assert len(unpinned(room, "No change since")) == 2

    await alice.click(unpinned(room, "update is due")[-1], "update_no_change")
    await bot.slack.wait_for(lambda: "Is that still so?" in alice.ephemerals[-1].text)
    assert len(unpinned(room, "No change since")) == 2
    await alice.click(alice.ephemerals[-1], "update_no_change_sure")
    await bot.settle()
    assert len(unpinned(room, "No change since")) == 3


async def test_a_reminder_can_be_put_off_once_and_answered_from_its_button(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await bot.advance(minutes=30)
    reminder = unpinned(room, "update is due")[0].seen()
    await alice.click(reminder, "update_snooze")
    await bot.settle()
    assert len(unpinned(room, "put off the next update by 15 min")) == 1
    refused = await alice.command("/incident snooze 10m", channel=ROOM)
    assert "/incident update" in refused.text

    await bot.advance(minutes=15)
    assert len(unpinned(room, "update is due")) == 2
    form = (await alice.click(unpinned(room, "update is due")[-1], "update_open")).get_view()
    await alice.submit(form, {"text": "Rolled back"})
    await bot.settle()
    await alice.click(reminder, "update_snooze")  # an old button changes nothing
    await bot.advance(minutes=29)
    assert len(unpinned(room, "update is due")) == 2


async def test_misses_are_said_twice_in_the_channel_and_then_no_more(bot: Bot) -> None:
    _, room = await declared(bot)
    for _ in range(12):
        await bot.advance(minutes=15)
    assert len(unpinned(room, "missed")) == 2


async def test_after_hours_away_one_message_says_that_the_miss_is_the_bots(
    any_bot: Bot,
) -> None:
    bot = any_bot
    _, room = await declared(bot)
    await bot.stop()
    bot.clock.advance(timedelta(hours=5))
    await bot.start()
    await bot.advance(seconds=1)
    assert len(unpinned(room, "wasn't running")) == 1
    assert len(unpinned(room, "update")) == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/incident update Hi --next soon", "has to be a number of minutes, hours or days"),
        ("/incident snooze 5xx", "has to be a number of minutes, hours or days"),
        (
            "/incident snooze 3d",
            "The delay is too short or too long. For example: 15m; at most 24h",
        ),
        ("/incident update Hi --next 9d", "The time to the next update is too short or too long"),
    ],
)
async def test_a_duration_that_cannot_be_taken_is_refused_with_an_example(
    bot: Bot, line: str, why: str
) -> None:
    alice, room = await declared(bot)
    outcome = await alice.command(line, channel=ROOM)
    assert why in outcome.text
    assert "For example" in outcome.text
    await bot.settle()
    assert unpinned(room, "Hi") == []


async def test_a_silent_incident_is_asked_about_and_again_only_after_as_long(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev4 Slow search")
    await bot.settle()
    room = bot.slack.channel("inc-1-slow-search")
    await bot.advance(days=3, seconds=1)
    (question,) = unpinned(room, "Is it over?")
    await alice.click(question, "stale_still_working")
    await bot.settle()
    await bot.advance(days=2)
    assert len(unpinned(room, "Is it over?")) == 1
    await bot.advance(days=1, seconds=2)
    assert len(unpinned(room, "Is it over?")) == 2


async def test_an_update_that_cannot_be_posted_is_not_called_posted(bot: Bot) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(room)

    refused = bot.slack.fail(
        "chat.postMessage",
        error="restricted_action",
        match=lambda args: args["channel"] == room.id,
    )
    await bob.command("/incident update Still down", channel=room)
    await bot.settle()
    assert refused.happened
    for author in (alice, bob):  # who leads, and whose words they are
        assert "I couldn't post a message in the channel" in told(bot, author)

    room.members.remove(bot.slack.bot.id)  # no event tells us
    await bob.command("/incident INC-1 update Restarting it")
    await bot.settle()
    for author in (alice, bob):
        assert "was removed from the incident channel" in told(bot, author)
    answer = await bob.command("/incident INC-1 update Going up again")
    assert "I was removed" in answer.text
    await alice.archives(room)
    await bot.settle()
    form = (await bob.command("/incident INC-1 update")).get_view()
    answer = await bob.submit(form, {"text": "All is well"})
    assert answer.shown is not None
    assert "I can't post it in the channel, which is archived" in answer.shown.rendered
