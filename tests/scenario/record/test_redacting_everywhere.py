"""A redacted text leaves every message and file of ours in Slack, and the answer says what stays."""

from dataclasses import replace
from datetime import timedelta

from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Person

SECRET = "the key is hunter2-hunter2-hunter2"


async def declared(bot: Bot, alice: Person, words: str = "Checkout errors") -> Channel:
    """Declare and lead an incident; return its channel."""
    await alice.command(f"/incident declare sev2 {words}")
    await bot.settle()
    room = next(one for one in bot.slack.channels if one.name.startswith("inc-1-"))
    await alice.command("/incident role commander @alice", channel=room)
    await bot.settle()
    return room


async def redact(bot: Bot, alice: Person, room: Channel, text: str) -> str:
    """Have somebody else hide the newest line that holds the text; return the answer.

    Alice can't: nobody hides what is about themselves.
    """
    del alice
    hugo = bot.slack.add_person("hugo")
    await hugo.joins(room)
    await bot.settle()
    await hugo.command("/incident timeline --last 50", channel=room)
    page = hugo.ephemerals[-1]
    lines = [one for one in page.blocks if text in str(one) and "accessory" in one]
    outcome = await hugo.click(replace(page, blocks=lines[-1:]), "timeline_correct", "Hide…")
    done = await hugo.submit(outcome.get_view(), {"reason": "a secret"})
    assert done.errors == {}
    await bot.settle()
    return done.get_view().rendered


def holding(bot: Bot, people: tuple[Person, ...], text: str) -> list[str]:
    """Return where in Slack our own messages, files and topics still show the text."""
    found = [
        f"{channel.name}: {message.rendered}"
        for channel in (*bot.slack.channels, *(bot.slack.dm(one) for one in people))
        for message in channel.messages
        if text in message.rendered or text in message.text
    ]
    found += [file.name for file in bot.slack.files if text.encode() in file.content]
    found += [f"topic of {one.name}" for one in bot.slack.channels if text in one.topic]
    return found


async def test_a_title_leaves_card_announcement_topic_and_messages(any_bot: Bot) -> None:
    bot = any_bot
    alice = bot.slack.add_person("alice")
    ben = bot.slack.add_person("ben")
    room = await declared(bot, alice, SECRET)
    await alice.command("/incident action @ben Look into it", channel=room)
    await alice.command("/incident checkin @ben 10m Is it up?", channel=room)
    await alice.command("/incident escalate @ben I need a database expert here", channel=room)
    await bot.settle()
    assert holding(bot, (alice, ben), SECRET) != []
    answer = await redact(bot, alice, room, SECRET)
    assert holding(bot, (alice, ben), SECRET) == []
    for remains in ("people", "channel's name", "notifications", "backups", "People's names"):
        assert remains in answer


async def test_uploaded_exports_and_postmortems_are_deleted(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    room = await declared(bot, alice)
    bot.clock.advance(timedelta(minutes=40))
    asked = await alice.command(f"/incident resolve {SECRET}", channel=room)
    now = bot.clock.now()
    times = {"impact_started_at": now - timedelta(minutes=30), "impact_ended_at": now}
    await alice.submit(asked.get_view(), times)
    await bot.settle()
    for form in ("md", "csv", "json"):
        await alice.command(f"/incident export {form}", channel=room)
    await bot.settle()
    await alice.shares_file("graph.png", b"x", room)
    assert len(bot.slack.files) == 5
    await redact(bot, alice, room, SECRET)
    assert [file.name for file in bot.slack.files] == ["graph.png"]
    assert holding(bot, (alice,), SECRET) == []
    # What is published afterwards holds it no more.
    opened = await alice.command("/incident postmortem write", channel=room)
    await alice.submit(opened.get_view(), {"contributing_factors": "A full disk"})
    await alice.command("/incident postmortem publish", channel=room)
    await bot.settle()
    assert bot.slack.files[-1].name == "inc-1-postmortem-v1-final.md"
    assert holding(bot, (alice,), SECRET) == []


async def test_a_note_leaves_the_escalation_that_quotes_it_and_its_calls(bot: Bot) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    room = await declared(bot, alice)
    await alice.command(f"/incident escalate @ben {SECRET}", channel=room)
    await bot.settle()
    assert any("ben" in one or SECRET in one for one in holding(bot, (ben,), SECRET))
    await redact(bot, alice, room, SECRET)
    assert holding(bot, (alice, ben), SECRET) == []


async def test_the_words_of_a_handoff_leave_the_message_to_the_person_asked(bot: Bot) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    room = await declared(bot, alice)
    await alice.command(f"/incident handoff @ben {SECRET}", channel=room)
    await bot.settle()
    assert holding(bot, (ben,), SECRET) != []
    await redact(bot, alice, room, SECRET)
    assert holding(bot, (alice, ben), SECRET) == []


async def test_an_action_item_leaves_the_direct_message_also_once_the_effects_are_swept(
    bot: Bot,
) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    room = await declared(bot, alice)
    await alice.command(f"/incident action @ben {SECRET}", channel=room)
    await bot.settle()
    assert len(holding(bot, (ben,), SECRET)) == 2
    await bot.forget_effects()
    await redact(bot, alice, room, SECRET)
    assert holding(bot, (alice, ben), SECRET) == []


async def test_a_checkins_question_leaves_both_peoples_messages(bot: Bot) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    room = await declared(bot, alice)
    await alice.command(f"/incident checkin @ben 10m {SECRET}", channel=room)
    await bot.settle()
    assert holding(bot, (ben,), SECRET) != []
    await redact(bot, alice, room, SECRET)
    assert holding(bot, (alice, ben), SECRET) == []


async def test_what_an_archived_channel_keeps_is_reported_and_retried_later(bot: Bot) -> None:
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    room = await declared(bot, alice)
    await alice.command(f"/incident action @ben {SECRET}", channel=room)
    await bot.settle()
    hugo = bot.slack.add_person("hugo")
    await hugo.joins(room)
    await bot.settle()
    await alice.archives(room)
    await bot.settle()
    await hugo.command("/incident INC-1 timeline --last 50", channel="general")
    page = hugo.ephemerals[-1]
    lines = [one for one in page.blocks if SECRET in str(one) and "accessory" in one]
    outcome = await hugo.click(replace(page, blocks=lines[-1:]), "timeline_correct", "Hide…")
    await hugo.submit(outcome.get_view(), {"reason": "a secret"})
    await bot.settle()
    # The direct message is erased; the one in the channel can't be, and somebody hears of it.
    assert [one.partition(":")[0] for one in holding(bot, (ben,), SECRET)] == [room.name]
    told = bot.slack.dm(alice).messages[-1]
    assert "erase a redacted message" in told.rendered
    await alice.unarchives(room)
    await bot.settle()
    await alice.click(told, "Retry")
    await bot.settle()
    assert holding(bot, (alice, ben), SECRET) == []
