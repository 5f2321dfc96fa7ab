"""Back after an absence: what was missed in incidents' channels is read, and said once."""

from dataclasses import replace
from datetime import timedelta

from tests.scenario.channel.test_opening import NOT_THERE, private_room, sees
from tests.scenario.conftest import Bot, declared, newest, said
from tests.slack_server import Channel, Message, Person
from tests.slack_server.delivery.failures import FOREVER

AWAY = "I was away"


async def record_of(bot: Bot, room: Channel, person: Person) -> list[str]:
    """Return the lines of the exported timeline, by time."""
    await person.command("/incident export md", channel=room)
    await bot.settle()
    return bot.slack.files[-1].text.splitlines()


def lines(record: list[str], words: str) -> list[str]:
    """Return the lines that contain these words."""
    return [line for line in record if words in line]


def rows(record: list[str]) -> list[str]:
    """Return the rows of the timeline, without those about exports."""
    return [line for line in record if line.startswith("| ") and "xported" not in line]


def fill(room: Channel, template: Message, *, count: int) -> None:
    """Let many messages be in the channel that nobody marked."""
    newest_ts = max(message.ts for message in room.history)
    room.history += [
        replace(template, ts=f"{newest_ts[:-6]}{int(newest_ts[-6:]) + number:06d}", reactions={})
        for number in range(1, count + 1)
    ]


async def go_away(bot: Bot, *, minutes: float = 42) -> None:
    """Stop the bot; time goes on."""
    await bot.stop()
    bot.clock.advance(timedelta(minutes=minutes))


async def come_back(bot: Bot) -> None:
    """Start the bot again, and let it try whatever came too early."""
    await bot.start()
    for _ in range(3):
        await bot.advance(seconds=10)


async def use_channel(bot: Bot, alice: Person, room: Channel, early: Message) -> None:
    """Let people do in the channel whatever the record follows."""
    bob, carol = bot.slack.add_people("bob", "carol")
    await bob.joins(room)
    marked = await bob.says("The cache is cold", room)
    await alice.reacts(marked, "pushpin")
    await alice.reacts(early, "pushpin")
    await bob.reacts(await bob.says("Since the deploy", thread=marked), "pushpin")
    await bob.pins(await alice.says("We roll back at ten", room))
    await bob.shares_file("graph.png", b"x", room)
    await bob.shares_file("trace.txt", b"x", thread=marked)
    await carol.joins(room)
    await carol.leaves(room)
    await alice.renames(room, "checkout-room")


async def test_what_was_missed_is_on_the_record_as_if_it_had_been_heard(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    early = await alice.says("Errors since nine", room)
    kept = await alice.says("The first graph", room)
    await alice.reacts(kept, "pushpin")
    taken_back = await alice.says("Not this one", room)
    await alice.reacts(taken_back, "pushpin")
    await bot.settle()

    await bot.stop()
    await use_channel(bot, alice, room, early)
    await alice.edits(kept, "The second graph")
    await alice.unreacts(taken_back, "pushpin")
    # Something that we can't read at all doesn't keep us from the rest.
    odd = replace(kept, text="<https://x.slack.com/files/U1/F9/odd.png>", subtype="x" * 300)
    fill(room, odd, count=1)
    bot.clock.advance(timedelta(minutes=42))
    await come_back(bot)

    (line,) = said(room, AWAY)
    assert "for 42 min" in line.rendered
    assert "please use them again" in line.rendered
    record = await record_of(bot, room, alice)
    for words in (
        "The cache is cold",
        "Errors since nine",
        "Since the deploy",
        "We roll back at ten",
        "graph.png",
        "trace.txt",
        "The second graph",
        "checkout-room",
    ):
        assert len(lines(record, words)) >= 1, (words, record)
    assert len(lines(record, "oined the incident channel")) == 3
    assert len(lines(record, "eft the incident channel")) == 1
    assert lines(record, "| alice | Renamed the incident channel")
    assert lines(record, "Was away for 42 min")
    assert lines(record, "~~Not this one~~ (withdrawn by alice)")

    # The events come after all, and another process starts: nothing is there twice.
    for kind in ("reaction_added", "message", "pin_added", "member_joined_channel"):
        for delivery in bot.slack.deliveries_of(kind):
            await bot.slack.redeliver(delivery)
    await bot.restart()
    await bot.settle()
    bot.clock.advance(timedelta(minutes=2))  # sooner, the same export counts as a repeat
    again = await record_of(bot, room, alice)
    assert lines(again, "xported")[1:]
    assert rows(again) == rows(record)
    assert len(said(room, AWAY)) == 1


async def test_deaf_for_long_it_reads_what_was_missed_once_it_hears_again(bot: Bot) -> None:
    alice, room = await declared(bot)
    sockets = bot.app.sockets
    assert sockets is not None
    bot.slack.refuse_handshakes(FOREVER)
    await bot.slack.cut_sockets()
    await bot.slack.wait_for(lambda: not sockets.connected, timeout=20)
    await bot.advance(minutes=1)
    marked = await alice.says("The cache is cold", room)
    await alice.reacts(marked, "pushpin")
    await alice.command("/incident note Nobody hears this", channel=room)
    await bot.advance(minutes=9)
    assert not said(room, AWAY)

    bot.slack.refuse_handshakes(0)
    await bot.slack.wait_for(lambda: sockets.connected, timeout=20)
    await bot.advance(seconds=1)
    assert "for 10 min" in newest(room, AWAY).rendered
    assert lines(await record_of(bot, room, alice), "The cache is cold")


async def test_interrupted_while_reading_another_process_goes_on_where_it_was(bot: Bot) -> None:
    alice, room = await declared(bot)
    asked = await alice.says("Who looks at the cache?", room)
    template = room.history[-1]
    await go_away(bot)
    reply = await alice.says("I do", thread=asked)
    await alice.reacts(reply, "pushpin")
    fill(room, template, count=450)
    marked = await alice.says("The newest", room)
    await alice.reacts(marked, "pushpin")

    bot.slack.drop("conversations.replies")
    await bot.start()
    await bot.slack.wait_for(lambda: bot.slack.calls_of("conversations.replies"), timeout=20)
    pages = len(bot.slack.calls_of("conversations.history"))
    await bot.stop()
    assert not said(room, AWAY)
    await come_back(bot)

    # Those to come are for the two marked messages.
    assert len(bot.slack.calls_of("conversations.history")) <= pages + 2
    assert len(said(room, AWAY)) == 1
    record = await record_of(bot, room, alice)
    assert len(lines(record, "| I do ")) == 1
    assert len(lines(record, "The newest")) == 1

    # What can't be read is said.
    await go_away(bot)
    await alice.says("Much more follows", room)
    fill(room, template, count=1_100)
    await come_back(bot)
    assert "Some messages from that time can't be read any more" in newest(room, AWAY).rendered
    await go_away(bot)
    bot.slack.fail("conversations.history", error="missing_scope", times=9)
    await come_back(bot)
    assert "Messages from that time can't be read, because" in newest(room, AWAY).rendered


async def test_after_an_absence_a_private_incident_is_as_private_as_before(bot: Bot) -> None:
    alice, ben, room = await private_room(bot)
    eve = bot.slack.add_person("eve")
    await go_away(bot)
    await alice.invites(ben, room)
    await come_back(bot)
    assert len(said(room, AWAY)) == 1
    assert await sees(ben)

    # It was public for a while: who came then wasn't let in by anybody.
    dora = bot.slack.add_person("dora")
    await go_away(bot)
    await alice.converts(room, private=False, tells=False)
    await dora.joins(room)
    await alice.converts(room, private=True, tells=False)
    await come_back(bot)
    assert not await sees(dora)

    await go_away(bot)
    await ben.leaves(room)
    await alice.converts(room, private=False, tells=False)
    await eve.joins(room)
    await eve.reacts(await eve.says("What is this?", room), "pushpin")
    await come_back(bot)
    assert len(said(room, AWAY)) <= 1  # others read it now
    assert not await sees(ben)
    assert NOT_THERE in (await eve.command("/incident INC-1 show")).text
    await alice.command("/incident INC-1 export md", channel=bot.slack.dm(alice))
    await bot.settle()
    assert "What is this?" not in "".join(file.text for file in bot.slack.files)
