"""Shadowing in Slack: brought in, briefed, asked at decisions, debriefed; nobody else hears of it.

Alice is a mentor, Bob learns, and Carol has nothing to do with it.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.policy.escalation import Service
from incidents.policy.references import PersonRef
from incidents.policy.shadowing import ScheduledShadow
from tests.scenario.conftest import ROOM, Bot, declared, said
from tests.slack_server import Message, Person
from tests.slack_server.state import Channel

WOULD_DO = "I would fail over to the replica"
LEARNT = "Ask for the graph before believing the page"


async def shadowed_incident(bot: Bot) -> tuple[Person, Person, Person, Channel]:
    """Let Bob shadow Alice, Carol declare, and Alice take command."""
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    outcome = await bob.command("/incident shadow @alice --until 2w")
    assert "You shadow" in outcome.text
    await bot.settle()
    await declared(bot, by=carol)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    return alice, bob, carol, bot.slack.channel(ROOM)


async def test_a_shadow_goes_the_whole_way_with_a_restart_in_between(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, _carol, room = await shadowed_incident(bot)
    assert len(said(bot.slack.dm(alice), "shadows you until")) == 1
    assert bob in room
    (brief,) = said(bot.slack.dm(bob), "You're shadowing in")
    assert "Asked afterwards" in brief.rendered
    assert "you follow alice" in brief.rendered.casefold()
    assert not [one for one in bob.ephemerals if "Needed now" in one.rendered]  # read in once

    await bot.advance(minutes=20)
    await alice.command("/incident status identified", channel=ROOM)
    await bot.settle()
    (question,) = said(bot.slack.dm(bob), "What would you do now?")
    form = (await bob.click(question, "decision_open")).get_view()
    await bot.restart()
    await bob.submit(form, {"text": WOULD_DO})
    await bot.settle()
    assert len(said(bot.slack.dm(bob), "Your answer")) == 1

    await alice.command("/incident status mitigated", channel=ROOM)
    await bot.settle()
    assert said(bot.slack.dm(bob), "What would you do now?") == []  # at most every 15 minutes

    await alice.command("/incident cancel a false alarm", channel=ROOM)
    await bot.settle()
    (asked,) = said(bot.slack.dm(bob), "What do you take from it?")
    await bot.restart()
    await bot.advance(days=1)
    (reminder,) = said(bot.slack.dm(bob), "isn't written yet")
    await bot.advance(days=2)
    assert len(said(bot.slack.dm(bob), "isn't written yet")) == 1
    form = (await bob.click(reminder, "debrief_open")).get_view()
    await bob.submit(form, {"answer_0": LEARNT})
    await bot.settle()
    (shared,) = said(bot.slack.dm(alice), "Debrief of")
    assert LEARNT in shared.rendered
    assert WOULD_DO in shared.rendered
    assert "shared with alice" in asked.rendered.casefold()


async def test_nobody_but_shadow_and_mentor_ever_gets_an_answer_or_a_debrief(bot: Bot) -> None:
    alice, bob, carol, _ = await shadowed_incident(bot)
    await bot.advance(minutes=20)
    await alice.command("/incident status identified", channel=ROOM)
    await bot.settle()
    (question,) = [one.seen() for one in said(bot.slack.dm(bob), "What would you do now?")]
    form = (await bob.click(question, "decision_open")).get_view()
    await bob.submit(form, {"text": WOULD_DO})
    await alice.command("/incident cancel a false alarm", channel=ROOM)
    await bot.settle()
    (asked,) = [one.seen() for one in said(bot.slack.dm(bob), "What do you take from it?")]
    form = (await bob.click(asked, "debrief_open")).get_view()
    await bob.submit(form, {"answer_0": LEARNT})
    await alice.command("/incident export json", channel=ROOM)
    await alice.command("/incident timeline", channel=ROOM)
    await bot.settle()

    private = {bot.slack.dm(alice).id, bot.slack.dm(bob).id}
    for words in (WOULD_DO, LEARNT, "shadow"):
        for message in bot.slack.messages:
            if words in message.rendered or words in str(message.metadata):
                assert message.channel.id in private, message.rendered
        for file in bot.slack.files:
            assert words not in file.text
    # Stolen ids open nothing.
    for button in ("debrief_open", "decision_open"):
        value = {"debrief_open": asked, "decision_open": question}[button]
        outcome = await press_as(bot, carol, value, button)
        assert WOULD_DO not in outcome
        assert LEARNT not in outcome


async def press_as(bot: Bot, person: Person, message: Message, action: str) -> str:
    """Press a button of somebody else's message, as a forged request would."""
    copy = replace(message, channel=bot.slack.channel("general"))
    outcome = await person.click(copy, action)
    await bot.settle()
    shown = outcome.view.rendered if outcome.view else ""
    return shown + "".join(one.rendered for one in person.ephemerals)


async def test_a_private_incident_never_brings_a_shadow_in(bot: Bot) -> None:
    alice, bob, _ = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await bot.settle()
    await alice.command("/incident declare sev1 Payroll leak --private")
    await bot.settle()
    await alice.command("/incident INC-1 role commander me")
    await bot.settle()
    await alice.command("/incident INC-1 status identified")
    await alice.command("/incident INC-1 cancel wrong")
    await bot.settle()
    assert bob not in bot.slack.channel("inc-1-payroll-leak")
    assert bot.slack.dm(bob).messages == []
    assert "Payroll" not in (await bob.command("/incident shadow list")).text


async def test_an_incident_that_becomes_private_lets_its_shadow_go_without_a_word(
    bot: Bot,
) -> None:
    alice, bob, _, _room = await shadowed_incident(bot)
    before = len(bot.slack.dm(bob).messages)
    form = await alice.command("/incident private", channel=ROOM)
    assert form.view is not None
    await alice.submit(form.view, {})
    await bot.settle()
    await bot.advance(minutes=20)
    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    await alice.command("/incident INC-1 cancel wrong")
    await bot.settle()
    await bot.advance(days=2)
    assert len(bot.slack.dm(bob).messages) == before
    private = next(c for c in bot.slack.channels if c.is_private)
    assert bob not in private
    assert "Checkout" not in (await bob.command("/incident shadow list")).text


async def test_drills_bring_no_shadows_in(bot: Bot) -> None:
    alice, bob, _ = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await alice.command("/incident declare sev2 Practice --drill")
    await bot.settle()
    await alice.command("/incident DRILL-1 role commander me")
    await bot.settle()
    assert bot.slack.dm(bob).messages == []


async def test_what_is_under_way_counts_from_the_moment_somebody_begins_to_shadow(
    bot: Bot,
) -> None:
    alice, bob, _carol = bot.slack.add_people("alice", "bob", "carol")
    await declared(bot, by=alice)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    outcome = await bob.command("/incident shadow commander")
    assert "one incident that is under way" in outcome.text
    await bot.settle()
    assert bob in bot.slack.channel(ROOM)
    assert len(said(bot.slack.dm(bob), "command")) == 1


async def test_the_form_from_the_read_in_suggests_the_commander(bot: Bot) -> None:
    alice, bob, _carol = bot.slack.add_people("alice", "bob", "carol")
    await declared(bot, by=alice)
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=1)
    await bob.joins(ROOM)
    await bot.settle()
    read_in = bob.ephemerals[-1]
    form = (await bob.click(read_in, "shadow_open")).get_view()
    assert alice.id in str(form.payload)
    outcome = await bob.submit(form, {"until": "soon"})
    assert "until" in outcome.errors
    await bob.submit(form, {"until": "10d"})
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "shadows you until")) == 1
    assert len(said(bot.slack.dm(bob), "You're shadowing in")) == 1
    form = (await bob.command("/incident shadow")).get_view()
    outcome = await bob.submit(form, {})
    assert "mentor" in outcome.errors


async def test_shadow_and_mentor_both_can_stop_it(bot: Bot) -> None:
    alice, bob, carol, _room = await shadowed_incident(bot)
    (told,) = said(bot.slack.dm(alice), "shadows you until")
    await alice.click(told, "shadow_stop")
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "no longer shadows you")) == 1
    assert len(said(bot.slack.dm(bob), "has ended your shadowing")) == 1
    await bot.advance(minutes=20)
    await alice.command("/incident status identified", channel=ROOM)
    await bot.settle()
    assert said(bot.slack.dm(bob), "What would you do now?") == []

    await bob.command("/incident shadow @carol")
    await bot.settle()
    listed = await bob.command("/incident shadow list")
    assert "shadow carol" in listed.text.casefold()
    assert "shadow alice" not in listed.text.casefold()
    assert "stopped" in (await bob.command("/incident shadow stop @carol")).text
    await bot.settle()
    assert len(said(bot.slack.dm(carol), "no longer shadows you")) == 1
    assert "already stopped" in (await bob.command("/incident shadow stop")).text


async def test_a_shadow_may_stop_watching_one_incident_and_skip_a_question(bot: Bot) -> None:
    alice, bob, _carol, _room = await shadowed_incident(bot)
    await bot.advance(minutes=20)
    await alice.command("/incident status identified", channel=ROOM)
    await bot.settle()
    (question,) = said(bot.slack.dm(bob), "What would you do now?")
    await bob.click(question, "decision_skip")
    await bot.settle()
    assert len(said(bot.slack.dm(bob), "Left open")) == 1
    (brief,) = said(bot.slack.dm(bob), "You're shadowing in")
    await bob.click(brief, "shadow_watch_stop")
    await bot.settle()
    await alice.command("/incident cancel wrong", channel=ROOM)
    await bot.settle()
    assert said(bot.slack.dm(bob), "What do you take from it?") == []


async def test_the_schedule_of_the_policy_brings_shadows_to_a_service(bot: Bot) -> None:
    alice, bob, _carol = bot.slack.add_people("alice", "bob", "carol")
    today = bot.clock.now().date()
    entry = ScheduledShadow(
        person=PersonRef(email="bob@example.com"),
        service="checkout",
        starts_on=today,
        ends_on=today,
    )
    section = bot.loaded.policy.shadowing
    bot.change_policy(
        services=(Service(key="checkout", name="Checkout", tier=1),),
        shadowing=replace(section, schedule=(entry,)),
    )
    await bot.restart()
    form = (await alice.command("/incident declare")).get_view()
    values = {"title": "Checkout errors", "severity": "sev2", "services": ["checkout"]}
    await alice.submit(form, values)
    await bot.settle()
    assert bob in bot.slack.channel(ROOM)
    (brief,) = said(bot.slack.dm(bob), "You're shadowing in")
    assert "the service Checkout" in brief.rendered


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/incident shadow @bob", "can't be you"),
        (
            "/incident shadow nobody-knows",
            "There's no role or service `nobody-knows`. Use commander",
        ),
        ("/incident shadow @alice --until sometime", "has to be a day"),
        ("/incident shadow @alice --until yesterday", "can't be in the past"),
        ("/incident shadow @alice --until 2020-01-01", "can't be in the past"),
    ],
)
async def test_what_cant_be_shadowed_is_said_with_an_example(
    bot: Bot, line: str, words: str
) -> None:
    _, bob, _ = bot.slack.add_people("alice", "bob", "carol")
    assert words in (await bob.command(line)).text


async def test_a_shadow_who_cant_be_looked_up_holds_up_nobody_who_responds(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    await bob.command("/incident list")
    today = bot.clock.now().date()
    shadow = ScheduledShadow(
        person=PersonRef(email="gone@example.com"),
        role="commander",
        starts_on=today,
        ends_on=today + timedelta(days=30),
    )
    section = replace(bot.loaded.policy.shadowing, schedule=(shadow,))
    bot.change_policy(shadowing=section)
    await bot.restart()
    bot.slack.fail("users.lookupByEmail", status=503, times=50)
    await declared(bot, by=alice)
    assert bot.slack.calls_of("users.lookupByEmail")
    await alice.command("/incident role commander @bob", channel=ROOM)
    await bot.settle()
    assert bob in bot.slack.channel(ROOM)


async def test_a_shadow_gets_a_copy_of_each_call_of_their_mentor_and_nothing_to_answer(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await declared(bot, by=carol)
    await carol.command("/incident escalate @alice The database hangs", channel=ROOM)
    await bot.settle()
    (copy,) = said(bot.slack.dm(bob), "A copy for learning")
    assert "I'm calling alice for INC-1 (SEV2)" in copy.rendered.replace("*", "")
    assert "named you" in copy.rendered
    assert "You aren't called" in copy.rendered
    assert bot.slack.channel(ROOM).id in copy.text
    assert copy.buttons == []
    assert "database hangs" not in copy.rendered
    await bot.restart()
    await bot.advance(minutes=20)
    assert len(said(bot.slack.dm(bob), "A copy for learning")) == 1
    assert said(bot.slack.dm(alice), "copy for learning") == []
    assert said(bot.slack.dm(carol), "copy for learning") == []


async def test_no_copy_for_who_is_called_too_or_may_not_see_the_incident(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await carol.command("/incident declare sev2 Payroll leak --private --no-call")
    await bot.settle()
    await carol.invites(alice, "inc-1-payroll-leak")
    await bot.settle()
    await carol.command("/incident escalate @alice Help", channel="inc-1-payroll-leak")
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "*INC-1* SEV2")) == 1
    assert said(bot.slack.dm(bob), "INC-1") == []

    await carol.command("/incident declare sev3 Search is slow --no-call")
    await bot.settle()
    await carol.command("/incident INC-2 escalate @bob Help")
    await bot.settle()
    await bob.command("/incident INC-2 escalation redirect @alice She knows it")
    await bot.settle()
    assert len(said(bot.slack.dm(alice), "*INC-2* SEV3")) == 1
    assert said(bot.slack.dm(bob), "copy for learning") == []


async def test_a_shadow_gets_copies_in_drills_too(bot: Bot) -> None:
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    await bob.command("/incident shadow @alice")
    await alice.command("/incident declare sev2 Practice --drill")
    await bot.settle()
    await carol.command("/incident DRILL-1 role commander me")
    await carol.command("/incident DRILL-1 escalate @alice Help")
    await bot.settle()
    (copy,) = said(bot.slack.dm(bob), "A copy for learning")
    assert "for drill DRILL-1" in copy.rendered.replace("*", "")
