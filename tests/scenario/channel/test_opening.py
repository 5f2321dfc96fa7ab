"""Before a private incident opens to somebody, who causes that is asked, once, with all names."""

import pytest

from incidents.policy.references import GroupRef, PersonRef
from tests.scenario.conftest import Bot, declared
from tests.slack_server import Channel, Person

OPENS = "opens all of INC-1 to"
NOT_THERE = "There is no incident INC-1"


async def private_room(bot: Bot) -> tuple[Person, Person, Channel]:
    """Let Alice declare and command in private; Ben is outside."""
    alice, ben = bot.slack.add_people("alice", "ben")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    return alice, ben, room


async def sees(person: Person) -> bool:
    """Tell whether the person sees INC-1 from outside its channel."""
    return "Leaked key" in (await person.command("/incident INC-1 show")).text


async def agree(bot: Bot, person: Person, button: str = "open_private") -> None:
    """Press the button of the last question."""
    await person.click(person.ephemerals[-1], button)
    await bot.settle()


@pytest.mark.parametrize(
    "line",
    [
        "role communications lead @ben",
        "handoff @ben see you tomorrow",
        "action @ben by Friday rotate the key",
        "checkin @ben 10m is the key rotated?",
        "escalate @ben please rotate the key",
        "invite @ben we need you",
    ],
)
async def test_what_opens_a_private_incident_asks_once_and_keeps_the_words(
    bot: Bot, line: str
) -> None:
    alice, ben, room = await private_room(bot)

    asked = await alice.command(f"/incident {line}", channel=room)
    await bot.settle()
    assert f"{OPENS} {ben.mention}" in asked.text
    assert "You typed: " in asked.text
    assert line.rsplit(maxsplit=1)[-1].strip("@") in asked.text.partition("You typed")[2]
    assert not await sees(ben)
    assert ben not in room
    assert not bot.slack.dm(ben).messages

    await agree(bot, alice)
    assert await sees(ben)
    assert OPENS not in alice.ephemerals[-1].text
    assert f"let in by {alice.mention}" in (await alice.command("/incident INC-1 who")).text

    again = await alice.command("/incident role scribe @ben", channel=room)
    assert OPENS not in again.text


async def test_nothing_changes_while_nobody_agrees(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    before = (await alice.command("/incident INC-1 timeline")).text
    asked = await alice.command("/incident role scribe @ben", channel=room)
    assert OPENS in asked.text
    await bot.advance(minutes=10)
    assert not await sees(ben)
    assert (await alice.command("/incident INC-1 timeline")).text == before
    assert "nobody" in (await alice.command("/incident INC-1 roles")).text


async def test_a_form_asks_in_itself_and_keeps_what_was_written(every_bot: Bot) -> None:
    bot = every_bot
    alice, ben, room = await private_room(bot)
    form = (await alice.command("/incident checkin", channel=room)).view
    assert form is not None
    asked = await alice.submit(form, {"person": ben, "question": "Is the key rotated?"})
    assert asked.shown is not None
    assert OPENS in asked.shown.rendered
    assert not await sees(ben)

    done = await alice.submit(asked.shown)
    await bot.settle()
    assert done.action == "close"
    assert await sees(ben)
    assert "Is the key rotated?" in room.transcript


async def test_another_name_in_the_form_is_asked_about_again(bot: Bot) -> None:
    alice, ben, room = await private_room(bot)
    dev = bot.slack.add_person("dev")
    form = (await alice.command("/incident checkin", channel=room)).view
    assert form is not None
    asked = await alice.submit(form, {"person": ben, "question": "Is the key rotated?"})
    assert asked.shown is not None
    changed = await alice.submit(asked.shown, {"person": dev})
    assert changed.shown is not None
    assert dev.name in changed.shown.rendered
    assert not await sees(dev)
    await alice.submit(changed.shown)
    await bot.settle()
    assert await sees(dev)
    assert not await sees(ben)


async def test_two_who_ask_for_the_same_person_at_once_are_each_answered(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    carol = bot.slack.add_person("carol")
    await alice.invites(carol, room)
    await bot.settle()
    for person, role in ((alice, "scribe"), (carol, "communications lead")):
        assert OPENS in (await person.command(f"/incident role {role} @ben", channel=room)).text
    await agree(bot, alice)
    await agree(bot, carol)
    assert await sees(ben)
    who = (await alice.command("/incident INC-1 who")).text
    assert who.count(ben.mention) == 1
    assert f"let in by {alice.mention}" in who


async def test_a_public_incident_asks_nothing_until_it_turns_private(bot: Bot) -> None:
    alice, room = await declared(bot)
    _ben, dev = bot.slack.add_people("ben", "dev")
    form = (await alice.command("/incident checkin", channel=room)).view
    assert form is not None
    assert OPENS not in (await alice.command("/incident role scribe @ben", channel=room)).text
    move = (await alice.command("/incident private", channel=room)).view
    assert move is not None
    await alice.submit(move)
    await bot.settle()

    asked = await alice.submit(form, {"person": dev, "question": "Is it well?"})
    assert asked.shown is not None
    assert OPENS in asked.shown.rendered
    assert "There is no incident" in (await dev.command("/incident INC-1 show")).text


async def test_agreeing_after_the_end_or_from_outside_does_nothing(bot: Bot) -> None:
    alice, ben, room = await private_room(bot)
    carol = bot.slack.add_person("carol")
    await alice.invites(carol, room)
    await bot.settle()
    await carol.command("/incident INC-1 role scribe @ben")
    question = carol.ephemerals[-1]
    await carol.leaves(room)
    await bot.settle()
    await carol.click(question, "open_private")
    await bot.settle()
    assert NOT_THERE in carol.ephemerals[-1].text
    assert not await sees(ben)

    await alice.command("/incident INC-1 role scribe @ben")
    late = alice.ephemerals[-1]
    await alice.command("/incident INC-1 cancel false alarm")
    await bot.settle()
    await alice.click(late, "open_private")
    await bot.settle()
    assert "cancelled" in alice.ephemerals[-1].text
    assert not await sees(ben)


async def test_pressing_twice_does_it_once(bot: Bot) -> None:
    alice, ben, room = await private_room(bot)
    await alice.command("/incident action @ben rotate the key", channel=room)
    for question in (alice.ephemerals[-1].seen(), alice.ephemerals[-1].seen()):
        await alice.click(question, "open_private")
        await bot.settle()
    listed = (await alice.command("/incident INC-1 actions")).rendered
    assert listed.count("rotate the key") == 1
    assert await sees(ben)


# -- ladders -----------------------------------------------------------------------------------


async def test_a_ladder_asks_once_for_all_and_later_steps_call_only_those(every_bot: Bot) -> None:
    bot = every_bot
    ben, dev, eve = bot.slack.add_people("ben", "dev", "eve")
    bot.slack.add_group("platform", [dev])
    bot.change_ladder(GroupRef(handle="platform"))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    asked = await alice.command("/incident escalate @ben please rotate the key", channel=room)
    assert f"{OPENS} {ben.mention}" in asked.text
    assert f"platform ({dev.mention})" in asked.text
    await agree(bot, alice)
    assert await sees(ben)
    assert not await sees(dev)

    bot.slack.change_group("platform", [dev, eve])
    await bot.settle()
    await bot.advance(minutes=6)
    assert await sees(dev)
    assert not await sees(eve)
    assert not bot.slack.dm(eve).messages


async def test_a_ladder_may_be_kept_to_the_first(bot: Bot) -> None:
    ben, dev = bot.slack.add_people("ben", "dev")
    bot.change_ladder(PersonRef(user_id=dev.id))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    await alice.command("/incident escalate @ben please rotate the key", channel=room)
    await agree(bot, alice, "open_private_first")
    await bot.advance(minutes=30)
    assert await sees(ben)
    assert not await sees(dev)
    assert "not in this private incident" in room.transcript


async def test_a_group_that_nobody_knows_yet_is_looked_up_and_its_members_are_named(
    bot: Bot,
) -> None:
    alice, ben, room = await private_room(bot)
    bot.slack.add_group("dba", [ben])
    asked = await alice.command("/incident escalate @dba please rotate the key", channel=room)
    assert f"dba ({ben.mention})" in asked.text
    await agree(bot, alice)
    assert await sees(ben)


async def test_without_an_answer_a_group_is_named_alone(bot: Bot) -> None:
    alice, ben, room = await private_room(bot)
    bot.slack.add_group("dba", [ben])
    bot.slack.fail("usergroups.users.list", error="internal_error", times=1)
    asked = await alice.command("/incident escalate @dba please rotate the key", channel=room)
    assert "everybody in" in asked.text
    await agree(bot, alice)
    assert await sees(ben)


async def test_an_escalation_by_form_lets_choose_in_the_form(every_bot: Bot) -> None:
    bot = every_bot
    ben, dev = bot.slack.add_people("ben", "dev")
    bot.change_ladder(PersonRef(user_id=dev.id))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Leaked key --private")
    await bot.settle()
    room = next(place for place in bot.slack.channels if place.is_private)
    form = (await alice.command("/incident escalate", channel=room)).get_view()
    asked = await alice.submit(form, {"person": ben, "ask": "Please rotate the key"})
    assert asked.shown is not None
    assert OPENS in asked.shown.rendered
    await alice.submit(asked.shown, {"opens_private_to": "first"})
    await bot.settle()
    assert "Please rotate the key" in room.transcript
    await bot.advance(minutes=30)
    assert await sees(ben)
    assert not await sees(dev)


async def test_more_words_than_a_button_holds_are_kept_in_the_answer(bot: Bot) -> None:
    alice, _ben, room = await private_room(bot)
    words = "the key is on three hosts " * 90
    asked = await alice.command(f"/incident escalate @ben {words}", channel=room)
    assert "invite @ben" in asked.text
    assert "the key is on three hosts" in asked.text.partition("You typed")[2]
    await alice.command("/incident invite @ben", channel=room)
    await agree(bot, alice)
    sent = await alice.command(f"/incident escalate @ben {words}", channel=room)
    assert OPENS not in sent.text


async def test_a_press_that_opens_it_asks_and_is_carried_out_once_agreed(any_bot: Bot) -> None:
    bot = any_bot
    alice, ben, room = await private_room(bot)
    await alice.command("/incident invite @ben", channel=room)
    await agree(bot, alice)
    carol = bot.slack.add_person("carol")
    requested = await ben.command("/incident handoff @carol please lead", channel=room)
    await bot.settle()
    assert OPENS not in requested.text
    assert not await sees(carol)

    card = next(m for m in reversed(room.messages) if "handoff_accept" in str(m.blocks))
    await alice.click(card, "handoff_accept")
    await bot.settle()
    assert f"{OPENS} {carol.mention}" in alice.ephemerals[-1].text
    assert not await sees(carol)
    await agree(bot, alice)
    assert await sees(carol)
    assert "lead" in bot.slack.dm(carol).transcript
