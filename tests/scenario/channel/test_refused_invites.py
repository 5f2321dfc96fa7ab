"""Slack refuses invitations: the people and the declarer hear of it directly, with *Retry*."""

import pytest

from bot.features.browse.people import refresh_directory
from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import DECLARE, ROOM, Bot, declared, said, told
from tests.slack_server import Channel, Message, Person
from tests.slack_server.delivery.failures import FOREVER

COULDNT = "I couldn't invite"


def notice(place: Channel) -> Message:
    """Return the one message that says who couldn't be invited."""
    (found,) = said(place, COULDNT)
    return found


async def invited_by_policy(bot: Bot, *people: Person) -> None:
    """Let the policy invite these to every incident."""
    invites = tuple(PersonRef(user_id=person.id) for person in people)
    bot.change_policy(call=(CallRule(invite=invites),))
    await bot.restart()
    await refresh_directory(bot.app.services)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("cant_invite", "Slack doesn't allow it"),
        ("missing_scope", "Sitrep lacks the scope channels:manage"),
        ("unknown_method", "Slack doesn't know this call"),
    ],
)
async def test_who_cant_be_invited_is_told_directly_and_retry_invites_each_once(
    bot: Bot, error: str, words: str
) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await invited_by_policy(bot, bob, carol)
    bot.slack.fail("conversations.invite", error=error, times=FOREVER, needed="channels:manage")
    answer = await alice.command(DECLARE)
    assert "you are invited" not in answer.text
    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert alice not in room

    whole, own = notice(bot.slack.dm(alice)), notice(bot.slack.dm(bob))
    assert room.id in whole.text
    for part in ("you", "bob", "carol", words):
        assert part in whole.rendered
    assert f"{COULDNT} you: " in own.rendered
    assert "carol" not in own.rendered
    notice(room)  # once, for those who come by themselves

    await bob.click(own, "invite_retry")
    await bot.settle()
    assert notice(bot.slack.dm(alice)).buttons == ["invite_retry"]  # refused again
    bot.slack.heal()
    await bob.click(own, "invite_retry")  # the same person, message and minute
    await bot.settle()
    assert all(person in room for person in (alice, bob, carol))
    assert len(bot.slack.calls_of("conversations.invite")) <= 12
    assert whole.buttons == own.buttons == []
    assert "are in the channel now" in whole.rendered
    assert said(bot.slack.dm(bob), "in the channel now") == [own]


async def test_in_a_channel_that_nobody_is_in_the_declarer_gets_the_reminders(bot: Bot) -> None:
    bot.slack.fail("conversations.invite", error="cant_invite", times=FOREVER)
    alice, room = await declared(bot)
    await bot.advance(minutes=31)
    for asked in ("[Take command]", "[Post update]"):
        assert asked in told(bot, alice)
    before = len(bot.slack.dm(alice).messages)
    await alice.joins(room)
    await bot.settle()
    assert "in the channel now" in told(bot, alice)
    await alice.command("/incident status investigating", channel=room)
    await bot.advance(minutes=31)
    assert len(bot.slack.dm(alice).messages) == before
