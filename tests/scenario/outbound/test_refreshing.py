"""What happens while messages are refreshed: a redaction, a move, a channel lost, a refusal."""

import pytest

from tests.scenario.checkins.test_checkins import ROOM, declared, said
from tests.scenario.checkins.test_checkins_afterwards import redact
from tests.scenario.conftest import Bot
from tests.slack_server.delivery.faults import Match
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel, Message

_ASKED = "Is the web tier healthy?"


async def asked(bot: Bot) -> tuple[Person, Person, Channel, Message]:
    """Let Alice ask Bob, and return both, the channel, and the question there."""
    alice, bob, room = await declared(bot)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    (question,) = said(room, _ASKED)
    assert question.buttons == ["checkin_understood"]
    return alice, bob, room, question


def updates(message: Message) -> Match:
    """Match the calls that edit this message."""
    return lambda args: args.get("ts") == message.ts


@pytest.mark.parametrize("drop", [False, True], ids=["answered", "connection lost"])
async def test_what_is_redacted_during_a_refresh_does_not_come_back(
    bot: Bot, *, drop: bool
) -> None:
    _, bob, room, question = await asked(bot)
    refresh = bot.slack.hold("chat.update", match=updates(question), drop=drop)
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.slack.wait_for(lambda: refresh.happened, saying="the refresh is under way")
    await redact(bot, "checkin_asked")
    await bot.slack.wait_for(lambda: "was redacted" in question.rendered, saying="it is erased")
    seen: list[str] = []
    bot.slack.on_change(lambda _: seen.append(question.rendered))
    bot.slack.release()
    await bot.slack.wait_for(lambda: any(_ASKED in shown for shown in seen), saying="it was late")
    await bot.settle()
    await bot.advance(seconds=20)
    assert "was redacted" in question.rendered
    assert not said(room, _ASKED)
    assert question.buttons == []
