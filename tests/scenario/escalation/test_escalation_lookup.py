"""Escalations to groups and addresses that the bot doesn't know yet."""

from incidents.policy.references import GroupRef, PersonRef
from tests.scenario.conftest import Bot, declared
from tests.slack_server.interaction.people import Person


def was_called(bot: Bot, person: Person) -> bool:
    return any("*INC-1* SEV" in message.text for message in bot.slack.dm(person).messages)


async def declare_with(bot: Bot, *who: PersonRef | GroupRef) -> Person:
    """Let Alice declare an incident whose ladders call these, one a step."""
    alice = bot.slack.add_person("alice")
    bot.change_ladder(*who)
    await bot.restart()
    await declared(bot, by=alice)
    return alice


async def escalate(bot: Bot, alice: Person) -> None:
    """Let Alice escalate to Erin, who doesn't answer, so that the bot climbs the ladder."""
    bot.slack.add_person("erin")
    room = next(place for place in bot.slack.channels if place.name.startswith("inc-1-"))
    words = "/incident escalate @erin Is it safe to fail over?"
    outcome = await alice.command(words, channel=room)
    assert outcome.acked
    await bot.settle()
    await bot.advance(minutes=5)


async def test_a_group_nobody_has_told_us_of_is_looked_up_and_called(any_bot: Bot) -> None:
    alice = await declare_with(any_bot, GroupRef(handle="late-oncall"))
    bob, carol = any_bot.slack.add_people("bob", "carol")
    any_bot.slack.add_group("late-oncall", [bob, carol])
    await escalate(any_bot, alice)
    assert was_called(any_bot, bob)
    assert was_called(any_bot, carol)


async def test_an_address_is_looked_up_and_one_of_nobody_gives_way(any_bot: Bot) -> None:
    nobody = PersonRef(email="nobody@example.com")
    alice = await declare_with(any_bot, nobody, PersonRef(email="dave@example.com"))
    dave = any_bot.slack.add_person("dave", email="dave@example.com")
    await escalate(any_bot, alice)
    await any_bot.restart()
    assert was_called(any_bot, dave)
