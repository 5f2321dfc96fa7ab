"""What an escalation's calls, alarms and questions say and offer once it is over."""

import pytest

from tests.scenario.conftest import Bot, said
from tests.scenario.escalation_crew import Crew, crew_of


async def exhausted(crew: Crew) -> None:
    for _ in range(3):
        await crew.bot.advance(minutes=5)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("escalation take", "@dave is on it."),
        ("escalation withdraw It was the cache", "It was withdrawn."),
        ("cancel A false alarm", "INC-1 is cancelled."),
    ],
)
async def test_the_alarm_that_nobody_is_on_it_ends(bot: Bot, line: str, says: str) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await exhausted(crew)
    alarms = (
        said(crew.room, "nobody else is left to call.*\n")[0],
        said(bot.slack.dm(crew.alice), "nobody has answered")[0],
    )
    assert alarms[0].buttons == ["escalation_take", "escalate_open", "escalation_phones"]
    who = crew.dave if line == "escalation take" else crew.alice
    await who.command(f"/incident {line}", channel=crew.room)
    await bot.settle()
    for alarm in alarms:
        assert alarm.buttons == []
        assert says in alarm.rendered


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("escalation take", "@bob was on it"),
        ("escalation withdraw It was the cache", "Withdrawn"),
        ("cancel A false alarm", "the incident is over"),
    ],
)
async def test_card_and_calls_have_no_buttons_once_it_is_over(
    bot: Bot, line: str, says: str
) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await exhausted(crew)
    who = crew.bob if line == "escalation take" else crew.alice
    await who.command(f"/incident {line}", channel=crew.room)
    await crew.alice.command("/incident cancel A false alarm", channel=crew.room)
    await bot.settle()
    calls = [crew.call_of(person) for person in (crew.bob, crew.carol, crew.dave)]
    assert [message.buttons for message in (crew.card, *calls)] == [[], [], [], []]
    assert says in crew.card.rendered


@pytest.mark.parametrize(
    ("answered", "says"), [(True, "Answered."), (False, "INC-1 is cancelled.")]
)
async def test_a_question_to_the_author_ends_with_its_answer_or_the_incident(
    bot: Bot, *, answered: bool, says: str
) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    form = (await crew.bob.click(crew.call_of(crew.bob), "escalation_more_open")).get_view()
    await crew.bob.submit(form, {"field": "evidence"})
    await bot.settle()
    (asked,) = said(bot.slack.dm(crew.alice), "needs one more thing")
    assert asked.buttons == ["escalation_field_open"]
    if answered:
        answer = (await crew.alice.click(asked, "escalation_field_open")).get_view()
        await crew.alice.submit(answer, {"evidence": "https://grafana.example.com/d/orders"})
    else:
        await crew.alice.command("/incident cancel A false alarm", channel=crew.room)
    await bot.settle()
    assert asked.buttons == []
    assert says in asked.rendered


async def test_a_question_that_another_replaced_was_not_answered(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    for field in ("evidence", "changes"):
        opened = await crew.bob.click(crew.call_of(crew.bob), "escalation_more_open")
        await crew.bob.submit(opened.get_view(), {"field": field})
        await bot.settle()
    first, second = said(bot.slack.dm(crew.alice), "needs one more thing")
    assert "Another question replaced this one." in first.rendered
    opened = await crew.alice.click(second, "escalation_field_open")
    await crew.alice.submit(opened.get_view(), {"changes": "deploy 42 went out"})
    await bot.settle()
    assert "Answered." in second.rendered
    assert "Answered." not in first.rendered
    assert first.buttons == second.buttons == []
