"""Notes, marks and exports, as people see them in Slack."""

import csv
import io
from dataclasses import replace

import pytest

from incidents.exports.offline import verify_export
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Person


class Room:
    """An incident channel with two people in it."""

    def __init__(self, bot: Bot, channel: Channel, alice: Person, bob: Person) -> None:
        self.bot = bot
        self.slack = bot.slack
        self.channel = channel
        self.alice = alice
        self.bob = bob

    async def command(self, line: str, *, by: Person | None = None) -> str:
        """Give a command in the channel, let its effects settle, and return the answer."""
        outcome = await (by or self.alice).command(f"/incident {line}", channel=self.channel)
        assert outcome.acked
        await self.bot.settle()
        return outcome.rendered

    async def timeline(self) -> str:
        return await self.command("timeline --last 50")

    async def exported(self, fmt: str) -> bytes:
        await self.command(f"export {fmt}")
        return self.slack.files[-1].content


async def opened(bot: Bot, line: str = "declare sev2 Checkout errors") -> Room:
    alice, bob = bot.slack.add_people("alice", "bob")
    await alice.command(f"/incident {line}")
    await bot.settle()
    channel = next(one for one in bot.slack.channels if one.name.startswith(("inc-", "drill-")))
    if not channel.is_private:
        await bob.joins(channel)
    await bot.settle()
    return Room(bot, channel, alice, bob)


@pytest.fixture
async def room(bot: Bot) -> Room:
    return await opened(bot)


async def test_a_time_that_is_yet_to_come_today_is_yesterdays_and_said_to_be(room: Room) -> None:
    assert "yesterday, because that time is still to come" in await room.command(
        "note 23:50 It began"
    )
    assert "yesterday" not in await room.command("note 8:50 It went on")


@pytest.mark.parametrize(
    "typed", ["-10 Rolled back", "25:99 Rolled back", "+10m Rolled back", "yesterday Rolled back"]
)
async def test_a_note_whose_time_is_not_clear_opens_the_form_with_its_words(
    any_bot: Bot, typed: str
) -> None:
    room = await opened(any_bot)
    outcome = await room.alice.command(f"/incident note {typed}", channel=room.channel)
    form = outcome.get_view()
    assert "Not noted yet" in form.rendered
    assert "Rolled back" not in await room.timeline()
    await room.alice.submit(form, {"time": "08:50"})
    await any_bot.settle()
    assert typed in await room.timeline()


async def test_a_note_of_another_day_is_dated_there(room: Room) -> None:
    answer = await room.command("note yesterday 14:05 The first alert")
    # Alice is in Berlin.
    assert "Noted for 2026-03-01 13:05 UTC" in answer
    assert "The first alert" in await room.timeline()


async def test_an_incidents_notes_marks_and_files_end_up_in_an_export_that_proves(
    any_bot: Bot,
) -> None:
    bot = any_bot
    room = await opened(bot)
    answer = await room.command("note -10m Rolled back the *deploy*")
    assert "Noted for 2026-03-02 08:50 UTC" in answer
    said = await room.bob.says("Errors began at 8:50", room.channel)
    reply = await room.bob.says("In the EU only, @alice", room.channel, thread=said)
    await room.alice.reacts(reply, "pushpin::skin-tone-3")
    await room.alice.pins(said)
    await room.bob.shares_file("graph.png", b"\x89PNG", room.channel)
    await bot.settle()

    content = await room.exported("json")
    assert verify_export(content) == ()
    table = await room.exported("csv")
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    what = [(row[4], row[5], row[6]) for row in rows]
    assert ("note", "alice", "Rolled back the *deploy*") in what
    assert ("marked", "bob", "In the EU only, @alice (kept by alice)") in what
    assert ("pinned", "bob", "Errors began at 8:50 (kept by alice)") in what
    assert ("file_linked", "bob", "File: graph.png") in what
    assert ("person_joined", "bob", "Joined the incident channel") in what
    markdown = (await room.exported("")).decode()
    assert "Rolled back the \\*deploy\\*" in markdown
    assert "# INC-1 Checkout errors" in markdown


async def test_a_note_is_confirmed_privately_and_said_compactly_in_the_channel(
    room: Room,
) -> None:
    answer = await room.command("note <!channel> it is *back* `up`")
    assert "INC-1" in answer
    assert "undo" in answer
    said = room.channel.everything[-1]
    assert "it is *back*" in said.text
    assert "<!channel>" not in said.text


async def test_a_note_says_what_was_typed_with_the_names_of_whom_it_mentions(room: Room) -> None:
    await room.command("note @bob: restarted a & b -> no change")
    shown = room.channel.everything[-1].text.replace("\u2060", "")
    assert "@bob: restarted a &amp; b -&gt; no change" in shown


async def test_a_phone_turns_the_minus_into_a_dash_and_is_understood(room: Room) -> None:
    await room.command("note –10m Rolled back")
    assert "Rolled back" in room.channel.everything[-1].text
    assert "10m" not in room.channel.everything[-1].text


async def test_undo_strikes_the_note_out_and_then_has_nothing_left(room: Room) -> None:
    await room.command("note wrong")
    assert "withdrawn" in await room.command("undo")
    assert "~wrong~" in await room.timeline()
    assert "no note or mark left" in await room.command("undo")


async def test_undo_again_asks_before_it_takes_back_an_older_note(any_bot: Bot) -> None:
    room = await opened(any_bot)
    for text in ("first", "second", "third"):
        await room.command(f"note {text}")
    assert "is withdrawn" in await room.command("undo")
    assert "Nothing changed" in await room.command("undo")
    assert "~second~" not in await room.timeline()
    await room.command("undo")
    await room.alice.click(room.alice.ephemerals[-1], "note_undo")
    await any_bot.settle()
    assert "~second~" in await room.timeline()
    assert "is withdrawn" in await room.command("undo again")
    assert "~first~" in await room.timeline()


async def test_a_note_without_a_text_opens_the_form_which_tells_a_wrong_time_in_its_field(
    room: Room,
) -> None:
    outcome = await room.alice.command("/incident note", channel=room.channel)
    wrong = await room.alice.submit(outcome.get_view(), {"note": "Rolled back", "time": "sometime"})
    assert list(wrong.errors) == ["time"]
    right = await room.alice.submit(outcome.get_view(), {"note": "Rolled back", "time": "-5m"})
    assert right.action == "close"
    assert "Rolled back" in await room.timeline()


async def test_a_time_at_the_start_of_a_forms_note_is_read_or_asked_about(any_bot: Bot) -> None:
    room = await opened(any_bot)
    outcome = await room.alice.command("/incident note", channel=room.channel)
    form = outcome.get_view()
    asked = await room.alice.submit(form, {"note": "last night the deploy broke"})
    assert list(asked.errors) == ["time"]
    assert "or now" in asked.errors["time"]
    assert "deploy broke" not in await room.timeline()
    done = await room.alice.submit(form, {"note": "last night the deploy broke", "time": "now"})
    assert done.action == "close"
    await room.alice.submit(
        (await room.alice.command("/incident note", channel=room.channel)).get_view(),
        {"note": "yesterday 14:05 the first alert"},
    )
    await any_bot.settle()
    timeline = await room.timeline()
    assert "last night the deploy broke" in timeline
    assert "2026-03-01 13:05" in timeline
    assert "yesterday 14:05" not in timeline


async def test_a_note_that_ends_with_a_time_says_how_to_date_it(room: Room) -> None:
    answer = await room.command("note Rolled back 10 min ago")
    assert (
        "Did it happen 10 min ago? Withdraw it, then send `/incident note 10 min ago Rolled back`"
        in answer
    )
    assert "Rolled back 10 min ago" in await room.timeline()
    for plain in ("note Rolled back", "note -10m It was at 08:10", "note It runs every day 14:05"):
        assert "Was it" not in await room.command(plain)


async def test_a_note_is_amended_from_the_menu_on_it(room: Room) -> None:
    await room.command("note Roled back")
    note = room.channel.everything[-1]
    outcome = await room.alice.click(note, "timeline_correct", "Amend…")
    await room.alice.submit(outcome.get_view(), {"note": "Rolled back"})
    await room.bot.settle()
    assert "amended the note of" in room.channel.everything[-1].text
    timeline = await room.timeline()
    assert "Rolled back (amended)" in timeline
    assert "Roled" not in timeline


async def test_redacting_takes_the_text_out_of_the_channel_the_timeline_and_the_export(
    room: Room,
) -> None:
    await room.command("role commander me")
    await room.command("note the password is hunter2")
    note = next(one for one in room.channel.everything if "hunter2" in one.text)
    outcome = await room.alice.click(note, "timeline_correct", "Hide…")
    await room.alice.submit(outcome.get_view(), {"reason": "a password"})
    await room.bot.settle()
    assert "hunter2" not in room.channel.transcript
    assert "hunter2" not in await room.timeline()
    content = await room.exported("json")
    assert b"hunter2" not in content
    assert verify_export(content) == ()


async def test_destroying_is_refused_to_those_who_may_not_before_the_form_opens(
    room: Room,
) -> None:
    await room.command("note one")
    hiding = await room.alice.click(room.channel.everything[-1], "timeline_correct", "Hide…")
    await room.alice.submit(hiding.get_view(), {"reason": "a password"})
    await room.bot.settle()
    await room.bob.command("/incident timeline", channel=room.channel)
    page = room.bob.ephemerals[-1]
    lines = [one for one in page.blocks if "[hidden by" in str(one)]
    outcome = await room.bob.click(replace(page, blocks=lines), "timeline_correct", "Destroy…")
    await room.bot.settle()
    assert outcome.view is None
    assert "commander" in room.bob.ephemerals[-1].text


async def test_the_timeline_is_paged_in_place(room: Room) -> None:
    for number in range(5):
        await room.command(f"note number {number}")
    await room.command("timeline --last 2")
    page = room.alice.ephemerals[-1]
    assert "number 4" in page.rendered
    assert "number 2" not in page.rendered
    await room.alice.click(page, "Earlier")
    await room.bot.settle()
    earlier = room.alice.ephemerals[-1]
    assert "number 2" in earlier.rendered
    assert "number 4" not in earlier.rendered


async def test_fifty_long_notes_fit_into_one_answer(room: Room) -> None:
    for number in range(50):
        await room.alice.command(f"/incident note {number} {'x' * 3000}", channel=room.channel)
    await room.bot.settle()
    await room.timeline()
    assert "49 xxx" in room.alice.ephemerals[-1].rendered


async def test_a_number_out_of_range_is_refused_with_an_example(room: Room) -> None:
    assert "from 1 to 50" in await room.command("timeline --last 500")
    assert "pdf" in await room.command("export pdf")
    assert room.slack.files == []


async def test_removing_the_emoji_withdraws_the_mark(room: Room) -> None:
    said = await room.bob.says("Errors began", room.channel)
    await room.alice.reacts(said, "pushpin")
    await room.bot.settle()
    await room.alice.unreacts(said, "pushpin")
    assert "*bob*  ~Errors began (kept by alice)~" in await room.timeline()


async def test_a_kept_message_has_the_bots_sign_until_it_is_withdrawn(any_bot: Bot) -> None:
    room = await opened(any_bot)
    said = await room.bob.says("Errors began", room.channel)
    pinned = await room.bob.says("In the EU only", room.channel)
    await room.alice.reacts(said, "pushpin")
    await room.alice.pins(pinned)
    await any_bot.settle()
    us = room.slack.bot.id
    assert said.reactions == {"pushpin": [room.alice.id], "memo": [us]}
    assert pinned.reactions == {"memo": [us]}
    await room.alice.unreacts(said, "pushpin")
    await room.command("undo")
    assert said.reactions == pinned.reactions == {}
    assert (await room.timeline()).count("kept by alice") == 2
    await room.alice.reacts(said, "pushpin")
    await any_bot.settle()
    assert said.reactions["memo"] == [us]


@pytest.mark.parametrize("error", ["missing_scope", "too_many_reactions", "message_not_found"])
async def test_a_sign_that_slack_refuses_bothers_nobody(room: Room, error: str) -> None:
    room.slack.fail("reactions.add", error=error)
    before = list(room.channel.messages)
    said = await room.bob.says("Errors began", room.channel)
    await room.alice.reacts(said, "pushpin")
    await room.bot.settle()
    assert [one for one in room.channel.messages if one not in before] == [said]
    assert len(room.slack.calls_of("reactions.add")) == 1
    assert "Errors began (kept by alice)" in await room.timeline()


async def test_another_emoji_another_channel_and_our_own_message_are_no_marks(
    room: Room,
) -> None:
    said = await room.bob.says("Errors began", room.channel)
    await room.alice.reacts(said, "eyes")
    elsewhere = await room.bob.says("Lunch?", "general")
    await room.alice.reacts(elsewhere, "pushpin")
    await room.command("note Rolled back")
    await room.alice.reacts(room.channel.everything[-1], "pushpin")
    await room.alice.pins(room.channel.everything[-1])
    await room.bot.settle()
    timeline = await room.timeline()
    assert "Errors began" not in timeline
    assert "Lunch" not in timeline
    assert timeline.count("Rolled back") == 1


async def test_an_edited_mark_is_amended_and_a_deleted_one_stays(room: Room) -> None:
    said = await room.bob.says("Errors began at 8:50", room.channel)
    await room.alice.reacts(said, "pushpin")
    await room.bot.settle()
    await room.bob.edits(said, "Errors began at 8:40")
    assert "8:40 (kept by alice) (amended)" in await room.timeline()
    await room.bob.deletes(said)
    assert "8:40 (kept by alice). [the message was deleted later]" in await room.timeline()


async def test_a_message_deleted_before_it_could_be_fetched_is_left_out(room: Room) -> None:
    room.slack.fail("conversations.history", error="internal_error", status=500)
    said = await room.bob.says("Never mind", room.channel)
    await room.alice.reacts(said, "pushpin")
    await room.bob.deletes(said)
    await room.bot.advance(minutes=5)
    assert "Never mind" not in await room.timeline()


async def test_a_message_is_added_from_its_menu_also_in_a_thread_and_only_once(
    room: Room,
) -> None:
    said = await room.bob.says("Errors began", room.channel)
    reply = await room.bob.says("In the EU only", room.channel, thread=said)
    await room.alice.message_shortcut("add_to_timeline", reply)
    await room.bot.settle()
    await room.bob.message_shortcut("add_to_timeline", reply)
    await room.bot.settle()
    assert "Added to the timeline" in room.alice.ephemerals[-1].text
    assert "already on the timeline" in room.bob.ephemerals[-1].text
    assert (await room.timeline()).count("In the EU only") == 1


async def test_a_message_from_elsewhere_is_not_added_and_it_says_how(room: Room) -> None:
    said = await room.bob.says("Errors began", "general")
    await room.alice.message_shortcut("add_to_timeline", said)
    await room.bot.settle()
    assert "doesn't belong to an incident" in room.alice.ephemerals[-1].text
    told = await room.alice.command("/incident note Errors began", channel="general")
    assert "`/incident INC-12 note Errors began`" in told.text


async def test_a_guests_emoji_does_not_count(room: Room) -> None:
    guest = room.slack.add_person("guest", guest=True)  # unknown to the bot
    await room.alice.invites(guest, room.channel)
    said = await room.bob.says("Errors began", room.channel)
    await guest.reacts(said, "pushpin")
    await room.bot.settle()
    assert "Errors began" not in await room.timeline()


async def test_a_private_timeline_leaves_only_for_its_own_channel_and_says_that_it_is_private(
    bot: Bot,
) -> None:
    room = await opened(bot, "declare sev2 Data leak --private")
    refused = await room.bob.command("/incident INC-1 export", channel="general")
    assert "no incident INC-1" in refused.text
    await room.alice.command("/incident INC-1 export", channel="general")
    await bot.settle()
    (file,) = room.slack.files
    assert file.channels == [room.channel.id]
    assert "private" in file.name
    assert b"**PRIVATE**" in file.content


async def test_an_export_whose_answer_was_lost_is_not_uploaded_twice(room: Room) -> None:
    room.slack.drop("files.completeUploadExternal", after=True)
    await room.command("export md")
    await room.bot.advance(minutes=2)
    shared = [one for one in room.channel.messages if one.files]
    assert len(shared) == 1
