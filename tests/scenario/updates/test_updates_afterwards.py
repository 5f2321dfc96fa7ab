"""What update reminders say and offer once the update came, was put off or missed, or is moot."""

import pytest

from tests.scenario.conftest import ROOM, Bot, declared, redact, said, unpinned


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/incident update Rolling back", "alice posted update 1 at"),
        ("/incident snooze 15m", "alice put the update off to"),
        ("/incident cancel A false alarm", "INC-1 is cancelled. Nothing is left to do here."),
        (None, "No update came."),
    ],
)
async def test_a_reminder_says_what_came_of_it(bot: Bot, line: str | None, says: str) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=30)
    (due,) = unpinned(room, "update is due")
    assert due.buttons == ["update_open", "update_no_change", "update_snooze"]
    if line is None:
        await bot.advance(minutes=30)
    else:
        await alice.command(line, channel=ROOM)
        await bot.settle()
    assert due.buttons == []
    assert says in due.rendered


async def test_a_miss_and_the_word_that_it_is_late_are_over_with_the_next_update(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=30)
    await bot.advance(minutes=15)
    (late,) = [m for m in bot.slack.dm(alice).messages if "late (it was due" in m.rendered]
    await bot.advance(minutes=15)
    (missed,) = unpinned(room, "was missed; that's on the record")
    assert missed.buttons == ["update_open"]
    assert late.buttons == []
    assert "No update came." in late.rendered
    await alice.command("/incident update Rolling back", channel=ROOM)
    await bot.settle()
    assert missed.buttons == []
    assert "alice posted update 1 at" in missed.rendered


async def test_a_reminder_says_nothing_of_an_update_that_was_redacted_meanwhile(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=30)
    (due,) = said(room, "update is due")
    bot.slack.fail("chat.update", status=500, match=lambda args: args.get("ts") == due.ts)
    await alice.command("/incident update The password is hunter2", channel=ROOM)
    await bot.settle()
    assert "hunter2" in room.transcript
    assert due.buttons == ["update_open", "update_no_change", "update_snooze"]
    await redact(bot, "update_posted")
    for _ in range(2):
        await bot.advance(seconds=20)
    assert due.buttons == []
    assert "alice answered at" in due.rendered
    for place in (room, bot.slack.channel("incidents"), bot.slack.dm(alice)):
        assert "hunter2" not in place.transcript
