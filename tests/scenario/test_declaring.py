"""Declaring, from the command to the furnished channel."""

from tests.scenario.conftest import Bot


async def test_declaring_opens_a_channel_with_the_declarer_and_a_pinned_card(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev2 Checkout errors")
    assert outcome.acked
    assert "INC-1" in outcome.text

    await bot.settle()
    room = bot.slack.channel("inc-1-checkout-errors")
    assert alice in room
    assert "Checkout errors" in room.pins[0].rendered
    assert "INC-1" in room.topic
