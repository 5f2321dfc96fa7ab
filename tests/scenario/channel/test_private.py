"""Private incidents answer outsiders exactly like incidents that don't exist."""

from dataclasses import replace

import pytest

from incidents.policy.references import PersonRef
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Person

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
        "{} duplicate INC-2",
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
    assert TITLE not in home.rendered
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
    assert "Type `@` and choose a name" in answer.text
    assert "customer data" in answer.text
    assert not any(channel.is_private for channel in bot.slack.channels)


async def private_room(bot: Bot) -> tuple[Person, Person, Person, Channel]:
    """Let Alice declare in private and invite Bob and Carol."""
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    for person in (bob, carol):
        await alice.invites(person, room)
    await bot.settle()
    return alice, bob, carol, room


async def test_somebody_who_left_a_private_channel_sees_and_does_nothing_more(
    every_bot: Bot,
) -> None:
    bot = every_bot
    alice, bob, carol, room = await private_room(bot)
    await bob.command("/incident role commander me", channel=room)
    await carol.command("/incident propose Rotate the key risk: outage undo: no", channel=room)
    await bot.settle()
    pressed = room.messages[-1].seen()

    await bob.leaves(room)
    await bot.settle()

    for line in ("INC-1 show", "INC-1 note hello", "INC-1 role commander me", "INC-1 timeline"):
        answer = await bob.command(f"/incident {line}", channel="general")
        assert "There is no incident INC-1" in answer.text, line
    assert "Leaked key" not in (await bob.command("/incident list")).text
    roles = await alice.command("/incident INC-1 roles")
    assert "*Incident commander*: nobody" in roles.text
    assert bob not in room
    assert "left the private channel" in room.transcript
    for action in pressed.buttons:
        await bob.click(pressed, action)
        await bot.settle()
    assert bob not in room
    await bot.advance(hours=1)
    assert bob not in room

    await alice.invites(bob, room)
    await bot.settle()
    assert "Leaked key" in (await bob.command("/incident INC-1 show")).text


async def test_a_declarer_who_leaves_sees_it_no_more_and_the_last_insider_is_warned(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, bob, carol, room = await private_room(bot)
    await carol.leaves(room)
    await alice.leaves(room)
    await bot.settle()
    answer = await alice.command("/incident INC-1 show", channel="general")
    assert "There is no incident INC-1" in answer.text
    assert "so only you can see it now" in bot.slack.dm(bob).transcript


async def test_the_recovery_person_opens_a_private_incident_loudly(every_bot: Bot) -> None:
    bot = every_bot
    rita, mallory = bot.slack.add_people("rita", "mallory")
    private = replace(bot.loaded.policy.private, recovery=PersonRef(user_id=rita.id))
    bot.change_policy(private=private)
    await bot.restart()
    alice, _bob, _carol, room = await private_room(bot)
    await mallory.command("/incident list")

    for outsider in (rita, mallory):
        assert "There is no incident INC-1" in (await outsider.command("/incident INC-1 show")).text
    refused = await mallory.command("/incident INC-1 recover I am curious")
    assert "There is no incident INC-1" in refused.text
    assert "missing" in (await rita.command("/incident INC-1 recover")).text

    answer = await rita.command("/incident INC-1 recover Everybody is on a plane")
    await bot.settle()
    assert "You see INC-1 now" in answer.text
    assert rita in room
    assert "Everybody is on a plane" in room.transcript
    assert "Everybody is on a plane" in bot.slack.dm(alice).transcript
    assert "Leaked key" in (await rita.command("/incident INC-1 show")).text
