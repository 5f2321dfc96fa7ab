"""Who is outside a private incident stays outside, whatever is late, under way, or done in Slack."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from incidents.channel.invitations import Invited, record_invitations
from incidents.channel.life import incident_of
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.policy.references import PersonRef
from tests.scenario.channel.test_insiders import with_ben
from tests.scenario.channel.test_opening import NOT_THERE, OPENS, agree, private_room, sees
from tests.scenario.conftest import Bot, home_of, told
from tests.slack_server import Channel, Person


def _join_event(bot: Bot, person: Person, room: Channel, **more: str) -> None:
    event = {
        "type": "member_joined_channel",
        "user": person.id,
        "channel": room.id,
        "channel_type": "G",
        "team": bot.slack.team_id,
    }
    bot.slack.ws.emit({**event, **more}, room)


async def test_a_join_that_is_reported_late_lets_nobody_in_again(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    bot.slack.fail("conversations.kick", error="restricted_action")
    joined_at = bot.clock.now().timestamp()
    bot.clock.advance(timedelta(minutes=2))
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    _join_event(bot, ben, room, event_ts=f"{joined_at:.6f}")
    await bot.slack.quiet()
    await bot.settle()
    assert not await sees(ben)


async def test_an_invitation_under_way_lets_nobody_in_again(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    bot.slack.drop("conversations.invite", after=True)
    await alice.command("/incident role scribe @ben", channel=room)
    await alice.click(alice.ephemerals[-1], "open_private")
    await bot.slack.wait_for(lambda: ben.id in room.members or None)
    await alice.command("/incident uninvite @ben", channel=room)
    _join_event(bot, ben, room, inviter=bot.slack.bot.id)
    await bot.slack.quiet()
    await bot.settle()
    for _ in range(3):
        await bot.advance(minutes=2)
    assert not await sees(ben)
    assert ben not in room


async def test_somebody_outside_who_is_still_in_the_channel_lets_nobody_in(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    dev, carol = bot.slack.add_people("dev", "carol")
    bot.slack.fail("conversations.kick", error="restricted_action")
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    assert ben in room
    await ben.invites(dev, room)
    await bot.settle()
    assert not await sees(dev)
    assert dev.ephemerals == [] or "Leaked key" not in str(dev.ephemerals)
    await alice.invites(carol, room)
    await bot.settle()
    assert await sees(carol)


async def test_what_people_outside_mark_in_the_channel_is_not_recorded(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    dev = bot.slack.add_person("dev")
    own = [await alice.says(f"the vendor key {number} is gone", room) for number in (1, 2)]
    for message in own:
        await alice.pins(message)
    await bot.settle()
    assert "vendor key 2" in (await alice.command("/incident INC-1 timeline")).text
    bot.slack.fail("conversations.kick", error="restricted_action")
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    await alice.converts(room, private=False)
    await dev.joins(room)
    await bot.settle()
    before = (await alice.command("/incident INC-1 timeline")).text
    for outsider in (ben, dev):
        said = await outsider.says(f"words of {outsider.name}", room)
        await outsider.reacts(said, "pushpin")
        await outsider.pins(said)
        await outsider.shares_file(f"of-{outsider.name}.txt", "hello", room)
        await outsider.unpins(own.pop())
        await bot.settle()
        answer = await outsider.message_shortcut("add_to_timeline", said)
        assert "INC-1" not in answer.text
    await bot.settle()
    after = (await alice.command("/incident INC-1 timeline")).text
    assert after == before


async def test_moving_into_an_existing_channel_names_who_it_opens_to(every_bot: Bot) -> None:
    bot = every_bot
    alice, ben, room = await with_ben(bot)
    dev = bot.slack.add_person("dev")
    us = bot.slack.bot
    bot.slack.add_channel("team", private=True, members=[alice, ben, dev, us])
    team = bot.slack.channel("team")
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    form = (await alice.command("/incident INC-1 channel")).get_view()
    asked = await alice.submit(form, {"channel": team})
    assert asked.shown is not None
    assert OPENS in asked.shown.rendered
    assert "@dev" in asked.shown.rendered
    assert "@ben" in asked.shown.rendered
    assert not await sees(dev)
    await alice.submit(asked.shown)
    await bot.settle()
    assert "goes on here" in team.transcript
    assert await sees(dev)
    assert await sees(ben)
    who = (await alice.command("/incident INC-1 who")).text
    assert "3 can see it" in who


async def test_moving_again_doesnt_change_who_let_people_in(bot: Bot) -> None:
    alice, ben, room = await with_ben(bot)
    carol = bot.slack.add_person("carol")
    await alice.command("/incident invite @carol", channel=room)
    await agree(bot, alice)
    await carol.converts(room, private=False)
    await bot.settle()
    form = (await ben.command("/incident INC-1 private")).get_view()
    await ben.submit(form)
    await bot.settle()
    who = (await alice.command("/incident INC-1 who")).text
    assert f"let in by {alice.mention}" in who
    assert f"let in by {ben.mention}" not in who
    refused = await ben.command("/incident INC-1 uninvite @carol")
    assert "Only the commander or the deputy can" in refused.text
    assert await sees(carol)


async def test_a_ladder_calls_nobody_who_left_after_it_was_agreed_to(any_bot: Bot) -> None:
    bot = any_bot
    _ben, dev = bot.slack.add_people("ben", "dev")
    bot.change_ladder(PersonRef(user_id=dev.id))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    await alice.command("/incident escalate @ben please rotate the key", channel=room)
    await agree(bot, alice)
    await alice.invites(dev, room)
    await bot.settle()
    await dev.leaves(room)
    await bot.settle()
    assert f"may call {dev.mention}" not in (await alice.command("/incident INC-1 who")).text
    await bot.advance(minutes=30)
    assert not await sees(dev)
    assert "rotate" not in told(bot, dev)


async def test_a_group_agreed_to_by_name_doesnt_bring_back_who_was_put_out(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    dev = bot.slack.add_person("dev")
    bot.slack.add_group("dba", [ben, dev])
    bot.slack.fail("usergroups.users.list", error="ratelimited", retry_after=60, times=2)
    asked = await alice.command("/incident escalate @dba please rotate the key", channel=room)
    assert "everybody in" in asked.text
    await alice.click(alice.ephemerals[-1], "open_private")
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    for _ in range(3):
        await bot.advance(minutes=2)
    assert await sees(dev)
    assert not await sees(ben)


async def test_old_buttons_do_nothing_for_who_was_put_out(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    for line in (
        "escalate @ben please rotate the key",
        "checkin @ben 10m is the key rotated?",
        "action @ben rotate the key",
        "propose Restart checkout risk: carts undo: none --class change",
        "handoff @ben see you tomorrow",
    ):
        await alice.command(f"/incident {line}", channel=room)
        await bot.settle()
    await ben.opens_home()
    await bot.settle()
    old = [message.seen() for message in bot.slack.dm(ben).messages if message.buttons]
    old += [message.seen() for message in room.messages if message.buttons]
    bot.slack.fail("conversations.kick", error="restricted_action")  # so he can press those, too
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    before = (await alice.command("/incident INC-1 timeline")).text
    pressed = 0
    for message in old:
        for button in dict.fromkeys(message.buttons):
            answer = await ben.click(message, button)
            await bot.settle()
            pressed += 1
            assert "Leaked key" not in answer.text, button
            assert answer.view is None or "Leaked key" not in answer.view.rendered, button
    assert pressed > 6
    assert (await alice.command("/incident INC-1 timeline")).text == before
    assert NOT_THERE in (await ben.command("/incident INC-1 show")).text
    await ben.opens_home()
    await bot.settle()
    assert "Leaked key" not in home_of(bot, ben)


async def test_who_is_inside_goes_along_into_an_existing_channel(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    carol = bot.slack.add_person("carol")
    await alice.invites(carol, room)
    await bot.settle()
    team = bot.slack.add_channel("team", private=True, members=[alice, bot.slack.bot])
    moved = await alice.submit(
        (await alice.command("/incident INC-1 channel")).get_view(), {"channel": team}
    )
    assert "goes on in" in moved.get_view().rendered
    await bot.settle()
    for insider in (ben, carol):
        assert await sees(insider)
        assert insider in team
    who = (await alice.command("/incident INC-1 who")).text
    assert "let in by the policy" not in who
    assert who.count(f"let in by {alice.mention}") == 2
    await carol.leaves(team)
    await bot.settle()
    assert not await sees(carol)


async def test_who_came_while_it_was_public_and_goes_is_no_news(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    eve = bot.slack.add_person("eve")
    await alice.converts(room, private=False)
    await eve.joins(room)
    await bot.settle()
    await alice.converts(room, private=True)
    await eve.leaves(room)
    await bot.settle()
    assert "you're the last person" not in told(bot, alice)
    timeline = (await alice.command("/incident INC-1 timeline")).text
    assert "no longer sees" not in timeline
    assert not await sees(eve)
    assert not await sees(ben)


async def test_people_of_other_organisations_count_for_nobody_inside(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    carol = bot.slack.add_person("carol")
    await alice.invites(carol, room)
    await bot.settle()
    bot.slack.change_person(ben, team_id="T0PARTNER")
    await bot.slack.quiet()
    await bot.settle()
    assert not await sees(ben)
    assert ben.mention not in (await alice.command("/incident INC-1 who")).text
    await carol.leaves(room)
    await bot.settle()
    assert "only you can see it now" in told(bot, alice)


async def test_who_was_put_out_of_an_archived_channel_isnt_forgotten_there(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    await alice.archives(room)
    await alice.command("/incident INC-1 uninvite @ben")
    await bot.settle()
    assert not await sees(ben)
    assert "Remove them in Slack" in told(bot, alice)
    assert "removed you from *INC-1*" in told(bot, ben)


async def test_a_removal_is_carried_out_after_rate_limits_and_a_restart(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    bot.slack.fail("conversations.kick", error="ratelimited", retry_after=30, times=2)
    bot.slack.drop(
        "chat.postMessage", after=True, match=lambda given: "removed you from" in str(given)
    )
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.restart()
    for _ in range(4):
        await bot.advance(minutes=1)
    assert ben not in room
    assert not await sees(ben)
    assert told(bot, ben).count("removed you from *INC-1*") == 1


async def test_who_is_let_in_while_the_channel_is_public_comes_in_afterwards(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    await alice.converts(room, private=False)
    await bot.settle()
    await alice.command("/incident INC-1 role scribe @ben")
    await agree(bot, alice)
    assert await sees(ben)
    await alice.converts(room, private=True)
    await bot.settle()
    assert ben in room
    await alice.command("/incident INC-1 uninvite @ben")
    await bot.settle()
    assert ben not in room


async def test_agreeing_counts_for_those_who_were_named_only(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    dev = bot.slack.add_person("dev")
    await alice.command("/incident role communications lead @dev", channel=room)
    question = alice.ephemerals[-1].seen()
    again = alice.ephemerals[-1].seen()
    await alice.command("/incident uninvite @ben", channel=room)
    await bot.settle()
    await alice.click(question, "open_private")
    await bot.settle()
    assert await sees(dev)
    assert not await sees(ben)
    await alice.command("/incident uninvite @dev", channel=room)
    await bot.settle()
    await alice.click(again, "open_private")
    await bot.settle()
    assert not await sees(dev)
    assert dev not in room


@pytest.mark.parametrize("how", ["uninvited", "removed in Slack"])
async def test_requests_to_somebody_outside_close_in_their_direct_messages(
    any_bot: Bot, how: str
) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    for line in (
        "checkin @ben 10m is the vendor key safe?",
        "escalate @ben what of the vendor key?",
        "propose Restart the vendor key service risk: carts undo: none --class change",
    ):
        await alice.command(f"/incident {line}", channel=room)
        await bot.settle()
    assert told(bot, ben).count("vendor key") == 2  # he reads the check-in in the channel
    await ben.opens_home()
    await bot.settle()
    assert "Leaked key" in home_of(bot, ben)
    if how == "uninvited":
        await alice.command("/incident uninvite @ben", channel=room)
    else:
        await alice.kicks(ben, room)
    await bot.settle()
    assert "vendor key" not in told(bot, ben)
    assert not any(message.buttons for message in bot.slack.dm(ben).messages)
    assert "Leaked key" not in home_of(bot, ben)


async def test_a_call_that_no_direct_message_reaches_isnt_said_in_a_public_channel(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    await alice.converts(room, private=False)
    await bot.settle()
    bot.slack.fail("conversations.open", error="cannot_dm_bot", times=9)
    await alice.command("/incident INC-1 escalate @ben please rotate the key")
    await agree(bot, alice)
    assert room.everything == []
    assert ben not in room


@pytest.mark.parametrize("when", ["at the next start", "at the next look"])
async def test_who_left_without_an_event_is_found_outside(any_bot: Bot, when: str) -> None:
    bot = any_bot
    alice, ben, room = await with_ben(bot)
    if when == "at the next start":
        await bot.stop()
        room.members.remove(ben.id)
        bot.clock.advance(timedelta(hours=2))
        await bot.start()
    else:
        room.members.remove(ben.id)
        bot.clock.advance(timedelta(minutes=1))
    await bot.app.scheduler.run_chore("channels")
    await bot.settle()
    assert not await sees(ben)
    assert "*Scribe*: nobody" in (await alice.command("/incident INC-1 roles")).text
    assert "only you can see it now" in told(bot, alice)


async def _invited(uow: UnitOfWork, *, room: Channel, person: Person) -> Outcome:
    """Record that Slack took the invitation; it hasn't reported the join yet."""
    incident = await incident_of(uow, room.id)
    invited = [Invited(person.id)]
    await record_invitations(uow, incident.id, channel_id=room.id, invited=invited)
    return Outcome("invited")


async def test_who_is_invited_while_slack_is_asked_for_the_members_stays_inside(bot: Bot) -> None:
    _, _, room = await private_room(bot)
    carla = bot.slack.add_person("carla")
    asked = bot.slack.hold("conversations.members")
    look = asyncio.ensure_future(bot.app.scheduler.run_chore("channels"))
    await bot.slack.wait_for(lambda: asked.happened, saying="Slack is asked")
    await bot.app.services.transactions.run(
        partial(_invited, room=room, person=carla),
        actor=system_actor(),
        workspace_id=bot.app.services.workspace.id,
    )
    bot.slack.release()  # the list that is on its way was made before
    await look
    assert await sees(carla)
