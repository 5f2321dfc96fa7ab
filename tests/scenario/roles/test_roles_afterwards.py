"""What calls for a commander and handoffs say and offer once they are over."""

import pytest

from tests.scenario.conftest import Bot, newest
from tests.scenario.roles.test_roles import joined


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/incident role commander me", "@bob has command."),
        ("/incident cancel A false alarm", "INC-1 is cancelled. Nothing is left to do here."),
    ],
)
async def test_the_call_for_a_commander_ends(bot: Bot, line: str, says: str) -> None:
    room, (_alice, bob) = await joined(bot, "alice", "bob")
    await bot.advance(minutes=5)
    call = newest(room, "Who takes it?")
    assert call.buttons == ["role_take_command"]
    await bob.command(line, channel=room)
    await bot.settle()
    assert call.buttons == []
    assert says in call.rendered


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("handoff_accept", "accepted by @bob"),
        ("handoff_decline", "@bob declined"),
        ("withdraw", "@alice ended this handoff"),
        ("cancel", "INC-1 is cancelled."),
    ],
)
async def test_a_handoff_says_how_it_ended_wherever_it_stands(
    bot: Bot, action: str, says: str
) -> None:
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident handoff @bob", channel=room)
    await bot.settle()
    copies = (newest(room, "wants to hand"), bot.slack.dm(bob).messages[-1])
    assert all(copy.buttons for copy in copies)
    match action:
        case "withdraw":
            await alice.command("/incident role commander me", channel=room)
        case "cancel":
            await alice.command("/incident cancel A false alarm", channel=room)
        case _:
            await bob.click(copies[1], action)
    await bot.settle()
    for copy in copies:
        assert copy.buttons == []
        assert says in copy.rendered


async def test_who_takes_command_next_is_asked_no_more_once_the_incident_is_over(bot: Bot) -> None:
    room, (alice, _bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident role commander none", channel=room)
    await bot.settle()
    asked = newest(room, "Who takes command?")
    assert asked.buttons == ["role_take_command"]
    await alice.command("/incident cancel A false alarm", channel=room)
    await bot.settle()
    assert asked.buttons == []
    assert "INC-1 is cancelled." in asked.rendered


async def test_a_copy_that_may_have_been_posted_is_found_and_says_how_it_ended(bot: Bot) -> None:
    """Slack takes the message, the connection drops, and somebody answers elsewhere."""
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    place = bot.slack.dm(bob)
    bot.slack.drop(
        "chat.postMessage", after=True, match=lambda args: args["channel"] in {bob.id, place.id}
    )
    await alice.command("/incident handoff @bob", channel=room)
    await bot.settle()
    public, copy = newest(room, "wants to hand"), place.messages[-1]
    assert copy.buttons == ["handoff_accept", "handoff_decline"]
    await bob.click(public, "handoff_decline")
    for _ in range(3):
        await bot.advance(seconds=20)
    assert len([message for message in place.messages if "command" in message.rendered]) == 1
    for message in (public, copy):
        assert message.buttons == []
        assert "@bob declined" in message.rendered
