"""What happens while messages are refreshed: a redaction, a move, a channel lost, a refusal."""

import pytest

from incidents.engine.outbox import EffectStatus, count_by_status
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


async def unsettled(bot: Bot) -> dict[str, int]:
    """Count the effects that aren't done, and those that were given up."""
    waiting = (EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED, EffectStatus.DEAD)
    async with bot.app.services.database.reading() as session:
        return await count_by_status(session, statuses=waiting)


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


# -- the channel is left meanwhile --------------------------------------------------------------


async def test_a_move_reduces_public_messages_at_once_though_a_refresh_is_under_way(
    bot: Bot,
) -> None:
    alice, bob, room, question = await asked(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    refresh = bot.slack.hold("chat.update", match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.slack.wait_for(lambda: refresh.happened, saying="the refresh is under way")
    await alice.command("/incident INC-1 private @bob customer data")
    await bot.slack.wait_for(lambda: "handled privately" in card.rendered, saying="it is reduced")
    assert not room.is_archived  # or the question would keep its button
    await alice.command("/incident INC-1 note The export held salaries")
    bot.slack.release()
    await bot.settle()
    await _is_put_away(bot, room, question=question, card=card)


async def test_a_move_puts_the_channel_away_once_what_was_refused_is_refreshed(bot: Bot) -> None:
    alice, bob, room, question = await asked(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    bot.slack.fail("chat.update", status=500, times=3, match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await alice.command("/incident INC-1 private @bob customer data")
    await alice.command("/incident INC-1 note The export held salaries")
    await bot.settle()
    assert "handled privately" in card.rendered
    assert not room.is_archived
    for _ in range(4):
        await bot.advance(seconds=20)
    await _is_put_away(bot, room, question=question, card=card)


async def _is_put_away(bot: Bot, room: Channel, *, question: Message, card: Message) -> None:
    assert room.is_archived
    assert "handled privately" in card.rendered
    assert "Checkout errors" not in f"{card.rendered} {card.text}"
    assert question.buttons == []
    assert "This goes on privately." in question.rendered
    assert "salaries" not in room.transcript
    assert "salaries" in bot.slack.channel(f"{ROOM}-2").transcript
    assert await unsettled(bot) == {}


async def test_archived_while_a_refresh_is_pending_nothing_is_stuck_and_it_is_made_up_for(
    bot: Bot,
) -> None:
    alice, bob, room, question = await asked(bot)
    bot.slack.fail("chat.update", status=500, match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.settle()
    await alice.archives(room)
    await bot.settle()
    for _ in range(2):
        await bot.advance(seconds=20)
    assert await unsettled(bot) == {}
    assert question.buttons == ["checkin_understood"]
    await alice.unarchives(room)
    await bot.settle()
    assert question.buttons == []
    assert "Understood* at" in question.rendered
