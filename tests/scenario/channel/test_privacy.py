"""Moving an incident to private: a new channel for the chosen people, nothing more in public."""

from tests.scenario.conftest import Bot
from tests.slack_server import Person

TITLE = "Payroll export leaked"
ROOM = "inc-1-payroll-export-leaked"
NEW_ROOM = "inc-1-payroll-export-leaked-2"


async def _declared(bot: Bot) -> tuple[Person, Person, Person]:
    alice, bob, eve = bot.slack.add_people("alice", "bob", "eve")
    bot.slack.add_channel("incidents", members=[bot.slack.bot, eve])
    await alice.command(f"/incident declare sev1 {TITLE}")
    await bot.settle()
    await eve.joins(bot.slack.channel(ROOM))
    await alice.command("/incident role commander me", channel=bot.slack.channel(ROOM))
    await bot.settle()
    return alice, bob, eve


async def goes_private(person: Person, words: str = "@bob") -> None:
    form = (await person.command(f"/incident INC-1 private {words}")).get_view()
    await person.submit(form)


async def test_it_goes_on_in_a_private_channel_with_the_chosen_people(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve = await _declared(bot)
    form = (await alice.command("/incident INC-1 private @bob customer data")).get_view()
    await bot.settle()
    assert not bot.slack.channel(ROOM).is_archived  # there is no way back, so it is asked first
    assert "There is no way back" in form.rendered
    answer = await alice.submit(form)
    assert "private now" in answer.get_view().rendered
    await bot.settle()
    room = bot.slack.channel(NEW_ROOM)
    assert room.is_private
    assert alice in room
    assert bob in room
    assert eve not in room
    assert any("people in this channel see *INC-1*" in message.text for message in room.messages)
    assert any(TITLE in message.text for message in room.messages)  # the status card


async def test_what_is_public_says_only_that_it_is_handled_privately(any_bot: Bot) -> None:
    bot = any_bot
    alice, _, _ = await _declared(bot)
    form = (await alice.command("/incident INC-1 private customer data")).view
    assert form is not None
    await alice.submit(form)
    await bot.settle()
    old = bot.slack.channel(ROOM)
    assert old.is_archived
    assert [message.user_id for message in old.everything] == [bot.slack.bot.id]
    assert "*INC-1* is handled privately from now on" in old.everything[0].text
    assert TITLE not in old.transcript
    [announcement] = bot.slack.channel("incidents").messages
    assert TITLE not in f"{announcement.text} {announcement.blocks}"
    assert "handled privately" in announcement.text


async def test_those_left_out_do_not_see_it_any_more(bot: Bot) -> None:
    alice, bob, eve = await _declared(bot)
    await goes_private(alice)
    await bot.settle()
    for person in (eve, bot.slack.add_person("mallory")):
        shown = await person.command("/incident INC-1 show")
        missing = await person.command("/incident INC-999 show")
        assert shown.text.replace("INC-1", "INC-X") == missing.text.replace("INC-999", "INC-X")
        assert TITLE not in (await person.command("/incident list all")).text
    assert TITLE in (await bob.command("/incident INC-1 show")).text


async def test_what_is_recorded_later_is_said_in_the_private_channel_alone(bot: Bot) -> None:
    alice, _bob, _ = await _declared(bot)
    old = bot.slack.channel(ROOM)
    await goes_private(alice)
    await alice.command("/incident INC-1 note The export held salaries")
    await bot.settle()
    assert not any("salaries" in message.text for message in old.messages)
    room = bot.slack.channel(NEW_ROOM)
    assert any("salaries" in message.text for message in room.messages)
    await bot.advance(minutes=16)
    assert any("update" in message.text.lower() for message in room.messages)


async def test_a_restart_in_the_middle_and_a_slack_that_fails_lose_nothing(bot: Bot) -> None:
    alice, bob, eve = await _declared(bot)
    bot.slack.fail("conversations.create", status=500, times=1)
    bot.slack.fail("conversations.archive", error="ratelimited", retry_after=5)
    await goes_private(alice)
    await bot.restart()
    await bot.settle()
    await bot.advance(minutes=2)
    room = bot.slack.channel(NEW_ROOM)
    assert bob in room
    assert eve not in room
    assert bot.slack.channel(ROOM).is_archived


async def test_moving_twice_is_told_and_changes_nothing(bot: Bot) -> None:
    alice, bob, _ = await _declared(bot)
    # The declarer stays in it, and reads "you" instead of their name.
    assert (
        "You're always in it."
        in (await alice.command("/incident INC-1 private")).get_view().rendered
    )
    await bob.joins(bot.slack.channel(ROOM))
    await bot.settle()
    theirs = (await bob.command("/incident INC-1 private")).get_view()
    assert "Always in it: you and alice." in theirs.rendered
    await goes_private(alice)
    await bot.settle()
    again = await alice.command("/incident INC-1 private @bob")
    assert "already private" in again.text
    assert "`/incident invite @someone`" in again.text


async def test_only_responders_may_move_it(bot: Bot) -> None:
    await _declared(bot)
    mallory = bot.slack.add_person("mallory")
    refused = await mallory.command("/incident INC-1 private @mallory")
    assert "private now" not in refused.text
    await bot.settle()
    assert not bot.slack.channel(ROOM).is_archived


async def test_who_is_left_out_hears_nothing_more_by_direct_message(bot: Bot) -> None:
    alice, bob, eve = await _declared(bot)
    await alice.command("/incident INC-1 checkin @eve 10m Is the export still public?")
    await bot.settle()
    before = len(bot.slack.dm(eve).messages)
    await goes_private(alice)
    await bot.settle()
    await bot.advance(minutes=11)
    assert len(bot.slack.dm(eve).messages) == before
    assert bob in bot.slack.channel(NEW_ROOM)
