"""After a move to private, our own messages and files go from where others can read them."""

from typing import Any

import pytest

from bot.operations.telemetry import METRICS
from incidents.exports.audit_log import say
from tests.scenario.channel.test_privacy import goes_private
from tests.scenario.conftest import ROOM, Bot, declared
from tests.slack_server import Channel, Person

TITLE = "Checkout errors"
NEW_ROOM = f"{ROOM}-2"
SECRET = "the salaries of everybody"


async def busy_room(bot: Bot) -> tuple[Person, Person, Channel]:
    """Let the bot say all kinds of things in a public channel, where Bob says something, too."""
    bob, eve = bot.slack.add_people("bob", "eve")
    alice, room = await declared(bot)
    await bob.joins(room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident severity sev1", channel=room)
    await alice.command(f"/incident note It is {SECRET}", channel=room)
    await alice.command(f"/incident update We know of {SECRET}", channel=room)
    await bob.command("/incident propose Restart checkout risk: carts undo: none", channel=room)
    await alice.command("/incident checkin @eve 10m Is it public?", channel=room)
    await alice.command("/incident escalate @eve Please help", channel=room)
    await alice.command("/incident export md", channel=room)
    await bob.says(f"I can see {SECRET}", room)
    await bot.settle()
    assert bot.slack.files
    assert len(room.everything) > 7
    return alice, eve, room


def of_the_bot(bot: Bot, place: Channel) -> str:
    """Return what the bot says in a place, without Slack's notices."""
    return "\n".join(
        message.rendered for message in place.everything if message.user_id == bot.slack.bot.id
    )


async def removals(bot: Bot) -> list[dict[str, Any]]:
    """Return what the audit log says of removed messages."""
    return [
        entry.content or {}
        for entry in await bot.audit_entries()
        if entry.kind == "messages_removed"
    ]


async def assert_gone(bot: Bot, room: Channel) -> None:
    left = of_the_bot(bot, room)
    assert "handled privately" in left
    for words in (TITLE, SECRET, "Restart checkout"):
        assert words not in left
    assert bot.slack.files == []
    assert room.is_archived


async def test_everything_of_ours_goes_and_the_audit_says_what_remains(every_bot: Bot) -> None:
    bot = every_bot
    alice, eve, room = await busy_room(bot)
    ours = sum(message.user_id == bot.slack.bot.id for message in room.everything)
    await goes_private(alice, "@alice")
    await bot.settle()

    await assert_gone(bot, room)
    assert SECRET in room.transcript  # Bob's own words
    for outsider in (bot.slack.dm(eve), bot.slack.channel("incidents")):
        assert SECRET not in outsider.transcript
        assert TITLE not in outsider.transcript
    [removal] = await removals(bot)
    [old, thread] = removal["channels"]
    assert removal["reference"] == "INC-1"
    assert old["channel_id"] == room.id
    assert old["removed"] == ours
    assert thread["channel_name"] == "incidents"
    assert old["files_removed"] == 1
    assert old["of_people"] == 1
    assert old["refused"] > 0  # Slack's notices of the topics that the bot set
    assert old["readable_by"] == "everybody in the workspace"
    told = bot.slack.channel(NEW_ROOM).transcript
    assert "removed messages about the incident" in told
    assert "everybody in the workspace" in told
    assert SECRET not in str(removal)
    log = " ".join(say(entry) for entry in await bot.audit_entries())
    assert "Moved to a private channel: INC-1." in log
    assert "readable by everybody in the workspace: 1 messages by people" in log


async def test_messages_older_than_the_kept_effects_go_as_well(any_bot: Bot) -> None:
    bot = any_bot
    alice, _, room = await busy_room(bot)
    await bot.forget_effects()
    await goes_private(alice, "@alice")
    await bot.settle()
    await assert_gone(bot, room)


async def test_what_slack_refuses_to_delete_is_reduced(any_bot: Bot) -> None:
    bot = any_bot
    alice, _, room = await busy_room(bot)
    bot.slack.fail("chat.delete", error="compliance_exports_prevent_deletion", times=999)
    bot.slack.fail("files.delete", error="cant_delete_file", times=999)
    await goes_private(alice, "@alice")
    await bot.settle()
    left = of_the_bot(bot, room)
    for words in (TITLE, SECRET, "Restart checkout"):
        assert words not in left
    [removal] = await removals(bot)
    [old, _] = removal["channels"]
    assert old["removed"] == 0
    assert old["reduced"] > 6
    assert old["files_refused"] == 1


async def test_what_was_reduced_is_never_written_back(bot: Bot) -> None:
    alice, _, room = await busy_room(bot)
    bot.slack.fail("chat.delete", error="compliance_exports_prevent_deletion", times=999)
    bot.slack.delay("chat.update", 0.3)
    await alice.command(f"/incident update Now {SECRET}", channel=room)
    await goes_private(alice, "@alice")
    await bot.settle()
    bot.slack.heal()
    for status in ("identified", "mitigated"):
        await alice.command(f"/incident INC-1 status {status}")
        await bot.settle()
    await bot.advance(minutes=20)
    left = of_the_bot(bot, room)
    for words in (TITLE, SECRET, "Restart checkout"):
        assert words not in left


async def test_many_messages_are_removed_within_slacks_rate_limits(bot: Bot) -> None:
    alice, room = await declared(bot)
    for number in range(70):
        await alice.command(f"/incident note {SECRET}, part {number}", channel=room)
        if number % 10 == 9:
            await bot.advance(minutes=1)
    await goes_private(alice, "@alice")
    await bot.settle()
    for _ in range(4):
        await bot.advance(minutes=1)
    assert SECRET not in of_the_bot(bot, room)
    assert room.is_archived
    [removal] = await removals(bot)
    assert removal["channels"][0]["removed"] > 70


@pytest.mark.parametrize("method", ["chat.delete", "conversations.history", "files.list"])
async def test_dying_rate_limits_and_failures_in_between_lose_and_repeat_nothing(
    any_bot: Bot, method: str
) -> None:
    bot = any_bot
    alice, _, room = await busy_room(bot)
    ours = sum(message.user_id == bot.slack.bot.id for message in room.everything)
    bot.slack.fail(method, error="ratelimited", retry_after=3)
    bot.slack.fail(method, status=503)
    bot.slack.drop(method, after=True)
    await goes_private(alice, "@alice")
    await bot.restart()
    await bot.settle()
    for _ in range(8):
        await bot.advance(minutes=1)
    await assert_gone(bot, room)
    [removal] = await removals(bot)
    [old, _] = removal["channels"]
    assert old["removed"] == ours


async def test_dying_in_the_middle_of_the_deletions_finishes_them(any_bot: Bot) -> None:
    bot = any_bot
    alice, _, room = await busy_room(bot)
    bot.slack.hang("chat.delete")
    await goes_private(alice, "@alice")
    await bot.settle_for(seconds=0.5)
    bot.slack.heal()
    await bot.restart()
    await bot.settle()
    await bot.advance(minutes=2)
    await assert_gone(bot, room)
    assert len(await removals(bot)) == 1


async def test_a_message_under_way_at_the_move_goes_as_well(bot: Bot) -> None:
    alice, _, room = await busy_room(bot)
    bot.slack.delay("chat.postMessage", 0.4)
    await alice.command(f"/incident note Late: {SECRET}", channel=room)
    await goes_private(alice, "@alice")
    await bot.settle()
    await bot.advance(minutes=1)
    await assert_gone(bot, room)


async def test_earlier_channels_are_cleaned_and_other_incidents_stay(any_bot: Bot) -> None:
    bot = any_bot
    alice, first = await declared(bot)
    team = bot.slack.add_channel("payments-team", members=[alice, bot.slack.bot])
    await alice.command("/incident declare sev3 Search is slow")
    await bot.settle()
    await alice.command("/incident INC-2 channel #payments-team")
    await bot.settle()
    await alice.command("/incident INC-2 note Search has cold caches")
    await bot.settle()
    await alice.command(f"/incident INC-1 note {SECRET}")
    await bot.settle()
    await bot.advance(minutes=10)
    search = bot.slack.add_channel("search-room", members=[alice, bot.slack.bot])
    await alice.command("/incident INC-2 channel #search-room")
    await bot.settle()
    await bot.advance(minutes=10)
    await alice.command("/incident INC-1 channel #payments-team")
    await bot.settle()
    await goes_private(alice, "@alice")
    await bot.settle()
    for room in (first, team):
        assert TITLE not in of_the_bot(bot, room)
        assert SECRET not in of_the_bot(bot, room)
    assert "Search has cold caches" in of_the_bot(bot, team)
    assert "Search is slow" in of_the_bot(bot, search)
    [removal] = await removals(bot)
    assert len(removal["channels"]) == 2


async def test_a_channel_that_removed_the_bot_is_named_as_out_of_reach(bot: Bot) -> None:
    alice, room = await declared(bot)
    team = bot.slack.add_channel("payments-team", private=True, members=[alice, bot.slack.bot])
    form = (await alice.command("/incident INC-1 channel")).get_view()
    answer = await alice.submit(form, {"channel": team})
    assert "goes on in" in answer.get_view().rendered
    await bot.settle()
    await alice.kicks(bot.slack.bot, team)
    await bot.settle()
    await goes_private(alice, "@alice")
    await bot.settle()
    assert TITLE not in of_the_bot(bot, room)
    [removal] = await removals(bot)
    theirs = {one["channel_id"]: one["readable_by"] for one in removal["channels"]}
    assert "closed to it" in theirs[team.id]


# -- metrics ------------------------------------------------------------------------------------


async def test_metrics_say_nothing_about_private_incidents(any_bot: Bot) -> None:
    bot = any_bot
    mallory = bot.slack.add_person("mallory")
    await mallory.command("/incident list")
    await bot.settle()
    before = await incident_series(bot)

    alice, room = await declared(bot, flags="--private")
    await alice.command("/incident role commander me", channel=room)
    await alice.command(f"/incident note {SECRET}", channel=room)
    await mallory.command("/incident INC-1 show")
    bot.slack.fail("chat.postMessage", error="restricted_action", times=3)
    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    await bot.advance(hours=2)
    await alice.converts(room, private=False)
    await bot.settle()
    assert await incident_series(bot) == before

    lines = bot.app.telemetry.exposition().decode().splitlines()
    exposed = "\n".join(line for line in lines if not line.startswith("#"))
    for words in (TITLE, SECRET, "INC-", ROOM, room.id, alice.id, "private", "exposed", "hidden"):
        assert words not in exposed, words


async def test_moving_to_private_is_in_no_metric(bot: Bot) -> None:
    alice, _, _ = await busy_room(bot)
    before = await incident_series(bot)
    await goes_private(alice, "@alice")
    await bot.settle()
    assert await incident_series(bot) == before


async def incident_series(bot: Bot) -> dict[str, float]:
    """Return every sample that incidents move; calls and requests count only Slack's traffic."""
    traffic = ("sitrep_requests", "sitrep_request_seconds", "sitrep_slack_call")
    parts = ("sitrep_ready", "sitrep_beat", "sitrep_paused", "sitrep_disk")
    quiet = ("sitrep_event_loop", "sitrep_sockets", *parts)
    assert {
        metric.name for metric in METRICS if not metric.name.startswith((*traffic, *quiet))
    } == {
        "sitrep_effects",
        "sitrep_effects_dropped",
        "sitrep_outbox_depth",
        "sitrep_outbox_oldest_seconds",
        "sitrep_dead_letters",
        "sitrep_reminders_fired",
        "sitrep_reminders_late_seconds",
    }
    await bot.app.health.measure()
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in bot.app.telemetry.registry.collect()
        for sample in family.samples
        if not sample.name.startswith((*traffic, *quiet)) and not sample.name.endswith("_created")
    }
