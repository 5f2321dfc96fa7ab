"""Who sees a private incident: `who` lists them, `invite` lets people in, `uninvite` ends it."""

from dataclasses import replace

import pytest

from incidents.policy.references import PersonRef
from tests.scenario.channel.test_opening import NOT_THERE, agree, private_room, sees
from tests.scenario.conftest import Bot, declared
from tests.slack_server import Channel, Person


async def with_ben(bot: Bot) -> tuple[Person, Person, Channel]:
    """Let Alice command in private, and let Ben in as scribe."""
    alice, ben, room = await private_room(bot)
    await alice.command("/incident role scribe @ben", channel=room)
    await agree(bot, alice)
    assert ben in room
    return alice, ben, room


async def test_who_lists_those_inside_with_the_reason_and_only_to_them(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    carol, eve = bot.slack.add_people("carol", "eve")
    await alice.invites(carol, room)
    await bot.settle()

    answer = (await ben.command("/incident INC-1 who")).text
    lines = {line.partition(":")[0]: line for line in answer.splitlines()}
    assert "3 can see it" in answer
    assert "declared it, Incident commander" in lines[alice.mention]
    assert "Scribe" in lines[ben.mention]
    assert f"let in by {alice.mention}" in lines[ben.mention]
    assert "in the channel since" in lines[carol.mention]
    assert eve.mention not in answer
    assert NOT_THERE in (await eve.command("/incident INC-1 who")).text
    assert NOT_THERE in (await eve.command("/incident INC-1 invite @eve")).text
    assert NOT_THERE in (await eve.command("/incident INC-1 uninvite @ben")).text


async def test_who_of_a_public_incident_says_that_everybody_sees_it(bot: Bot) -> None:
    alice, room = await declared(bot)
    assert "public" in (await alice.command("/incident who", channel=room)).text
    assert "public" in (await alice.command("/incident uninvite @alice", channel=room)).text
    invited = await alice.command("/incident invite @alice", channel=room)
    assert "already open to alice" in invited.text


async def test_who_names_the_recovery_person_and_those_whom_a_ladder_may_call(bot: Bot) -> None:
    rita, ben, dev = bot.slack.add_people("rita", "ben", "dev")
    private = replace(bot.loaded.policy.private, recovery=PersonRef(user_id=rita.id))
    bot.change_policy(private=private)
    bot.change_ladder(PersonRef(user_id=dev.id))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    await alice.command("/incident INC-1 escalate @ben please rotate the key")
    await agree(bot, alice)
    who = (await alice.command("/incident INC-1 who")).text
    assert f"An escalation may also call {dev.mention}" in who
    assert f"{rita.mention} may open it" in who
    taken = await alice.command("/incident INC-1 uninvite @dev")
    assert "no escalation will call them" in taken.text
    await bot.advance(minutes=30)
    assert not await sees(dev)
    assert await sees(ben)


async def test_taking_it_back_ends_sight_rights_and_roles_and_is_told(every_bot: Bot) -> None:
    bot = every_bot
    alice, ben, room = await with_ben(bot)
    answer = await alice.command("/incident uninvite @ben named by mistake", channel=room)
    await bot.settle()

    assert "no longer sees INC-1" in answer.text
    assert "the only one left" in answer.text
    assert ben not in room
    told = bot.slack.dm(ben).transcript
    assert "removed you from *INC-1*" in told
    assert "named by mistake" in told
    for line in ("INC-1 show", "INC-1 note hello", "INC-1 role commander me", "INC-1 who"):
        assert NOT_THERE in (await ben.command(f"/incident {line}")).text, line
    assert "*Scribe*: nobody" in (await alice.command("/incident INC-1 roles")).text
    timeline = (await alice.command("/incident INC-1 timeline")).text
    assert f"Removed {ben.mention} from this private incident" in timeline
    assert room.transcript.count("left the private channel") == 0
    await bot.advance(hours=1)
    assert ben not in room

    back = await alice.command("/incident INC-1 role scribe @ben")
    assert ben.mention in back.text
    await agree(bot, alice)
    assert await sees(ben)
    assert ben in room


async def test_it_is_taken_back_by_button_where_people_are_listed(bot: Bot) -> None:
    alice, ben, _room = await with_ben(bot)
    await alice.command("/incident INC-1 who")
    await alice.click(alice.ephemerals[-1], "sight_take_back")
    await bot.settle()
    assert not await sees(ben)


async def test_if_slack_refuses_the_removal_who_asked_for_it_is_told_what_to_do(bot: Bot) -> None:
    alice, ben, room = await with_ben(bot)
    bot.slack.fail("conversations.kick", error="restricted_action")
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    assert ben in room
    assert not await sees(ben)
    assert "Remove them in Slack" in bot.slack.dm(alice).transcript
    assert "removed you from *INC-1*" in bot.slack.dm(ben).transcript


async def test_the_commander_and_oneself_cant_be_put_out(bot: Bot) -> None:
    alice, ben, room = await with_ben(bot)
    await alice.command("/incident role deputy @ben", channel=room)
    refused = await ben.command("/incident uninvite @alice", channel=room)
    assert "somebody else has to take command first" in refused.text
    assert await sees(alice)
    own = await alice.command("/incident uninvite @alice", channel=room)
    assert "leave the channel" in own.text
    outsider = bot.slack.add_person("dev")
    assert "doesn't see INC-1" in (await alice.command("/incident INC-1 uninvite @dev")).text
    assert not await sees(outsider)


@pytest.mark.parametrize("inviter", ["themselves", "the commander"])
async def test_below_commander_and_deputy_people_take_back_only_what_they_opened(
    bot: Bot, inviter: str
) -> None:
    alice, ben, room = await with_ben(bot)
    dev, carol = bot.slack.add_people("dev", "carol")
    is_own = inviter == "themselves"
    let_in_by = ben if is_own else alice
    await let_in_by.command("/incident invite @dev", channel=room)
    await agree(bot, let_in_by)
    answer = await ben.command("/incident uninvite @dev", channel=room)
    await bot.settle()
    assert await sees(dev) is not is_own
    assert ("Only the commander or the deputy can" in answer.text) is not is_own
    assert not await sees(carol)
