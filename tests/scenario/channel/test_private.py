"""Private incidents answer outsiders exactly like incidents that don't exist."""

import pytest

from tests.scenario.conftest import Bot

TITLE = "Payroll leak"
ROOM = "inc-1-payroll-leak"


async def _declared(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(f"/incident declare sev1 {TITLE} --private")
    await bot.settle()
    assert bot.slack.channel(ROOM).is_private


@pytest.mark.parametrize(
    "command",
    [
        "{} show",
        "{} timeline",
        "{} export",
        "{} note I know",
        "{} status identified",
        "{} resolve",
        "{} close",
        "{} reopen because",
        "{} cancel because",
        "{} severity sev3",
        "{} edit",
        "{} role commander me",
        "{} roles",
        "{} update hello",
        "{} snooze 15m",
        "{} undo",
        "{} postmortem show",
        "{} actions",
        "{} duplicate INC-1",
        "{} escalate",
        "{} escalate commander help",
        "{} escalation",
        "{} escalation take",
    ],
)
async def test_commands_of_outsiders_are_answered_as_for_a_number_that_does_not_exist(
    bot: Bot, command: str
) -> None:
    await _declared(bot)
    eve = bot.slack.add_person("eve")
    private = await eve.command("/incident " + command.format("INC-1"))
    missing = await eve.command("/incident " + command.format("INC-999"))
    assert private.text.replace("INC-1", "INC-X") == missing.text.replace("INC-999", "INC-X")
    assert TITLE not in private.text
    assert private.view is None


async def test_lists_home_and_similarity_hints_leave_it_out_for_outsiders(bot: Bot) -> None:
    await _declared(bot)
    eve = bot.slack.add_person("eve")
    assert TITLE not in (await eve.command("/incident list all")).text
    await eve.opens_home()
    await bot.settle()
    home = bot.slack.home(eve)
    assert home is not None
    assert TITLE not in str(home)
    outcome = await eve.command(f"/incident declare sev1 {TITLE}")
    assert "INC-2" in outcome.text


async def test_who_declares_in_private_isnt_sent_to_a_public_incident(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    await alice.command("/incident declare sev3 Customer data visible to others")
    outcome = await bob.command("/incident declare Customer data visible to others --private")
    assert "INC-2" in outcome.text
    assert "private" in outcome.text


async def test_its_own_people_see_it(bot: Bot) -> None:
    await _declared(bot)
    alice = bot.slack.person("alice")
    assert TITLE in (await alice.command("/incident INC-1 show")).text
    assert TITLE in (await alice.command("/incident list")).text


async def test_it_is_announced_nowhere_and_told_to_nobody_else(bot: Bot) -> None:
    await _declared(bot)
    for message in bot.slack.messages:
        if TITLE in message.text:
            assert message in bot.slack.channel(ROOM).everything


@pytest.mark.parametrize("people", ["@bob @nosuchperson", "@nosuchperson @bob", "@nosuchperson"])
async def test_nobody_is_left_out_of_a_private_incident_by_a_mistyped_name(
    bot: Bot, people: str
) -> None:
    alice, _bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    await alice.command("/incident declare sev2 Leaked key")
    await bot.settle()
    answer = await alice.command(f"/incident INC-1 private {people} customer data")
    assert "type `@` and choose a name" in answer.text
    assert "customer data" in answer.text
    assert not any(channel.is_private for channel in bot.slack.channels)
