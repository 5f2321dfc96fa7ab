"""Roles and command in Slack: taken, handed off, asked for, and late presses."""

import pytest

from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import Bot, declared, newest, told
from tests.slack_server import Channel, Person, render


async def joined(bot: Bot, *handles: str) -> tuple[Channel, tuple[Person, ...]]:
    """Let the first of these declare and the others join; return the channel and all people."""
    people = bot.slack.add_people(*handles)
    for person in people:
        bot.slack.welcome(person)
    await bot.slack.quiet()
    _, room = await declared(bot, by=people[0])
    for person in people[1:]:
        await person.joins(room)
    await bot.settle()
    return room, people


def name_backup(bot: Bot) -> None:
    """Name backup@example.com as the backup for each severity, from the next start on."""
    ref = PersonRef(email="backup@example.com")
    bot.change_policy(call=(CallRule(backup=ref),))


async def test_a_handoff_from_the_offer_to_the_new_commander(any_bot: Bot) -> None:
    bot = any_bot
    room, (alice, bob) = await joined(bot, "alice", "bob")

    outcome = await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    assert outcome.text == ""
    assert newest(room, "took command").in_channel
    assert "Checklist" in told(bot, alice)
    assert alice.mention in room.pins[0].text + str(room.pins[0].blocks)

    await bot.advance(minutes=1)
    await alice.command("/incident note We rolled back checkout", channel=room)
    outcome = await alice.command("/incident handoff @bob Ask carol for the cache", channel=room)
    await bot.settle()
    assert "I've offered command" in outcome.rendered
    offer = bot.slack.dm(bob).messages[-1]
    assert "We rolled back checkout" in offer.rendered
    assert "Ask carol for the cache" in offer.rendered

    public = newest(room, "wants to hand")
    await bob.click(offer, "Accept")
    await bot.settle()

    assert "passed from" in offer.rendered
    assert "Accept" not in offer.rendered
    assert "Accept" not in public.rendered
    moved = newest(room, "took command from")
    assert alice.mention in moved.text
    assert "bob" in moved.text
    assert "in place of you" in told(bot, alice)
    assert "Checklist" in told(bot, bob)
    assert bob.mention in str(room.pins[0].blocks)


async def test_pressing_on_a_handoff_that_is_over_says_what_happened(bot: Bot) -> None:
    room, (alice, bob, carol) = await joined(bot, "alice", "bob", "carol")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    await alice.command("/incident handoff @bob", channel=room)
    await bot.settle()
    seen = newest(room, "wants to hand").seen()

    await carol.click(seen, "Accept")
    await bot.settle()
    assert "Only bob can answer this handoff" in carol.ephemerals[-1].rendered

    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bob.click(seen, "Accept")
    await bot.settle()
    assert "This handoff was withdrawn" in bob.ephemerals[-1].rendered
    assert alice.mention in str(room.pins[0].blocks)


async def test_a_bystander_moves_no_command_and_calls_nobody(any_bot: Bot) -> None:
    bot = any_bot
    room, (alice, bob, carol) = await joined(bot, "alice", "bob", "carol")
    dan, eve = bot.slack.add_person("dan"), bot.slack.add_person("eve")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    await bob.command("/incident role commander me", channel=room)
    await bot.settle()

    answer = await dan.command("/incident INC-1 handoff @eve")
    await bot.settle()
    assert "bob has already proposed a handoff" in answer.rendered
    for _ in range(10):
        await bot.advance(minutes=2)

    assert alice.mention in str(room.pins[0].blocks)
    assert eve not in room
    assert "command" not in told(bot, eve)
    assert newest(room, "asks").buttons  # bob's request still waits
    assert "hasn't agreed to hand over command" in told(bot, bob)
    await carol.command("/incident list")


async def test_an_offer_without_an_answer_calls_the_backup_and_moves_nothing(
    every_bot: Bot,
) -> None:
    bot = every_bot
    backup = bot.slack.add_person("backup", email="backup@example.com")
    name_backup(bot)
    await bot.restart()
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident handoff @bob", channel=room)
    await bot.settle()
    await bot.advance(minutes=2)

    said = newest(room, "hasn't answered")
    assert f"{alice.mention} still has command. {backup.mention}, you're the backup" in said.text
    assert "bob hasn't answered" in told(bot, alice).replace("@", "")
    assert backup in room
    assert "the backup, has been called" in told(bot, backup)
    assert alice.mention in str(room.pins[0].blocks)

    await bob.click(bot.slack.dm(bob).messages[-1], "Accept")
    await bot.settle()
    assert bob.mention in str(room.pins[0].blocks)
    assert said.buttons == []
    assert "accepted by @bob" in said.rendered


async def test_stepping_down_shows_at_once_that_nobody_leads(bot: Bot) -> None:
    backup = bot.slack.add_person("backup", email="backup@example.com")
    name_backup(bot)
    await bot.restart()
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()

    answer = await alice.command("/incident handoff none", channel=room)
    await bot.settle()

    assert "nobody leads INC-1 now. I've called backup, the backup" in answer.rendered
    assert alice.mention not in str(room.pins[0].blocks)
    assert backup in room
    assert "nobody leads" in told(bot, backup)
    await bob.click(newest(room, "Who takes command?"), "Take command")
    await bot.settle()
    assert bob.mention in str(room.pins[0].blocks)
    assert newest(room, "you're the backup").buttons == []


async def test_somebody_named_for_command_gets_it_once_they_accept(bot: Bot) -> None:
    room, (alice, bob) = await joined(bot, "alice", "bob")
    answer = await alice.command("/incident role commander @bob", channel=room)
    await bot.settle()
    assert "Nobody leads until bob accepts" in answer.rendered
    assert bob.mention not in str(room.pins[0].blocks)
    asked = bot.slack.dm(bob).messages[-1]
    assert "please take command" in asked.rendered
    await bob.click(asked, "Accept")
    await bot.settle()
    assert bob.mention in str(room.pins[0].blocks)
    assert asked.buttons == []


async def test_taking_over_asks_for_the_reason_and_tells_both(bot: Bot) -> None:
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    await bob.command("/incident role commander me", channel=room)
    await bot.settle()
    request = bot.slack.dm(alice).messages[-1]
    assert "asks" in request.rendered

    opened = await bob.click(newest(room, "asks"), "Take over…")
    form = opened.get_view()
    assert form.callback_id == "handoff_take_over"
    outcome = await bob.submit(form, {"reason": "No answer, a decision is due"})
    await bot.settle()

    assert "You're now in command" in render(outcome.get_view())
    assert "a decision is due" in newest(room, "took over command from").rendered
    assert "a decision is due" in told(bot, alice)
    assert "bob ended this handoff" in request.rendered


async def test_a_bystander_takes_over_from_who_sleeps_only_once_they_are_a_responder(
    any_bot: Bot,
) -> None:
    bot = any_bot
    room, (alice, *_) = await joined(bot, "alice")
    dan = bot.slack.add_person("dan")
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    await dan.command("/incident INC-1 roles")
    listed = dan.ephemerals[-1]
    refused = await dan.click(listed, "Take over…")
    await bot.settle()
    assert "Join the incident channel" in dan.ephemerals[-1].rendered
    assert refused.view is None
    assert alice.mention in str(room.pins[0].blocks)

    await dan.joins(room)
    await bot.settle()
    opened = await dan.click(listed, "Take over…")
    await dan.submit(opened.get_view(), {"reason": "Alice sleeps"})
    await bot.settle()
    assert dan.mention in str(room.pins[0].blocks)
    assert "Alice sleeps" in told(bot, alice)


async def test_taking_over_is_one_line_which_a_near_miss_leads_to(bot: Bot) -> None:
    room, (alice, bob, carol) = await joined(bot, "alice", "bob", "carol")
    free = await bob.command("/incident takeover", channel=room)
    assert "Nobody has command now. Your reason goes" in free.get_view().rendered
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=1)
    missed = await bob.command("/incident take over Alice sleeps", channel=room)
    assert "`/incident takeover Alice sleeps`" in missed.rendered
    asked = await bob.command("/incident takeover", channel=room)
    assert asked.get_view().callback_id == "handoff_take_over"

    done = await bob.command("/incident takeover Alice sleeps", channel=room)
    await bot.settle()
    assert "You're now in command" in done.rendered
    assert "Alice sleeps" in told(bot, alice)
    # At the same moment, the second hears who was first.
    late = await carol.command("/incident takeover Alice sleeps", channel=room)
    await bot.settle()
    assert "bob has command now" in late.rendered
    assert bob.mention in str(room.pins[0].blocks)


async def test_nobody_in_command_the_button_takes_it_and_a_second_press_hears_who(
    bot: Bot,
) -> None:
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await bot.advance(minutes=5)
    asked = newest(room, "Nobody has been in command for 5 minutes").seen()

    await bob.click(asked, "Take command")
    await bot.settle()
    await alice.click(asked, "Take command")
    await bot.settle()

    assert "bob has command now" in alice.ephemerals[-1].rendered
    assert bob.mention in str(room.pins[0].blocks)


async def test_the_list_of_roles_takes_assigns_and_gives_up(bot: Bot) -> None:
    room, (alice, bob) = await joined(bot, "alice", "bob")
    await alice.command("/incident roles", channel=room)
    listed = alice.ephemerals[-1]
    assert "Scribe: nobody" in listed.rendered.replace("*", "")

    form = (await alice.click(listed, "Assign somebody…")).get_view()
    await alice.submit(form, {"role": "Scribe", "person": bob})
    await bot.settle()
    assert bob in room
    assert "you're now Scribe" in told(bot, bob).replace("*", "")

    await bob.command("/incident role scribe none", channel=room)
    await bot.settle()
    assert "bob" in newest(room, "gave up the role of Scribe").rendered


async def test_wrong_words_are_answered_privately_and_change_nothing(bot: Bot) -> None:
    room, (alice,) = await joined(bot, "alice")
    bot.slack.welcome(bot.slack.add_person("visitor", guest=True))
    await bot.slack.quiet()
    before = len(room.messages)
    for line, answer in {
        "role wizard me": "There's no role wizard. Use commander",
        "role scribe @nobodyknows": "Type @ and choose a name",
        "role commander bob": "Type @ and choose a name",
        "role scribe @visitor": "guest",
        "role commander @visitor": "guest",
        "handoff @sitrep": "bot",
    }.items():
        outcome = await alice.command(f"/incident {line}", channel=room)
        await bot.settle()
        assert answer in outcome.rendered.replace("`", ""), line
    assert len(room.messages) == before


async def test_the_backup_is_mentioned_invited_and_told(bot: Bot) -> None:
    backup = bot.slack.add_person("backup", email="backup@example.com")
    name_backup(bot)
    await bot.restart()
    room, _ = await joined(bot, "alice")
    await bot.advance(minutes=5)
    await bot.advance(minutes=5)

    assert backup.mention in newest(room, "you're the backup").text
    assert backup in room
    assert "You're the backup" in told(bot, backup)


@pytest.mark.parametrize(
    "command", ["role scribe", "handoff", "checkin", "action", "drill bad-deploy"]
)
async def test_of_two_names_none_is_taken_and_none_is_lost(bot: Bot, command: str) -> None:
    alice, _bob, _carol = bot.slack.add_people("alice", "bob", "carol")
    await declared(bot, by=alice)
    outcome = await alice.command(f"/incident INC-1 {command} @bob @carol")
    assert "Name one; nothing was done yet" in outcome.text
    roles = await alice.command("/incident INC-1 roles")
    assert "bob" not in roles.text
