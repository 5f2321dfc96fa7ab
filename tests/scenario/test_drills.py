"""Drills with a scenario in Slack: they unfold by themselves, call nobody, and end with a score."""

from tests.scenario.conftest import Bot
from tests.slack_server.people import Person
from tests.slack_server.state import Channel, Message

ROOM = "drill-1-checkout-errors-for-some-customers"


async def practising(
    bot: Bot, scenario: str = "bad-deploy", *, room: str = ROOM
) -> tuple[Person, Person, Channel]:
    """Let Jo start a drill with Max as mentor, and return both and the channel."""
    jo, max_ = bot.slack.add_person("jo"), bot.slack.add_person("max")
    outcome = await jo.command(f"/incident drill {scenario} @max")
    assert "begins" in outcome.text
    await bot.settle()
    return jo, max_, bot.slack.channel(room)


def said(room: Channel, words: str) -> list[Message]:
    return [message for message in room.messages if words in message.rendered]


def direct(bot: Bot, person: Person) -> str:
    return "\n".join(message.rendered for message in bot.slack.dm(person).messages)


async def resolved(bot: Bot, person: Person, room: str = ROOM) -> None:
    """Resolve the drill by the form that asks for what is missing."""
    form = (await person.command("/incident resolve", channel=room)).get_view()
    await person.submit(form, {"resolution": "Went back one release"})
    await bot.settle()
    await bot.advance(seconds=1)


async def test_a_drill_unfolds_is_solved_and_scored_with_a_restart_in_between(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jo, max_, room = await practising(bot)
    assert room.is_private
    assert jo in room
    assert max_ in room
    assert said(room, "checkout-5xx is firing")
    assert "A good first move" in direct(bot, max_)
    assert "A good first move" not in direct(bot, jo)

    (begins,) = said(room, "it is yours")
    await jo.click(begins, "drill_take_on")
    form = (await jo.click(begins, "drill_check_open")).get_view()
    await jo.submit(form, {"check": "changes"})
    await bot.settle()
    assert said(room, "2.40.3 → 2.41.0")
    await bot.advance(minutes=4)
    assert said(room, "14 tickets")

    await bot.restart()
    form = (await jo.click(begins, "drill_act_open")).get_view()
    await jo.submit(form, {"action": "roll-back"})
    await bot.settle()
    assert said(room, "deploy checkout --to 2.40.3")
    await bot.advance(minutes=2)
    assert said(room, "2.40.3 is live again")
    await jo.command(
        "/incident update Gift cards failed at checkout since 11:58; we went back", channel=ROOM
    )
    await bot.settle()
    await bot.restart()
    await bot.settle()
    await bot.advance(minutes=2)
    assert said(room, "checkout-5xx has cleared")

    await resolved(bot, jo)
    assert said(room, "is over")
    for person in (jo, max_):
        assert len([1 for one in bot.slack.dm(person).messages if "Scorecard" in one.text]) == 1
    card = next(one.text for one in bot.slack.dm(jo).messages if "Scorecard" in one.text)
    assert "fixed and resolved after 8 min" in card
    assert "✓ Resolved only once it was fixed: yes" in card
    assert "✓ First update after 6 min" in card
    assert "What went well" in card
    assert "Scorecard of" not in "\n".join(message.text for message in room.messages)
    # Nothing more comes of it.
    before = len(room.messages)
    await bot.advance(minutes=20)
    assert not [one for one in room.messages[before:] if "Drill ·" in one.text]
