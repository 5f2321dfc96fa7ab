"""What goes wrong around an incident: people who leave, Slack away at a bad moment, old pages."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.features.browse.people import refresh_directory
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import ROOM, Bot, declared


async def test_a_commander_who_leaves_the_company_is_replaced_by_a_question(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    _, room = await declared(bot, by=alice)
    await bob.command("/incident role commander me", channel=room)
    await bot.settle()

    bot.slack.deactivate(bob)
    await bot.slack.quiet()
    await bot.settle()

    said = room.messages[-1].text
    assert f"I removed {bob.mention} as Incident commander" in said
    assert "left the workspace\nWho takes command?" in said
    assert "no longer" not in bot.slack.dm(bob).messages[-1].text


async def test_an_announcement_waits_until_slack_says_where_its_channel_is(bot: Bot) -> None:
    bot.change_policy(announcement=replace(bot.loaded.policy.announcement, channel="#outages"))
    bot.slack.add_channel("outages")
    bot.slack.fail("conversations.list", status=503, times=2)  # at the start, and when needed
    await bot.restart()
    await declared(bot)
    await bot.advance(minutes=1)
    assert "INC-1" in bot.slack.channel("outages").messages[-1].text


async def test_taken_out_of_the_announcement_channel_we_come_back(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    announcements = bot.slack.channel("incidents")
    await alice.joins(announcements)
    await declared(bot, by=alice)
    await alice.kicks(bot.slack.bot, announcements)
    await alice.command("/incident INC-1 severity sev1 Payments fail as well")
    await alice.command("/incident declare sev3 Search is slow")
    await bot.settle()
    first, raised, second = announcements.messages
    assert "SEV1" in first.text
    assert "SEV1" in raised.text
    assert "Search is slow" in second.text


async def test_the_home_tab_turns_forth_and_back_and_forth_again(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    for number in range(12):
        await alice.command(f"/incident declare sev4 {'xyzuvwabcdef'[number] * 20}")
        bot.clock.advance(timedelta(seconds=1))
    bob = bot.slack.add_person("bob")
    await bot.settle()
    await bob.opens_home()
    await bot.settle()
    for pressed, shown in (
        ("home_next", "Page 2"),
        ("home_previous", "Page 1"),
        ("home_next", "Page 2"),
    ):
        home = bot.slack.home(bob)
        assert home is not None
        await bob.click(home, pressed)
        await bot.settle()
        home = bot.slack.home(bob)
        assert home is not None
        assert shown in home.rendered


async def test_people_are_invited_although_groups_cant_be_read(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    invites = (GroupRef(handle="@sre"), PersonRef(user_id=bob.id))
    bot.change_policy(call=(CallRule(invite=invites),))
    bot.slack.fail("usergroups.list", error="missing_scope", times=99)
    await bot.restart()
    _, room = await declared(bot, by=alice)
    assert bob in room
    (refusal,) = (one.text for one in room.messages if "couldn't invite" in one.text)
    assert "sre: not found in this workspace" in refusal


async def test_somebody_who_is_hired_later_is_invited_later(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    invites = (PersonRef(email="dana@example.com"),)
    bot.change_policy(call=(CallRule(invite=invites),))
    await bot.restart()
    await declared(bot, by=alice)
    dana = bot.slack.add_person("dana", email="dana@example.com")
    await refresh_directory(bot.app.services)
    await alice.command("/incident declare sev2 Search is slow")
    await bot.settle()
    assert dana in bot.slack.channel("inc-2-search-is-slow")


async def test_what_was_given_up_after_a_day_is_looked_for_before_it_is_retried(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev4 Checkout errors")
    await bot.settle()
    room = bot.slack.channel(ROOM)

    def is_mine(args: Mapping[str, Any]) -> bool:
        return args["channel"] == room.id and "Rolled back" in args["text"]

    bot.slack.fail("chat.postMessage", error="ratelimited", times=300, match=is_mine)
    await alice.command("/incident note Rolled back", channel=room)
    for _ in range(11):
        await bot.advance(hours=2)
    bot.slack.heal()
    bot.slack.fail(
        "chat.postMessage", status=500, after=True, match=is_mine
    )  # posts it, and still answers with an error
    await bot.advance(hours=3)
    (told,) = (one for one in bot.slack.dm(alice).messages if "Retry" in one.rendered)
    await alice.click(told, "effect_retry")
    for _ in range(3):
        await bot.advance(minutes=1)
    assert sum("Rolled back" in message.text for message in room.everything) == 1


async def test_what_is_redacted_leaves_the_channel_that_the_incident_left_too(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev4 Checkout errors")
    await bot.settle()
    room, other = bot.slack.channel(ROOM), bot.slack.add_channel("database-room", members=[alice])
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident note the password is hunter2", channel=room)
    await bot.settle()
    note = next(one for one in room.everything if "hunter2" in one.text)
    await alice.command("/incident channel #database-room", channel=room)
    await bot.settle()
    form = (await alice.click(note, "timeline_correct", "Hide…")).get_view()
    await alice.submit(form, {"reason": "a password"})
    await bot.settle()
    assert "INC-1" in other.transcript
    assert "hunter2" not in room.transcript


async def test_somebody_of_another_workspace_is_known_as_such_from_joining_on(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    eve = bot.slack.add_person("eve", external_team="TOTHER")
    await alice.command("/incident declare sev4 Checkout errors")
    await bot.settle()
    room = bot.slack.channel(ROOM)
    said = await alice.says("Errors began at 8:50", room)
    await alice.invites(eve, room)
    await alice.pins(said)
    await bot.settle()
    await eve.unpins(said)
    await bot.settle()
    listed = await alice.command("/incident timeline", channel=room)
    assert "(withdrawn)" not in listed.text


async def test_an_export_that_could_not_be_uploaded_is_refused(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev4 Checkout errors")
    await bot.settle()
    await alice.archives(bot.slack.channel(ROOM))
    await bot.settle()
    answer = await alice.command("/incident INC-1 export")
    assert "archived" in answer.text


async def test_what_slack_refuses_for_good_is_named_to_who_asked(bot: Bot) -> None:
    alice, _ = await declared(bot)
    bot.slack.add_channel("war-room")
    bot.slack.fail("conversations.info", error="missing_scope", needed="channels:read")
    answer = await alice.command("/incident INC-1 channel #war-room")
    assert "Slack refused to show me the channel" in answer.text
    assert "channels:read" in answer.text
    bot.slack.add_person("erin")
    bot.slack.fail("users.info", error="missing_scope", needed="users:read", times=9)
    answer = await alice.command("/incident INC-1 role commander @erin")
    assert "refuses to tell me who" in answer.text
    assert "users:read" in answer.text
