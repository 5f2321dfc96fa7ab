"""Follow-ups are replies under their card: once, found again, and in the channel if need be."""

import pytest

from tests.scenario.conftest import ROOM, Bot, declared, newest, redact, said, told
from tests.scenario.escalation_crew import crew_of
from tests.slack_server import Message
from tests.slack_server.delivery.failures import FOREVER

NOTE = "/incident note The error rate is 31 %"


def status_card(bot: Bot) -> Message:
    (card,) = bot.slack.channel(ROOM).pins
    return card


async def test_a_note_is_a_reply_under_the_status_card_and_its_author_is_answered(bot: Bot) -> None:
    alice, room = await declared(bot)
    answer = await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    assert "Noted" in answer.text
    assert [reply.text for reply in status_card(bot).replies] == [newest(room, "31 %").text]
    assert not [line for line in room.messages if "31 %" in line.rendered]


async def test_a_reply_whose_answer_was_lost_is_looked_for_in_its_thread(any_bot: Bot) -> None:
    bot = any_bot
    alice, _ = await declared(bot)
    bot.slack.drop("chat.postMessage", after=True, match=lambda given: "31 %" in str(given))
    await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=2)
    assert len(status_card(bot).replies) == 1


async def test_a_reply_that_slack_takes_nowhere_is_a_message_in_the_channel(bot: Bot) -> None:
    alice, room = await declared(bot)
    bot.slack.fail("chat.postMessage", error="thread_not_found", match=lambda a: "thread_ts" in a)
    await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    assert [line for line in room.messages if "31 %" in line.rendered]


async def test_a_reply_waits_for_its_card(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail("chat.postMessage", status=503, match=lambda given: "Take command" in str(given))
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    assert not said(bot.slack.channel(ROOM), "31 %")
    await bot.advance(minutes=1)
    assert len(status_card(bot).replies) == 1


async def test_a_reply_doesnt_wait_for_a_card_that_cannot_be_edited_for_now(any_bot: Bot) -> None:
    bot = any_bot
    alice, _ = await declared(bot)
    card = status_card(bot)
    bot.slack.fail("chat.update", status=503, times=FOREVER)
    await alice.command("/incident status identified Bad deploy", channel=ROOM)
    await bot.settle()
    for text in (NOTE, "/incident note Rolling back"):
        await alice.command(text, channel=ROOM)
    await bot.settle()
    assert ["31 %" in card.replies[0].text, "Rolling" in card.replies[1].text] == [True, True]
    assert "identified" not in card.text
    bot.slack.heal()
    await bot.advance(minutes=6)
    assert "identified" in card.text


async def test_what_everybody_must_hear_waits_for_no_card(any_bot: Bot) -> None:
    bot = any_bot
    crew = await crew_of(bot)
    bot.slack.fail(
        "chat.postMessage",
        status=503,
        times=FOREVER,
        match=lambda given: (
            given["channel"] == crew.room.id
            and "Escalation 1" in str(given)
            and "<!here>" not in given["text"]
        ),
    )
    await crew.escalate()
    for _ in range(3):
        await bot.advance(minutes=6)
    (alarm,) = said(crew.room, "nobody has answered yet")
    assert alarm.thread_ts == ""


async def test_a_reply_retried_after_its_card_was_replaced_is_found_in_the_old_thread(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    old = status_card(bot)
    bot.slack.drop("chat.postMessage", after=True, match=lambda given: "31 %" in str(given))
    bot.slack.fail("conversations.replies", error="not_allowed")
    await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    await bot.advance(seconds=10)
    bot.slack.fail("chat.update", error="edit_window_closed", match=lambda a: a["ts"] == old.ts)
    await alice.command("/incident status identified Bad deploy", channel=ROOM)
    await bot.settle()
    assert status_card(bot) is not old
    direct = bot.slack.dm(alice).messages
    (failure,) = [one for one in direct if "effect_retry" in one.buttons]
    await alice.click(failure, "effect_retry")
    await bot.settle()
    assert len([one for one in room.history if "31 %" in one.text and not one.deleted]) == 1

    await redact(bot, "note")
    await bot.settle()
    assert not said(room, "31 %")


async def test_a_redacted_note_leaves_its_thread_also_once_the_effects_are_swept(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await alice.command(NOTE, channel=ROOM)
    await bot.settle()
    await bot.forget_effects()
    await redact(bot, "note")
    await bot.settle()
    assert not said(room, "31 %")


@pytest.mark.parametrize("answer", ["comes", "is lost"])
async def test_a_note_redacted_while_it_is_being_posted_leaves_its_thread(
    any_bot: Bot, answer: str
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    held = bot.slack.hold(
        "chat.postMessage", drop=answer == "is lost", match=lambda given: "31 %" in str(given)
    )
    await alice.command(NOTE, channel=ROOM)
    await bot.slack.wait_for(lambda: held.happened == 1)
    await redact(bot, "note")
    await bot.settle_for(seconds=0.3)
    bot.slack.release()
    await bot.settle()
    await bot.advance(minutes=1)
    assert said(room, "was redacted")
    assert not said(room, "31 %")


async def test_nobody_is_on_it_is_said_in_the_channel_and_not_only_in_the_thread(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await bot.advance(minutes=6)
    await bot.advance(minutes=6)
    await bot.advance(minutes=6)
    (alarm,) = [line for line in crew.room.messages if line.thread_ts == crew.card.ts]
    assert "no answer" in alarm.rendered


async def test_who_is_in_the_channel_is_mentioned_under_the_card_and_others_are_told(
    bot: Bot,
) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await crew.bob.click(crew.call_of(crew.bob), "I'm on it")
    await bot.settle()
    (reply,) = crew.card.replies
    assert "@alice" in reply.rendered
    assert "is on it*" not in told(bot, crew.alice)

    await crew.alice.leaves(crew.room)
    await bot.settle()
    await crew.alice.command("/incident INC-1 escalate @carol Is the cache all right?")
    await bot.settle()
    await crew.carol.click(crew.call_of(crew.carol), "I'm on it")
    await bot.settle()
    assert "is on it*" in told(bot, crew.alice)


async def test_a_command_is_quiet_only_where_its_line_appears(bot: Bot) -> None:
    alice, room = await declared(bot)
    quiet = await alice.command("/incident severity sev1 Payments fail", channel=ROOM)
    elsewhere = await alice.command("/incident INC-1 status identified Bad deploy")
    await bot.settle()
    assert quiet.text == ""
    assert "identified" in elsewhere.text
    again = await alice.command("/incident update We are on it", channel=ROOM)
    repeated = await alice.command("/incident update We are on it", channel=ROOM)
    assert (again.text, "recorded" in repeated.text) == ("", True)
    await alice.archives(room)
    await bot.settle()
    heard = await alice.command("/incident INC-1 severity sev2 It is less", channel="general")
    assert "archived" in heard.text


@pytest.mark.parametrize(
    "words",
    [
        "propose Roll back risk: carts are lost undo: redeploy --class change",
        "escalate @carol Is it up?",
        "status identified Bad deploy",
    ],
)
async def test_whose_quiet_command_finds_the_channel_lost_hears_it(bot: Bot, words: str) -> None:
    alice, room = await declared(bot)
    bob, _ = bot.slack.add_person("bob"), bot.slack.add_person("carol")
    await alice.command("/incident role commander me", channel=ROOM)
    await bob.joins(room)
    await bot.settle()
    room.is_archived = True  # Slack's event about it is lost
    answer = await bob.command(f"/incident {words}", channel=ROOM)
    await bot.settle()
    assert answer.text == ""
    assert "archived" in told(bot, bob)


async def test_the_topic_changes_with_the_severity_alone(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident status identified Bad deploy", channel=ROOM)
    await bot.settle()
    assert room.topic == ""
    await alice.command("/incident severity sev1 Payments fail", channel=ROOM)
    await bot.settle()
    assert room.topic == "INC-1 · SEV1"
    await alice.command("/incident status mitigated Rolled back", channel=ROOM)
    await bot.settle()
    assert len(bot.slack.calls_of("conversations.setTopic")) == 1
