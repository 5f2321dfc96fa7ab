"""Messages to shadows and mentors say how it ended, and offer nothing that is over."""

from dataclasses import replace
from functools import partial

import pytest

from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ByChannel
from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.learning.test_mentoring import act, led_by_bob
from tests.scenario.learning.test_shadowing import LEARNT, shadowed_incident


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("shadow stop @alice", "You no longer watch *INC-1*"),
        ("INC-1 cancel A false alarm", "is cancelled. You watched it as a shadow."),
        ("INC-1 private customer data", "INC-1 is handled privately now."),
    ],
)
async def test_a_brief_and_a_question_at_a_decision_end_with_the_watching(
    bot: Bot, line: str, says: str
) -> None:
    alice, bob, _carol, room = await shadowed_incident(bot)
    (brief,) = said(bot.slack.dm(bob), "You're shadowing in")
    await bot.advance(minutes=20)
    await alice.command("/incident status identified", channel=ROOM)
    await bot.settle()
    (question,) = said(bot.slack.dm(bob), "What would you do now?")
    assert (brief.buttons, len(question.buttons)) == (["shadow_watch_stop"], 2)
    who = bob if line.startswith("shadow") else alice
    outcome = await who.command(f"/incident {line}", channel=room)
    if outcome.view is not None:  # the form first asks who stays in it
        await who.submit(outcome.get_view())
    await bot.settle()
    assert brief.buttons == question.buttons == []
    assert says in brief.rendered


async def test_reopened_it_is_watched_again(bot: Bot) -> None:
    alice, bob, _carol, room = await shadowed_incident(bot)
    (brief,) = said(bot.slack.dm(bob), "You're shadowing in")
    form = (await alice.command("/incident resolve Rolled back", channel=room)).get_view()
    await alice.submit(form, {"no_impact": ["none"]})
    await bot.settle()
    assert brief.buttons == []
    await alice.command("/incident reopen Errors are back", channel=room)
    await bot.settle()
    assert brief.buttons == ["shadow_watch_stop"]


async def test_a_debrief_that_was_reminded_of_says_so_when_it_is_written(bot: Bot) -> None:
    alice, bob, _carol, _room = await shadowed_incident(bot)
    await alice.command("/incident cancel A false alarm", channel=ROOM)
    await bot.settle()
    await bot.advance(days=1)
    (reminder,) = said(bot.slack.dm(bob), "isn't written yet")
    form = (await bob.click(reminder, "debrief_open")).get_view()
    await bob.submit(form, {"answer_0": LEARNT})
    await bot.settle()
    assert "is written and shared with alice" in reminder.rendered


@pytest.mark.parametrize("how", ["taken_over", "cancelled"])
async def test_what_was_forwarded_offers_to_take_over_while_there_is_something_to_take(
    bot: Bot, how: str
) -> None:
    alice, bob, carol, pair = await led_by_bob(bot)
    draft = EscalationDraft(
        target=PersonTarget(external_id=carol.id), packet=replace(Packet(), ask="Fail over?")
    )
    ref = ByChannel(bot.slack.channel(ROOM).id)
    await act(bot, bob, partial(escalate, ref=ref, draft=draft))
    (opened, forwarded) = pair.messages
    assert opened.buttons == forwarded.buttons == ["mentor_take_over"]
    if how == "taken_over":
        await alice.click(opened, "mentor_take_over")
    else:
        await carol.command("/incident INC-1 cancel A false alarm")
    await bot.settle()
    assert opened.buttons == forwarded.buttons == []
    assert "Fail over?" in forwarded.rendered
