"""Escalations in Slack: sent, called, answered; the bot climbs until somebody is on it."""

import asyncio
from datetime import timedelta

from incidents.policy.references import RoleRef
from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.escalation_crew import ASK, crew_of


async def test_an_escalation_by_command_climbs_the_ladder_until_somebody_is_on_it(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot)
    outcome = await crew.alice.command(f"/incident escalate @bob {ASK}", channel=ROOM)
    assert outcome.text == ""  # the card says it
    await any_bot.settle()
    call = crew.call_of(crew.bob)
    assert ASK in call.text
    assert call.buttons == [
        "escalation_take",
        "escalation_more_open",
        "escalation_redirect_open",
        "escalation_decline_open",
        "escalation_why",
    ]
    assert ASK in crew.card.text
    assert "Nobody is on it yet" in crew.card.text
    assert f"I call {crew.carol.mention}" in crew.card.text
    assert "may not wake anybody" in crew.card.text
    assert crew.bob in crew.room

    await any_bot.advance(minutes=4)
    assert not crew.was_called(crew.carol)
    await any_bot.restart()
    await any_bot.advance(minutes=1)
    assert crew.was_called(crew.carol)
    assert not crew.was_called(crew.dave)

    await crew.carol.click(crew.call_of(crew.carol), "escalation_take")
    await any_bot.settle()
    assert f"{crew.carol.mention} is on it" in crew.card.text
    assert len(said(crew.room, "took escalation 1")) == 1
    assert f"{crew.alice.mention}: stay with them" in crew.card.replies[-1].text
    for person in (crew.bob, crew.carol):
        assert crew.call_of(person).buttons == []
    assert "You are on it" in crew.call_of(crew.carol).text
    assert ASK in crew.call_of(crew.bob).text

    await any_bot.advance(hours=2)
    assert not crew.was_called(crew.dave)
    assert said(crew.room, "obody has answered") == []


async def test_the_card_says_of_a_role_that_it_is_called_only_while_that_reaches_somebody(
    bot: Bot,
) -> None:
    crew = await crew_of(bot)
    bot.change_ladder(RoleRef("commander"))
    await bot.restart()
    await crew.alice.command(f"/incident escalate @bob {ASK}", channel=ROOM)
    await bot.settle()
    assert "nobody is left to call" in crew.card.text
    assert "I call Incident commander" not in crew.card.text
    await crew.carol.command("/incident role commander me", channel=crew.room)
    await bot.settle()
    for message in (crew.card, crew.call_of(crew.bob)):
        assert "I call Incident commander" in message.text
    await crew.carol.command("/incident handoff @alice", channel=crew.room)
    await bot.settle()
    accept = next(m for m in bot.slack.dm(crew.alice).messages if "Accept" in m.rendered)
    await crew.alice.click(accept, "Accept")
    await bot.settle()
    for message in (crew.card, crew.call_of(crew.bob)):
        assert "I call Incident commander" not in message.text


async def test_nobody_on_the_ladder_answering_is_said_loudly_with_what_to_do(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    for _ in range(3):
        await any_bot.advance(minutes=5)
        await any_bot.restart()
    await any_bot.settle()
    assert crew.was_called(crew.dave)
    (alarm,) = said(crew.room, "nobody else is left to call.*\n")
    assert "<!here>" in alarm.text
    assert "Phone somebody" in alarm.text
    assert "bob (no answer), carol (no answer), dave (no answer)" in alarm.text
    assert any("nobody has answered" in text for text in crew.told(crew.alice))
    assert "Nobody has answered yet, and nobody else is left to call" in crew.card.text

    await any_bot.advance(hours=1)
    assert len(said(crew.room, "nobody else is left to call.*\n")) == 1
    # People can still take it, or name somebody else.
    assert "escalate_open" in alarm.buttons
    await crew.dave.click(alarm, "escalation_take")
    await any_bot.settle()
    assert f"{crew.dave.mention} is on it" in crew.card.text


async def test_of_two_who_press_at_once_one_is_on_it_and_the_other_is_told_who(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    await any_bot.advance(minutes=5)
    await asyncio.gather(
        crew.bob.click(crew.call_of(crew.bob), "escalation_take"),
        crew.carol.click(crew.call_of(crew.carol), "escalation_take"),
    )
    await any_bot.settle()
    assert len(said(crew.room, "took escalation 1")) == 1
    answers = [m.text for person in (crew.bob, crew.carol) for m in person.ephemerals]
    assert sum("is already on it" in text for text in answers) == 1


async def test_a_reason_may_begin_on_a_line_of_its_own(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    outcome = await crew.bob.command(
        "/incident escalation decline\nI am on another one", channel=crew.room
    )
    await bot.settle()
    assert "isn't one we know" not in outcome.text
    assert any("I am on another one" in message.rendered for message in crew.room.messages)


async def test_a_take_typed_twice_takes_no_second_escalation(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await crew.escalate("@carol Who owns the orders queue?")
    await crew.bob.command("/incident escalation 1 take", channel=crew.room)
    await bot.settle()
    again = await crew.bob.command("/incident escalation take", channel=crew.room)
    await bot.settle()
    assert "You are on escalation 1 already" in again.text
    assert "`/incident escalation take 2`" in again.text
    assert not said(crew.room, "took escalation 2")
    await crew.bob.command("/incident escalation take 2", channel=crew.room)
    await bot.settle()
    assert said(crew.room, "took escalation 2")


async def test_a_press_that_comes_twice_counts_once(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    call = crew.call_of(crew.bob).seen()
    await crew.bob.click(call, "escalation_take")
    await crew.bob.click(call, "escalation_take")
    await bot.settle()
    assert len(said(crew.room, "took escalation 1")) == 1
    await bot.advance(minutes=10)
    await crew.bob.click(call, "escalation_take")
    await bot.settle()
    assert len(said(crew.room, "took escalation 1")) == 1


async def test_somebody_who_cant_says_why_and_the_next_is_called_at_once(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    form = (await crew.bob.click(crew.call_of(crew.bob), "escalation_decline_open")).get_view()
    await crew.bob.submit(form, {"why": "busy", "reason": "INC-7 <!channel>"})
    await any_bot.settle()
    assert crew.was_called(crew.carol)
    assert "can't (Busy with another incident: INC-7 &lt;!channel&gt;)" in crew.card.text
    assert crew.call_of(crew.bob).buttons == []
    assert ASK in crew.call_of(crew.carol).text
    # Bob declined, but can change his mind on the card.
    await crew.bob.click(crew.card, "escalation_take")
    await any_bot.settle()
    assert f"{crew.bob.mention} is on it" in crew.card.text


async def test_something_else_as_the_reason_needs_words(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    form = (await crew.bob.click(crew.call_of(crew.bob), "escalation_decline_open")).get_view()
    refused = await crew.bob.submit(form, {"why": "other"})
    assert "reason" in refused.errors
    assert not crew.was_called(crew.carol)


async def test_passing_it_on_keeps_the_packet(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    erin = any_bot.slack.add_person("erin")
    await crew.escalate()
    form = (await crew.bob.click(crew.call_of(crew.bob), "escalation_redirect_open")).get_view()
    nobody = await crew.bob.submit(form, {})
    assert "person" in nobody.errors
    both = await crew.bob.submit(form, {"person": erin, "target": "role:commander"})
    assert "not both" in both.errors["person"]
    await crew.bob.submit(form, {"person": erin, "target": None, "reason": "She owns it"})
    await any_bot.settle()
    assert ASK in crew.call_of(erin).text
    assert "passed it on" in crew.card.text
    assert "You passed it on" in crew.call_of(crew.bob).text
    await erin.click(crew.call_of(erin), "escalation_take")
    await any_bot.settle()
    assert f"{erin.mention} is on it" in crew.card.text


async def test_whoever_is_called_can_ask_for_more_and_hears_when_it_is_there(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    form = (await crew.bob.click(crew.call_of(crew.bob), "escalation_more_open")).get_view()
    await crew.bob.submit(form, {"field": "evidence"})
    await any_bot.settle()
    assert "asks for:" in crew.card.text
    (asked,) = said(any_bot.slack.dm(crew.alice), "needs one more thing")
    await any_bot.restart()
    answer = (await crew.alice.click(asked, "escalation_field_open")).get_view()
    await crew.alice.submit(answer, {"evidence": "https://grafana.example.com/d/orders"})
    await any_bot.settle()
    assert "grafana.example.com" in crew.card.text
    assert "asks for:" not in crew.card.text
    assert "grafana.example.com" in crew.call_of(crew.bob).text
    assert len(said(any_bot.slack.dm(crew.bob), "what you asked for is there")) == 1
    # Asking back doesn't take it: the ladder goes on.
    await any_bot.advance(minutes=5)
    assert crew.was_called(crew.carol)


async def test_a_chosen_step_is_called_at_once_and_only_by_those_who_wait(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    form = (await crew.alice.click(crew.card, "escalation_step_open")).get_view()
    await crew.alice.submit(form, {"step": "dave"})
    await any_bot.settle()
    assert crew.was_called(crew.dave)
    assert not crew.was_called(crew.carol)
    # This skips nobody: Carol's turn comes next.
    await any_bot.advance(minutes=5)
    assert crew.was_called(crew.carol)
    assert "escalation_step_open" not in crew.card.buttons


async def test_withdrawn_nobody_is_called_and_those_who_were_are_told(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    old = crew.call_of(crew.bob).seen()
    more = (await crew.bob.click(crew.call_of(crew.bob), "escalation_more_open")).get_view()
    await crew.bob.submit(more, {"field": "evidence"})
    await any_bot.settle()
    assert "Add details" in crew.card.text
    form = (await crew.alice.click(crew.card, "escalation_withdraw_open")).get_view()
    await crew.alice.submit(form, {"reason": "It was the cache"})
    await any_bot.settle()
    assert "Withdrawn" in crew.card.text
    assert crew.card.buttons == []
    assert "Add details" not in crew.card.text
    listed = await crew.alice.command("/incident escalation", channel=ROOM)
    assert "starts a new one" in listed.text
    assert "escalation take" not in listed.text
    assert "It was withdrawn" in crew.call_of(crew.bob).text
    await any_bot.advance(minutes=30)
    assert not crew.was_called(crew.carol)
    await crew.bob.click(old, "escalation_take")
    await any_bot.settle()
    assert "was withdrawn" in crew.bob.ephemerals[-1].text


async def test_what_somebody_is_on_offers_nothing_once_the_incident_is_over(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await crew.bob.click(crew.call_of(crew.bob), "escalation_take")
    await bot.settle()
    assert crew.card.buttons == ["escalation_add_open", "escalation_redirect_open"]
    form = (await crew.alice.command("/incident resolve", channel=ROOM)).get_view()
    await crew.alice.submit(form, {"resolution": "Rolled back", "no_impact": "none"})
    await bot.settle()
    assert f"{crew.bob.mention} was on it" in crew.card.text
    assert crew.card.buttons == []
    assert "Not known yet" not in crew.card.text
    assert "The incident is over" in crew.call_of(crew.bob).text
    # The bot doesn't ask the author for what nobody waits for.
    assert said(bot.slack.dm(crew.alice), "What would help them next") == []
    # Bob is asked about the packet when that is due, and not while the incident ends.
    assert said(bot.slack.dm(crew.bob), "was there enough to start?") == []
    await bot.advance(minutes=20)
    assert len(said(bot.slack.dm(crew.bob), "was there enough to start?")) == 1
    late = await crew.alice.command("/incident escalation add scope 12 %", channel=crew.room)
    assert "This escalation ended with its incident" in late.text
    await crew.alice.command("/incident reopen It is back", channel=crew.room)
    await bot.settle()
    assert crew.card.buttons == ["escalation_add_open", "escalation_redirect_open"]


async def test_resolving_the_incident_ends_the_ladder(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    form = (await crew.alice.command("/incident resolve", channel=ROOM)).get_view()
    await crew.alice.submit(form, {"resolution": "Rolled back", "no_impact": "none"})
    await bot.settle()
    await bot.advance(minutes=30)
    assert not crew.was_called(crew.carol)
    assert "the incident is over" in crew.card.text
    assert "The incident is over" in crew.call_of(crew.bob).text
    assert crew.call_of(crew.bob).buttons == []


async def test_do_not_disturb_and_a_status_call_the_next_step_at_the_same_time(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot)
    now = any_bot.clock.now()
    until = now + timedelta(hours=7)
    crew.bob.user.quiet = (int(now.timestamp()) - 60, int(until.timestamp()))
    crew.carol.user.status = ":palm_tree: Back on Monday <!here>"
    await crew.escalate()
    # The bot skips nobody: it calls each of them, until it reaches somebody who may notice.
    for person in (crew.bob, crew.carol, crew.dave):
        assert crew.was_called(person)
    assert "may not notice: do not disturb until" in crew.card.text
    assert ":palm_tree: Back on Monday &lt;!here&gt;" in crew.card.text
    await crew.bob.click(crew.call_of(crew.bob), "escalation_take")
    await any_bot.settle()
    assert f"{crew.bob.mention} is on it" in crew.card.text


async def test_working_from_home_is_not_being_away(bot: Bot) -> None:
    crew = await crew_of(bot)
    crew.bob.user.status = ":house_with_garden: Working remotely"
    await crew.escalate()
    assert "may not notice" not in crew.card.text
    assert not crew.was_called(crew.carol)


async def test_the_receivers_tap_reaches_the_author_and_nobody_else(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    await crew.bob.click(crew.call_of(crew.bob), "escalation_take")
    await any_bot.settle()
    # Not when they begin to work.
    assert said(any_bot.slack.dm(crew.bob), "was there enough to start?") == []
    await any_bot.restart()
    await any_bot.advance(minutes=15)
    (question,) = said(any_bot.slack.dm(crew.bob), "was there enough to start?")
    await any_bot.restart()
    await crew.bob.click(question, "escalation_rate_usable")
    await crew.bob.click(question, "escalation_rate_unclear")
    await any_bot.settle()
    assert said(any_bot.slack.dm(crew.bob), "thank you")[0].buttons == []
    (told,) = said(any_bot.slack.dm(crew.alice), "mostly enough to start")
    assert "bob" in told.text
    for place in any_bot.slack.channels:
        assert said(place, "enough to start") == []
    for person in (crew.carol, crew.dave):
        assert not any("enough to start" in text for text in crew.told(person))
    exported = await crew.alice.command("/incident timeline", channel=ROOM)
    assert "enough" not in exported.text
