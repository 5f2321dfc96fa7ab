"""Escalations when Slack refuses, with endless or hostile texts, in private and in drills."""

import json
from collections.abc import Callable

import pytest

from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.escalation_crew import ASK, Crew, crew_of
from tests.slack_server.interaction.people import Person
from tests.slack_server.render import Json

UNDELIVERABLE = ("user_not_found", "cannot_dm_bot", "messages_tab_disabled", "restricted_action")
NASTY = "<!channel> @here <@U999> `a " + "x" * 40_000


def direct_to(bot: Bot, *people: Person) -> Callable[[Json], bool]:
    """Match the calls that send direct messages to these people."""
    places = {bot.slack.dm(person).id for person in people}
    return lambda arguments: arguments.get("channel") in places


# -- a direct message that can't be delivered -----------------------------------------------


@pytest.mark.parametrize("error", UNDELIVERABLE)
async def test_whom_no_direct_message_reaches_is_mentioned_in_the_channel_neutrally(
    bot: Bot, error: str
) -> None:
    crew = await crew_of(bot)
    bot.slack.fail("chat.postMessage", error=error, times=9, match=direct_to(bot, crew.bob))
    await crew.escalate()
    (mention,) = said(crew.room, "no direct message reaches you")
    assert crew.bob.mention in mention.text
    assert ASK not in mention.text
    assert crew.bob in crew.room
    assert "mentioned here, as no direct message reaches them" in crew.card.text
    await bot.restart()
    await crew.bob.click(mention, "escalation_take")
    await bot.settle()
    assert f"{crew.bob.mention} is on it" in crew.card.text
    (settled,) = said(crew.room, "bob was called for INC-1 here")
    assert settled.buttons == []


async def test_a_person_that_nothing_reaches_costs_no_wait(bot: Bot) -> None:
    crew = await crew_of(bot)
    bot.slack.fail(
        "chat.postMessage", error="cannot_dm_bot", times=9, match=direct_to(bot, crew.bob)
    )
    bot.slack.fail("conversations.invite", error="cant_invite", times=9)
    await crew.escalate()
    assert crew.bob not in crew.room
    assert "can't be invited to the channel" in crew.card.text
    assert crew.was_called(crew.carol)


async def test_whom_nothing_reaches_doesnt_stop_the_ladder(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    refused = direct_to(any_bot, crew.bob)
    any_bot.slack.fail(
        "chat.postMessage",
        error="cannot_dm_bot",
        times=9,
        match=lambda a: refused(a) or a.get("channel") == crew.room.id,
    )
    await crew.escalate()
    any_bot.slack.heal()
    await any_bot.advance(minutes=5)
    assert crew.was_called(crew.carol)


# -- Slack is slow, busy, or loses the connection -------------------------------------------


@pytest.mark.parametrize("trouble", ["429", "500", "500 after", "dropped after", "dropped twice"])
async def test_a_call_arrives_once_whatever_slack_does(any_bot: Bot, trouble: str) -> None:
    crew = await crew_of(any_bot)
    slack, method = any_bot.slack, "chat.postMessage"
    to_bob = direct_to(any_bot, crew.bob)
    match trouble:
        case "429":
            slack.fail(method, error="ratelimited", retry_after=20, match=to_bob)
        case "500":
            slack.fail(method, status=500, match=to_bob)
        case "500 after":
            slack.fail(method, status=500, after=True, match=to_bob)
        case "dropped after":
            slack.drop(method, after=True, match=to_bob)
        case _:
            slack.drop(method, after=True, times=2, match=to_bob)
    await crew.escalate()
    await any_bot.advance(seconds=40)
    await any_bot.advance(seconds=40)
    calls = [text for text in crew.told(crew.bob) if "*INC-1* SEV" in text]
    assert len(calls) == 1
    await crew.bob.click(crew.call_of(crew.bob), "escalation_take")
    await any_bot.settle()
    assert crew.call_of(crew.bob).buttons == []
    assert f"{crew.bob.mention} is on it" in crew.card.text


async def test_the_card_stays_one_card_while_slack_fails(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    any_bot.slack.fail("chat.update", status=500, times=2)
    any_bot.slack.drop(
        "chat.postMessage", after=True, match=lambda a: a.get("channel") == crew.room.id
    )
    await crew.escalate()
    for _ in range(4):
        await any_bot.advance(seconds=45)
    assert ASK in crew.card.text
    await crew.bob.click(crew.call_of(crew.bob), "escalation_take")
    for _ in range(3):
        await any_bot.advance(seconds=45)
    assert f"{crew.bob.mention} is on it" in crew.card.text


async def test_not_knowing_who_is_away_holds_nobody_up(bot: Bot) -> None:
    crew = await crew_of(bot)
    bot.slack.fail("dnd.info", error="missing_scope", times=9)
    await crew.escalate()
    assert crew.was_called(crew.bob)
    assert "may not notice" not in crew.card.text
    assert not crew.was_called(crew.carol)


async def test_a_call_that_was_answered_meanwhile_is_not_sent(bot: Bot) -> None:
    crew = await crew_of(bot)
    bot.slack.fail(
        "chat.postMessage",
        error="ratelimited",
        retry_after=200,
        match=direct_to(bot, crew.bob),
    )
    await crew.escalate()
    await crew.carol.joins(crew.room)
    await bot.settle()
    await crew.carol.command("/incident escalation take", channel=crew.room)
    await bot.advance(minutes=4)
    assert not crew.was_called(crew.bob)


# -- endless and hostile texts --------------------------------------------------------------


async def test_endless_and_hostile_texts_are_harmless_everywhere(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate(f"@bob {NASTY}")
    form = (await crew.alice.click(crew.card, "escalation_add_open")).get_view()
    long = "<!channel> " + "y" * 2_400
    fields = ("symptoms", "impact", "evidence", "changes", "tried", "hypothesis")
    await crew.alice.submit(form, dict.fromkeys(fields, long))
    await any_bot.settle()
    decline = (await crew.bob.click(crew.call_of(crew.bob), "escalation_decline_open")).get_view()
    await crew.bob.submit(decline, {"reason": "<!everyone> " + "z" * 380})
    await any_bot.settle()
    card, call = crew.card, crew.call_of(crew.carol)
    for message in (card, call):
        shown = message.text + json.dumps(message.blocks)
        assert "<!channel>" not in shown
        assert "<!everyone>" not in shown
        assert "<@U999>" not in shown
        assert len(message.text) <= 4_000
        # A long field pushes out no other.
        for name in ("*Symptoms*", "*Impact*", "*Evidence*", "*Tried*", "*Hypothesis*"):
            assert name in message.text
    assert "*Ask*" in card.text
    assert call.buttons != []
    assert len(await _metadata(crew)) < 3_000


async def _metadata(crew: Crew) -> str:
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    return str(form.payload.get("private_metadata", ""))


# -- private incidents and drills -----------------------------------------------------------


async def test_a_private_incident_calls_whom_people_chose_and_stays_private(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot, "sev2 Checkout errors --private")
    eve = any_bot.slack.add_person("eve")
    any_bot.slack.fail(
        "chat.postMessage",
        error="messages_tab_disabled",
        times=9,
        match=direct_to(any_bot, crew.bob),
    )
    await crew.escalate()
    await crew.alice.click(crew.alice.ephemerals[-1], "open_private_first")
    await any_bot.settle()
    await any_bot.advance(minutes=5)
    await any_bot.advance(minutes=5)
    assert crew.room.is_private
    assert len(said(crew.room, "no direct message reaches you")) == 1
    # Carol and Dave are only on the ladder: nobody chose them for this incident.
    for person in (crew.carol, crew.dave):
        assert not crew.was_called(person)
    for place in any_bot.slack.channels:
        if place.id != crew.room.id:
            assert said(place, "scalation") == []
            assert said(place, ASK) == []
    for words in ("escalate", f"escalate @bob {ASK}", "escalation", "escalation take"):
        private = await eve.command(f"/incident INC-1 {words}")
        missing = await eve.command(f"/incident INC-999 {words}")
        assert private.text.replace("INC-1", "X") == missing.text.replace("INC-999", "X")
        assert private.view is None
    # The people called see it.
    await crew.bob.click(crew.card, "escalation_take")
    await any_bot.settle()
    assert f"{crew.bob.mention} is on it" in crew.card.text


async def test_a_drill_says_so_to_whoever_is_called(bot: Bot) -> None:
    crew = await crew_of(bot, "sev2 Checkout errors --drill")
    (room,) = [place for place in bot.slack.channels if place.name.startswith("drill-1")]
    await crew.bob.joins(room)
    await bot.settle()
    await crew.alice.command(f"/incident escalate @bob {ASK}", channel=room)
    await bot.settle()
    (call,) = said(bot.slack.dm(crew.bob), "needs you")
    assert "This is a drill" in call.text
    await bot.advance(minutes=20)
    # The bot calls nobody outside the drill.
    assert not crew.told(crew.carol) or not any("needs you" in t for t in crew.told(crew.carol))
