"""Slack refuses to edit a live message: one new message takes its place, and none lies."""

import pytest

from tests.scenario.conftest import Bot, declared, said
from tests.slack_server import Channel, Message
from tests.slack_server.delivery.failures import FOREVER


def cards(room: Channel) -> list[Message]:
    """Return the status cards that people see."""
    return [
        message for message in room.messages if message.text.startswith("INC-1 Checkout errors: ")
    ]


@pytest.mark.parametrize("error", ["message_not_found", "edit_window_closed"])
async def test_a_message_that_cannot_be_edited_is_replaced_and_the_old_one_deleted(
    bot: Bot, error: str
) -> None:
    alice, room = await declared(bot)
    (old,) = room.pins
    for step in ("identified", "mitigated"):
        bot.slack.fail("chat.update", error=error, times=2)  # the card, the announcement
        await alice.command(f"/incident status {step}", channel=room)
        await bot.settle()
        (card,) = room.pins
        assert step in card.text
        assert cards(room) == [card]
        (announced,) = bot.slack.channel("incidents").messages
        assert step in announced.text
    assert old.deleted
    assert not said(room, "refused")


async def test_where_nothing_can_be_edited_or_deleted_no_change_adds_a_card(bot: Bot) -> None:
    alice, room = await declared(bot)
    (card,) = room.pins
    bot.slack.fail("chat.update", error="edit_window_closed", times=FOREVER)
    bot.slack.fail("chat.delete", error="cant_delete_message", times=FOREVER)
    for step in ("identified", "mitigated", "investigating"):
        await alice.command(f"/incident status {step}", channel=room)
        await bot.settle()
    assert room.pins == [card]
    (failure,) = said(room, "I couldn't update the status card")
    bot.slack.heal()
    await alice.click(failure, "effect_retry")
    await bot.settle()
    assert "investigating" in card.text


async def test_a_card_of_a_bot_that_we_no_longer_are_is_replaced_once(bot: Bot) -> None:
    alice, room = await declared(bot)
    (card,) = room.pins
    card.user_id = alice.id  # as if another bot user had posted it
    for step in ("identified", "mitigated"):
        await alice.command(f"/incident status {step}", channel=room)
        await bot.settle()
    (new,) = room.pins
    assert new is not card
    assert "mitigated" in new.text
