"""The on-call handover in Slack: drafted, edited, asked about, accepted; private stays private.

Alice goes off shift, Bob is next, and Carol is neither.
"""

from datetime import timedelta

from incidents.rights.stages import Stage
from tests.scenario.conftest import ROOM, Bot, declared, said
from tests.slack_server import Message, Person, View


async def drafted(bot: Bot, author: Person, successor: Person) -> View:
    outcome = await author.command(f"/incident handover @{successor.name}")
    return outcome.get_view()


async def test_a_note_goes_its_whole_way_with_a_restart_in_between(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, _carol = bot.slack.add_people("alice", "bob", "carol")
    await declared(bot, by=alice)
    await alice.command("/incident role commander me", channel=ROOM)
    await alice.command("/incident snooze 15m", channel=ROOM)
    await alice.command("/incident action me by 2d Alert on the queue", channel=ROOM)
    await bot.settle()
    form = await drafted(bot, alice, bob)
    assert "INC-1 Checkout errors: SEV2, triage, commander alice" in form.rendered
    assert "put off" in form.rendered
    assert "Alert on the queue" in form.rendered
    await alice.submit(form, {"words": "Pages from the old cluster mean nothing"})
    await bot.settle()
    (note,) = bot.slack.dm(bob).messages
    assert "INC-1 Checkout errors" in note.rendered
    assert "old cluster" in note.rendered
    (own,) = said(bot.slack.dm(alice), "is waiting for an answer")

    await bot.restart()
    question = (await bob.click(note, "handover_ask_open")).get_view()
    await bob.submit(question, {"text": "Which cluster?"})
    await bot.settle()
    (asked,) = said(bot.slack.dm(alice), "asks about your on-call handover")
    assert asked.buttons == ["handover_answer_open"]
    answer = (await alice.click(asked, "handover_answer_open")).get_view()
    await alice.submit(answer, {"text": "The one in the basement"})
    await bot.settle()
    assert len(said(bot.slack.dm(bob), "answers about the on-call handover")) == 1
    assert "basement" in note.rendered
    assert asked.buttons == []
    assert "basement" in asked.rendered

    await bot.advance(minutes=15)
    (reminder,) = said(bot.slack.dm(bob), "is waiting for you to accept")
    await bot.restart()
    await bot.advance(minutes=15)
    assert len(said(bot.slack.dm(alice), "hasn't accepted")) == 1
    await bot.advance(hours=5)
    assert len(said(bot.slack.dm(bob), "is waiting for you to accept")) == 1
    assert len(said(bot.slack.dm(alice), "hasn't accepted")) == 1

    seen = reminder.seen()
    await bob.click(reminder, "handover_accept")
    await bot.settle()
    for message in (note, reminder):
        assert "you accepted it" in message.rendered
        assert "handover_accept" not in message.buttons
    assert "is accepted" in own.rendered
    assert len(said(bot.slack.dm(alice), "has the shift now")) == 1
    await bot.advance(minutes=2)
    await bob.click(seen, "handover_accept")
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "has the shift now")) == 1

    private = {bot.slack.dm(alice).id, bot.slack.dm(bob).id}
    for message in bot.slack.messages:
        if "basement" in message.rendered or "old cluster" in message.rendered:
            assert message.channel.id in private


async def test_the_note_holds_only_private_incidents_that_both_may_see(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await alice.command("/incident declare sev1 Payroll leak --private")
    await bot.settle()
    assert "Payroll" not in (await drafted(bot, alice, bob)).rendered
    # The form drafts it for the chosen person.
    first = (await alice.command("/incident handover")).get_view()
    second = (await alice.submit(first, {"next_person": bob})).get_view()
    assert "Payroll" not in second.rendered

    await alice.invites(bob, "inc-1-payroll-leak")
    await bot.settle()
    assert "Payroll" in (await drafted(bot, alice, bob)).rendered
    assert "Payroll" not in (await drafted(bot, alice, carol)).rendered
    # The draft leaves out what the author can't see.
    assert "Payroll" not in (await drafted(bot, carol, bob)).rendered


async def test_who_shadows_whom_is_in_the_note_only_if_both_may_know(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await bot.settle()
    assert "bob shadows alice" in (await drafted(bot, alice, bob)).rendered.casefold()
    assert "shadows" not in (await drafted(bot, alice, carol)).rendered
    assert "shadows" not in (await drafted(bot, carol, alice)).rendered


async def test_a_newer_note_takes_the_place_of_one_that_waits(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await alice.submit(await drafted(bot, alice, bob), {"words": "All quiet"})
    await bot.settle()
    (note,) = [one.seen() for one in bot.slack.dm(bob).messages]
    await alice.submit(await drafted(bot, alice, carol), {"words": "All quiet here"})
    await bot.settle()
    assert "withdrawn" in bot.slack.dm(bob).messages[0].rendered
    assert "All quiet" not in bot.slack.dm(bob).messages[0].rendered
    await bob.click(note, "handover_accept")
    await bot.settle()
    assert said(bot.slack.dm(alice), "has the shift now") == []
    await bot.advance(hours=1)
    assert said(bot.slack.dm(bob), "is waiting for you to accept") == []
    (own,) = said(bot.slack.dm(alice), "is waiting for an answer")
    await alice.click(own, "handover_withdraw")
    await bot.settle()
    assert "withdrawn" in bot.slack.dm(carol).messages[0].rendered


async def test_only_the_next_person_accepts_and_only_the_two_read_it(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await alice.submit(await drafted(bot, alice, bob), {"words": "All quiet"})
    await bot.settle()
    note = bot.slack.dm(bob).messages[0].seen()
    note.channel = bot.slack.channel("general")
    await carol.click(note, "handover_accept")
    await carol.click(note, "handover_ask_open")
    await alice.click(note, "handover_accept")
    await bot.settle()
    assert said(bot.slack.dm(alice), "has the shift now") == []
    assert all("All quiet" not in one.rendered for one in carol.ephemerals)


async def test_an_author_hears_that_the_note_could_not_be_delivered(bot: Bot) -> None:
    alice, bob, _ = bot.slack.add_people("alice", "bob", "carol")
    form = await drafted(bot, alice, bob)
    bot.slack.fail(
        "chat.postMessage",
        error="messages_tab_disabled",
        times=1,
        match=lambda args: args.get("channel") == bob.id,
    )
    await alice.submit(form, {"words": "All quiet"})
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "couldn't deliver")) == 1


async def test_wrong_words_and_an_empty_note_are_refused(bot: Bot) -> None:
    alice, bob, _ = bot.slack.add_people("alice", "bob", "carol")
    assert "isn't a person" in (await alice.command("/incident handover somebody")).text
    assert (
        "The next person on call can't be you"
        in (await alice.command("/incident handover @alice")).text
    )
    outcome = await alice.submit(await drafted(bot, alice, bob), {})
    assert "words" in outcome.errors


async def resolve(bot: Bot, person: Person, room: str) -> None:
    form = (await person.command("/incident resolve Rolled back", channel=room)).get_view()
    ended = bot.clock.now()
    times = {"impact_started_at": ended - timedelta(minutes=5), "impact_ended_at": ended}
    assert (await person.submit(form, {**times, "resolution": "Rolled back"})).errors == {}
    await bot.settle()


async def handed_over(bot: Bot, author: Person, successor: Person) -> Message:
    """Hand the shift over, and return the accepted note as the successor has it."""
    await author.submit(await drafted(bot, author, successor), {"words": "All quiet"})
    await bot.settle()
    note = bot.slack.dm(successor).messages[-1]
    await successor.click(note, "handover_accept")
    await bot.settle()
    return note


async def test_the_note_tells_what_was_resolved_since_the_author_took_over(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await declared(bot, by=alice)
    await resolve(bot, alice, ROOM)
    resolved = "INC-1 Checkout errors: SEV2, resolved"
    assert resolved in (await drafted(bot, alice, bob)).rendered
    await bot.advance(hours=1)
    await handed_over(bot, alice, bob)
    assert resolved not in (await drafted(bot, bob, carol)).rendered
    await alice.command("/incident declare sev1 Payroll leak --private")
    await bot.settle()
    await alice.invites(bob, "inc-2-payroll-leak")
    await bot.settle()
    await resolve(bot, alice, "inc-2-payroll-leak")
    await bot.advance(hours=60)
    assert "INC-2 Payroll leak: SEV1, resolved" in (await drafted(bot, bob, alice)).rendered
    assert "Payroll" not in (await drafted(bot, bob, carol)).rendered
    await bot.advance(hours=24 * 5)
    assert "Payroll" not in (await drafted(bot, bob, alice)).rendered


async def test_only_the_author_and_their_mentors_see_whether_the_note_was_clear(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    bot.supervise(alice, mentor=carol, stage=Stage.ASSIST)
    await bot.restart()
    note = await handed_over(bot, alice, bob)
    (own,) = said(bot.slack.dm(alice), "is accepted")
    assert "Was the note clear?" not in own.rendered
    await bob.click(note, "handover_rate_asked")
    await bot.settle()
    (told,) = said(bot.slack.dm(carol), "I had to ask")
    assert "All quiet" not in told.rendered
    assert "bob said: I had to ask" in own.rendered
    assert "handover_rate_asked" not in note.buttons

    seen = note.seen()
    await bot.restart()
    await bob.click(note, "handover_rate_clear")
    await bob.click(seen, "handover_rate_clear")
    await bot.settle()
    assert "It was clear" in told.rendered
    assert "bob said: It was clear" in own.rendered
    assert "You said: It was clear" in note.rendered
    assert said(bot.slack.dm(carol), "I had to ask") == []
    stolen = note.seen()
    stolen.channel = bot.slack.channel("general")
    await alice.click(stolen, "handover_rate_asked")
    await bot.settle()
    assert "bob said: It was clear" in own.rendered
    readers = {bot.slack.dm(one).id for one in (alice, bob, carol)}
    assert {one.channel.id for one in bot.slack.messages if "the note" in one.rendered} <= readers
