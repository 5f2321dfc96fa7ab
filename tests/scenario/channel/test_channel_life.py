"""The life of the incident channel: archived, unarchived, renamed, lost, joined by newcomers."""

from datetime import timedelta

from tests.scenario.conftest import Bot, declared
from tests.slack_server import Channel, Person


async def _closed(bot: Bot) -> tuple[Person, Channel]:
    """Declare an incident and close it, which cancels its reminders."""
    alice, room = await declared(bot)
    form = (await alice.command("/incident resolve Rolled back", channel=room)).get_view()
    started = bot.clock.now()
    values = {
        "impact_started_at": started - timedelta(minutes=30),
        "impact_ended_at": started,
        "resolution": "Rolled back",
    }
    outcome = await alice.submit(form, values)
    assert outcome.errors == {}
    await alice.command("/incident close", channel=room)
    await bot.settle()
    return alice, room


async def _archived(bot: Bot) -> tuple[Person, Channel]:
    alice, room = await _closed(bot)
    await bot.advance(days=30, hours=1)
    assert room.is_archived
    return alice, room


# -- archiving and unarchiving ------------------------------------------------------------------


async def test_a_month_after_closing_the_channel_is_archived_with_a_last_word(bot: Bot) -> None:
    _, room = await _archived(bot)
    last = room.messages[-1]
    assert "archived" in last.text
    assert "/incident INC-1 reopen" in last.text


async def test_an_archiving_that_may_have_happened_says_its_last_word_once(bot: Bot) -> None:
    _, room = await _closed(bot)
    bot.slack.drop("chat.postMessage", after=True, match=lambda args: args["channel"] == room.id)
    bot.slack.drop("conversations.archive", after=True)
    await bot.advance(days=30, hours=1)
    for _ in range(3):
        await bot.advance(minutes=1)
    assert room.is_archived
    assert sum("archived now" in message.text for message in room.messages) == 1


async def test_reopening_brings_the_channel_back_before_it_says_so_there(bot: Bot) -> None:
    alice, room = await _archived(bot)
    await alice.command("/incident INC-1 reopen Errors are back")
    await bot.settle()
    assert not room.is_archived
    assert any("Errors are back" in message.text for message in room.messages)
    assert "investigating" in room.pins[0].text


async def test_reopened_in_an_archived_channel_that_stays_so_the_lead_is_told(bot: Bot) -> None:
    alice, room = await _archived(bot)
    bot.slack.fail("conversations.unarchive", error="restricted_action", times=99)
    await alice.command("/incident INC-1 reopen Errors are back")
    await bot.settle()
    assert room.is_archived
    assert any("INC-1" in message.text for message in bot.slack.dm(alice).messages)
    announced = bot.slack.channel("incidents").messages[0]
    assert "investigating" in announced.rendered


async def test_archived_by_hand_the_incident_goes_on_without_a_storm_of_failures(
    bot: Bot,
) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(room)
    await bot.settle()
    await bob.archives(room)
    await bot.settle()
    told = [message.text for message in bot.slack.dm(alice).messages]
    assert sum("archived" in text for text in told) == 1
    before = len(bot.slack.calls)
    for status in ("investigating", "identified", "mitigated"):
        await alice.command(f"/incident INC-1 status {status}")
    await bot.settle()
    refused = [call for call in bot.slack.calls[before:] if not call.ok]
    assert refused == []
    assert len(bot.slack.dm(alice).messages) == len(told)
    await bob.unarchives(room)
    await bot.settle()
    assert "mitigated" in room.pins[0].text


async def test_an_archiving_that_no_event_told_of_is_found_out(bot: Bot) -> None:
    alice, room = await declared(bot)
    room.is_archived = True  # as if Slack had lost the event
    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    told = [message.text for message in bot.slack.dm(alice).messages]
    assert sum("archived" in text for text in told) == 1
    assert not any("refused" in text for text in told)


# -- renamed, deleted, taken out ----------------------------------------------------------------


async def test_a_renamed_channel_stays_the_incidents(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.renames(room, "checkout-war-room")
    await alice.command("/incident status identified", channel=room)
    await bot.settle()
    assert "identified" in room.pins[0].text


async def test_taken_out_of_the_channel_it_says_how_to_be_brought_back(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.kicks(bot.slack.bot, room)
    await bot.settle()
    told = [message.text for message in bot.slack.dm(alice).messages]
    assert len(told) == 1
    assert "/invite" in told[0]
    assert bot.slack.bot.mention in told[0]

    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    assert len(bot.slack.dm(alice).messages) == 1
    await alice.invites(bot.slack.bot, room)
    await bot.settle()
    assert "identified" in room.pins[0].text


async def test_taken_out_of_a_private_channel_is_told_as_well(bot: Bot) -> None:
    alice, room = await declared(bot, flags="--private")
    await alice.kicks(bot.slack.bot, room)
    await bot.settle()
    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    told = [message.text for message in bot.slack.dm(alice).messages]
    assert sum("/invite" in text for text in told) == 1
    assert len(told) == 1


# -- newcomers ----------------------------------------------------------------------------------


async def test_a_newcomer_is_read_in_alone_and_can_take_command(bot: Bot) -> None:
    alice, room = await declared(bot)
    await bot.advance(minutes=1)  # until then, the card says it
    bob = bot.slack.add_person("bob")
    await bob.joins(room)
    await bot.settle()
    shown = bob.ephemerals[-1]
    assert len(shown.text.splitlines()) <= 6
    for word in ("INC-1", "SEV2", "triage", "Needed now", "command"):
        assert word in shown.text
    assert shown.blocks[-1]["elements"][0]["action_id"] == "role_take_command"
    assert alice.ephemerals == [] or "Needed now" not in alice.ephemerals[-1].text

    await bob.leaves(room)
    await bob.joins(room)
    await bot.settle()
    assert sum("Needed now" in message.text for message in bob.ephemerals) == 1


async def test_the_read_in_tells_the_last_update(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident update Half of the cards fail", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    bob = bot.slack.add_person("bob")
    await bob.joins(room)
    await bot.settle()
    assert "Half of the cards fail" in bob.ephemerals[-1].text
