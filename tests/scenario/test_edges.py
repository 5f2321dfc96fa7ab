"""What goes wrong around an incident: people who leave, Slack away at a bad moment, old pages."""

from tests.scenario.conftest import Bot

NAME = "inc-1-checkout-errors"


async def test_a_commander_who_leaves_the_company_is_replaced_by_a_question(bot: Bot) -> None:
    alice, bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    room = bot.slack.channel(NAME)
    await alice.command("/incident role commander @bob", channel=room)
    await bot.settle()

    bot.slack.deactivate(bob)
    await bot.slack.quiet()
    await bot.settle()

    said = room.messages[-1].text
    assert "is no longer *Incident commander*" in said
    assert "left the workspace. Who takes command?" in said
    assert "no longer" not in bot.slack.dm(bob).messages[-1].text
