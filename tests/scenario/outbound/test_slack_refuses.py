"""Slack refuses, is slow, or drops the connection: the incident goes on and loses nothing."""

from dataclasses import replace
from typing import Any

import pytest

from bot.features.browse.people import refresh_directory
from bot.features.channel.announcement import join_announcement_channel
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import DECLARE, ROOM, Bot, declared, said
from tests.slack_server.delivery.failures import FOREVER


async def test_the_incident_is_announced_once_and_edited_in_place(bot: Bot) -> None:
    await declared(bot)
    announced = bot.slack.channel("incidents").messages
    assert len(announced) == 1
    assert "INC-1 Checkout errors" in announced[0].text


async def test_a_missing_announcement_channel_is_said_once_and_made_up_for(bot: Bot) -> None:
    bot.change_policy(announcement=replace(bot.loaded.policy.announcement, channel="#nowhere"))
    await bot.restart()
    alice, room = await declared(bot)
    await alice.command("/incident declare sev3 Search is slow")
    await alice.command("/incident status identified", channel=room)
    await bot.settle()
    over = await alice.command("/incident INC-2 cancel False alarm")
    assert "cancelled" in over.text
    await bot.settle()
    assert alice in room
    assert room.pins
    (notice,) = said(room, "couldn't announce the incident in #nowhere: it isn't there")
    assert "Create that channel" in notice.text

    bot.slack.add_channel("nowhere")  # no event tells us
    await bot.app.scheduler.run_chore("waiting announcements")
    await bot.settle()
    await bot.app.scheduler.run_chore("waiting announcements")
    await bot.settle()
    (announced,) = said(bot.slack.channel("nowhere"), "INC-")  # only what is still open
    assert "INC-1 Checkout errors" in announced.text


async def test_an_archived_announcement_channel_is_said_and_used_when_it_is_back(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await bot.settle()
    channel = bot.slack.channel("incidents")
    await alice.joins(channel)
    await declared(bot, by=alice)
    await alice.archives(channel)
    await alice.command("/incident declare sev3 Search is slow")
    await alice.command("/incident INC-1 severity sev1 Payments fail as well")
    await bot.settle()
    for room in (bot.slack.channel(ROOM), bot.slack.channel("inc-2-search-is-slow")):
        (notice,) = said(room, "couldn't announce the incident in #incidents")
        assert "it is archived" in notice.text
    await alice.unarchives(channel)
    await bot.settle()
    first, second = channel.messages
    assert "SEV1" in first.text
    assert "Search is slow" in second.text
    timeline = await alice.command("/incident INC-1 timeline")
    assert "Found #incidents again" in timeline.rendered


async def test_one_bad_invitee_does_not_stop_the_rest(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    guest = bot.slack.add_person("guest", guest=True)
    group = bot.slack.add_group("sre", [carol])
    invites = (
        PersonRef(user_id=guest.id),
        PersonRef(email="nobody@example.com"),
        PersonRef(user_id=bob.id),
        GroupRef(group_id=group.id),
    )
    bot.change_policy(call=(CallRule(invite=invites),))
    await bot.restart()
    await refresh_directory(bot.app.services)

    _, room = await declared(bot, by=alice)
    assert all(person in room for person in (alice, bob, carol))
    assert guest not in room
    await bot.slack.wait_for(lambda: bot.slack.dm(guest).messages)
    assert "Ask an admin of your Slack workspace" in bot.slack.dm(guest).messages[0].text
    assert any("couldn't invite" in message.text for message in room.messages)


async def test_a_message_that_was_posted_before_the_connection_dropped_is_not_posted_twice(
    bot: Bot,
) -> None:
    bot.slack.drop("chat.postMessage", after=True)
    await declared(bot)
    await bot.advance(seconds=30)
    assert len(bot.slack.channel("incidents").messages) == 1
    cards = [message for message in bot.slack.channel(ROOM).messages if message.is_pinned]
    assert len(cards) == 1
    assert len(bot.slack.channel(ROOM).messages) == 1


async def test_a_channel_that_was_made_before_the_connection_dropped_is_used(bot: Bot) -> None:
    bot.slack.drop("conversations.create", after=True)
    alice, _ = await declared(bot)
    await bot.advance(seconds=30)
    assert [channel.name for channel in bot.slack.channels if "inc-1" in channel.name] == [ROOM]
    assert alice in bot.slack.channel(ROOM)


async def test_server_errors_and_rate_limits_delay_but_lose_nothing(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail("chat.postMessage", status=500, times=2)
    bot.slack.fail("conversations.invite", error="ratelimited", retry_after=7)
    await alice.command(DECLARE)
    for _ in range(6):
        await bot.advance(seconds=20)
    room = bot.slack.channel(ROOM)
    assert alice in room
    assert room.pins
    assert len(bot.slack.channel("incidents").messages) == 1


@pytest.mark.parametrize(
    ("fault", "within"),
    [
        ({"error": "internal_error"}, 2),
        ({"error": "fatal_error", "after": True}, 2),
        ({"error": "ratelimited", "retry_after": 1}, 2),
        ({"status": 502}, 6),
        ({"status": 404}, 6),
        ({"status": 403, "after": True}, 6),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "method", ["conversations.create", "conversations.invite", "chat.postMessage", "pins.add"]
)
async def test_a_passing_fault_costs_people_seconds(
    bot: Bot, method: str, fault: dict[str, Any], within: int
) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail(method, **fault)
    await alice.command(DECLARE)
    await bot.settle_for(seconds=0.3)
    for _ in range(within):
        await bot.advance(seconds=1)
    (room,) = [channel for channel in bot.slack.channels if "inc-1" in channel.name]
    assert alice in room
    assert len(room.pins) == 1
    assert len(bot.slack.channel("incidents").messages) == 1


async def test_what_waited_for_an_outage_to_end_goes_out_with_the_first_success(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    for title in ("Checkout errors", "Login page white", "Search stale"):
        await alice.command(f"/incident declare sev2 {title}")
        await bot.settle()
    bot.slack.fail("*", status=503, times=FOREVER)
    for number in (1, 2, 3):
        await alice.command(f"/incident INC-{number} update Still down")
    for _ in range(12):  # they wait 48 seconds then, a tenth of the outage
        await bot.advance(seconds=40)
    bot.slack.heal()
    while not updates_shown(bot):
        await bot.advance(seconds=1)
    await bot.advance(seconds=5)
    assert updates_shown(bot) == 3


def updates_shown(bot: Bot) -> int:
    """Count the updates in the incidents' channels."""
    rooms = [channel for channel in bot.slack.channels if channel.name.startswith("inc-")]
    return sum("*Update 1*" in message.text for room in rooms for message in room.messages)


async def test_a_refusal_for_good_is_said_with_retry_and_retried(bot: Bot) -> None:
    bot.slack.fail("pins.add", error="restricted_action")
    alice, room = await declared(bot)
    failure = next(m for m in room.messages if "couldn't pin" in m.text)
    assert "on the record" in failure.text

    await alice.click(failure, "effect_retry")
    await bot.settle()
    assert room.pins

    bob = bot.slack.add_person("bob")
    theirs = bot.slack.dm(bob).id
    bot.slack.fail(
        "chat.postMessage",
        error="messages_tab_disabled",
        match=lambda args: args["channel"] in {bob.id, theirs},
    )
    await alice.command("/incident role scribe @bob", channel=room)
    await bot.settle()
    assert said(room, "I couldn't send a role's checklist for bob")


async def test_a_revoked_token_pauses_and_gives_nothing_up(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail("conversations.create", error="invalid_auth")
    outcome = await alice.command(DECLARE)
    assert "INC-1" in outcome.text
    await bot.settle_for(seconds=0.2)
    assert bot.app.dispatcher.is_paused


async def test_joining_the_announcement_channel_is_remembered(bot: Bot) -> None:
    bot.slack.add_channel("outages")
    bot.change_policy(announcement=replace(bot.loaded.policy.announcement, channel="#outages"))
    await bot.restart()
    assert await join_announcement_channel(bot.app.services) is not None
    await declared(bot)
    assert len(bot.slack.channel("outages").messages) == 1


async def test_while_slack_limits_channels_each_declarer_hears_their_place_once(bot: Bot) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    bot.slack.fail("conversations.create", error="ratelimited", times=3, retry_after=20)
    await alice.command("/incident declare sev1 Checkout is down")
    await bot.slack.wait_for(lambda: bot.slack.dm(alice).messages)
    await ben.command("/incident declare sev3 Logos are blurred")
    await bot.slack.wait_for(lambda: bot.slack.dm(ben).messages)
    assert "yours is next" in bot.slack.dm(alice).messages[0].text
    assert "20 seconds" in bot.slack.dm(alice).messages[0].text
    assert "yours is number 2 in the queue" in bot.slack.dm(ben).messages[0].text
    noted = await ben.command("/incident INC-2 note The pool is empty")
    assert "Noted" in noted.rendered
    for _ in range(4):
        await bot.advance(seconds=21)
    assert alice in bot.slack.channel("inc-1-checkout-is-down")
    assert ben in bot.slack.channel("inc-2-logos-are-blurred")
    assert len(bot.slack.dm(alice).messages) == 1
    assert len(bot.slack.dm(ben).messages) == 1
