"""Guidance in Slack: private steps, the time box, company in silence; nobody else sees it."""

from datetime import timedelta

import pytest

from incidents.policy.escalation import Service
from incidents.policy.supervision import Stage
from tests.scenario.conftest import ROOM, Bot, declared, said
from tests.slack_server import Message, Person
from tests.slack_server.state import Channel

RUNBOOK = "https://wiki.example.com/runbooks/checkout"
# Words that only prompts use: nobody but their owner may see them.
TELLING = (
    "first minutes",
    "Only you see this",
    "What do you know?",
    "Blast radius unclear",
    "Runbook failed",
    "to join you",
    "Quiet for this incident",
    "Nothing new for a while",
    "stuck",
    "supervis",
)


async def people(bot: Bot) -> tuple[Person, Person, Person]:
    """Return Jun, who learns; Maya, who supervises Jun; Carol, who has nothing to do with it."""
    jun, maya, carol = bot.slack.add_people("jun", "maya", "carol")
    bot.supervise(jun, mentor=maya, stage=Stage.ASSIST)
    bot.change_policy(
        services=(Service(key="checkout", name="Checkout", tier=1, runbook_url=RUNBOOK),)
    )
    await bot.restart()
    for person in (jun, maya, carol):
        await person.command("/incident list")
    return jun, maya, carol


async def led_by_jun(bot: Bot, severity: str = "sev2") -> tuple[Person, Person, Person, Channel]:
    jun, maya, carol = await people(bot)
    await carol.command(f"/incident declare {severity} Checkout errors")
    await bot.settle()
    await jun.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(seconds=1)
    return jun, maya, carol, bot.slack.channel(ROOM)


async def mentor_is_coming(bot: Bot) -> None:
    """Let the prompt reach its owner, and then the call reach the mentor."""
    await bot.advance(seconds=1)
    await bot.advance(seconds=1)
    await bot.advance(seconds=1)


def leaks(bot: Bot, owner: Person) -> list[str]:
    """Return where anybody but the owner was ever sent words that only prompts use."""
    found = []
    own = bot.slack.dm(owner).id
    for call in bot.slack.calls_of("chat.postMessage", "chat.update", "chat.postEphemeral"):
        place = str(call.args.get("channel"))
        is_own = place in {own, owner.id} or call.args.get("user") == owner.id
        text = str(call.args).casefold()
        found += [
            f"{word} in {place}: {text[:300]}"
            for word in TELLING
            if not is_own and word.casefold() in text
        ]
    for file in bot.slack.files:
        text = file.content.decode().casefold()
        found += [f"{word} in {file.name}" for word in TELLING if word.casefold() in text]
    return found


async def test_the_first_minutes_go_step_by_step_across_a_restart(any_bot: Bot) -> None:
    bot = any_bot
    jun, _, _, room = await led_by_jun(bot)
    await jun.command("/incident update Checkout is slow, we are looking", channel=ROOM)
    await bot.settle()
    mine = bot.slack.dm(jun)
    (first,) = said(mine, "step 1 of 5")
    assert "Size it up" in first.text
    await jun.click(first, "Done")
    await bot.settle()
    assert "*Size it up*: Done." in first.text
    await bot.restart()
    await bot.advance(seconds=1)
    (second,) = said(mine, "step 2 of 5")
    await jun.click(second, "Done")
    await bot.settle()
    await jun.click(second, "Add to the timeline")
    await bot.settle()
    assert len(said(room, "Checked what changed just before it began.")) == 1
    assert "Your note is on the timeline" in second.text

    await bot.advance(seconds=1)
    (third,) = said(mine, "step 3 of 5")
    await jun.click(third, "Done")
    await bot.settle()
    form = (await jun.click(third, "Add in my own words…")).get_view()
    await jun.submit(form, {"text": "Deploy 4711 at 13:50, rolled back at 14:02"})
    await bot.settle()
    (note,) = said(room, "Deploy 4711")
    assert "step" not in note.rendered
    await bot.advance(seconds=1)
    for _ in range(2):
        (step,) = [message for message in mine.messages if said_open(message)]
        await jun.click(step, "Skip")
        await bot.settle()
        await bot.advance(seconds=1)
    assert [message for message in mine.messages if said_open(message)] == []
    assert leaks(bot, jun) == []


def said_open(message: Message) -> bool:
    return "Only you see this" in message.rendered


async def test_a_runbook_of_the_service_is_linked_in_every_step(bot: Bot) -> None:
    jun, _, carol = await people(bot)
    form = (await carol.command("/incident declare")).get_view()
    values = {"title": "Checkout errors", "severity": "sev2", "services": ["checkout"]}
    await carol.submit(form, values)
    await bot.settle()
    await jun.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(seconds=1)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    assert RUNBOOK in str(first.blocks)


async def test_silence_is_asked_about_twice_and_then_the_mentor_is_asked_to_join(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jun, maya, carol, room = await led_by_jun(bot)
    mine = bot.slack.dm(jun)
    await bot.advance(minutes=10)
    assert len(said(mine, "What do you know?")) == 1
    assert said(bot.slack.dm(maya), "INC-1") == []
    await bot.restart()
    await bot.advance(minutes=10)
    await mentor_is_coming(bot)
    (told,) = said(mine, "to join you")
    assert maya.mention in told.text
    (call,) = [m for m in bot.slack.dm(maya).messages if "I'm on it" in m.rendered]
    assert float(told.ts) < float(call.ts)
    (card,) = said(room, "Please take a look")
    assert float(told.ts) < float(card.ts)
    # Everybody else sees an ordinary escalation that doesn't say for whom.
    for message in (card, call):
        assert jun.mention not in message.text
    # The mentor reads it in the conversation of the two.
    posted = bot.slack.calls_of("chat.postMessage")
    assert any("I'm escalating to you for jun in" in str(one.args) for one in posted)
    assert len(said(mine, "What do you know?")) == 1
    assert said(bot.slack.dm(carol), "What do you know?") == []
    for form in ("md", "csv", "json"):
        await jun.command(f"/incident export {form}", channel=ROOM)
        await bot.settle()
    assert leaks(bot, jun) == []

    await maya.click(call, "I'm on it")
    await bot.settle()
    await bot.advance(minutes=30)
    assert len(said(mine, "to join you")) == 1


async def test_progress_in_a_line_becomes_a_note_and_nothing_else(bot: Bot) -> None:
    jun, _, _, room = await led_by_jun(bot)
    await bot.advance(minutes=10)
    (question,) = said(bot.slack.dm(jun), "What do you know?")
    form = (await jun.click(question, "Making progress…")).get_view()
    await jun.submit(form, {"text": "Found the slow query"})
    await bot.settle()
    (note,) = said(room, "Found the slow query")
    assert "progress" not in note.rendered.casefold()
    assert "Good that you're making progress" in question.text
    await bot.advance(minutes=9)
    assert said(bot.slack.dm(jun), "What do you know?") == []
    assert leaks(bot, jun) == []


async def test_stuck_opens_the_packet_also_where_the_question_is_over(bot: Bot) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    await bot.advance(minutes=10)
    (question,) = said(bot.slack.dm(jun), "What do you know?")
    # The message changes slowly and still has its buttons.
    bot.slack.delay("chat.update", 0.5)
    await jun.command("/incident prompts off", channel=ROOM)
    form = (await jun.click(question, "Stuck: escalate")).get_view()
    assert "Escalate INC-1" in str(form.title)
    bot.slack.heal()
    await bot.settle()


async def test_stuck_opens_the_packet_and_is_told_to_nobody(bot: Bot) -> None:
    jun, maya, _, room = await led_by_jun(bot)
    await bot.advance(minutes=10)
    (question,) = said(bot.slack.dm(jun), "What do you know?")
    form = (await jun.click(question, "Stuck: escalate")).get_view()
    await bot.settle()
    assert "It's right to say so early" in question.text
    assert leaks(bot, jun) == []
    await jun.submit(form, {"person": maya, "ask": "Please look at the connection pool with me"})
    await bot.settle()
    assert said(room, "connection pool")
    assert [m for m in bot.slack.dm(maya).messages if "I'm on it" in m.rendered]
    again = (await jun.click(question, "Escalate…")).get_view()
    assert "Escalate INC-1" in str(again.title)
    await bot.advance(minutes=11)
    assert said(bot.slack.dm(jun), "to join you") == []


@pytest.mark.parametrize("button", ["Blast radius unclear", "Data or security in doubt"])
async def test_an_answer_that_calls_for_company_gets_it_and_shows_nothing_of_it(
    bot: Bot, button: str
) -> None:
    jun, maya, _, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    await jun.click(first, button)
    await bot.settle()
    await mentor_is_coming(bot)
    (told,) = said(bot.slack.dm(jun), "to join you")
    assert maya.mention in told.text
    assert [m for m in bot.slack.dm(maya).messages if "I'm on it" in m.rendered]
    assert leaks(bot, jun) == []


async def test_it_ends_the_moment_a_senior_takes_the_role(bot: Bot) -> None:
    jun, maya, _, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    await jun.command("/incident handoff @maya Over to you", channel=ROOM)
    await bot.settle()
    (offer,) = [m for m in bot.slack.dm(maya).messages if "Accept" in m.rendered]
    await maya.click(offer, "Accept")
    await bot.settle()
    await bot.advance(seconds=1)
    assert "no longer asked" in first.text
    await bot.advance(minutes=30)
    assert [m for m in bot.slack.dm(jun).messages if said_open(m)] == []
    assert said(bot.slack.dm(jun), "to join you") == []


async def test_quiet_is_quiet_and_can_be_taken_back(bot: Bot) -> None:
    jun, maya, carol, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    before = len(bot.slack.dm(maya).messages)
    await jun.click(first, "Quiet for this incident")
    await bot.settle()
    assert "no longer asked" in first.text
    assert "Nobody else hears of it" in jun.ephemerals[-1].text
    await bot.advance(minutes=30)
    assert [m for m in bot.slack.dm(jun).messages if said_open(m)] == []
    assert len(bot.slack.dm(maya).messages) == before
    outcome = await carol.command("/incident prompts off", channel=ROOM)
    assert "You have no prompts" in outcome.text

    outcome = await jun.command("/incident prompts on", channel=ROOM)
    assert "Only you see it" in outcome.text
    await bot.settle()
    await bot.advance(seconds=1)
    assert len([m for m in bot.slack.dm(jun).messages if said_open(m)]) == 1
    assert leaks(bot, jun) == []


async def test_after_the_bot_was_away_one_question_comes_and_not_a_heap(bot: Bot) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    await jun.click(first, "Done")
    await bot.settle()
    await bot.advance(seconds=1)  # step 2 is out, so the bot stops with nothing half sent
    before = len(bot.slack.dm(jun).messages)
    await bot.stop()
    bot.clock.advance(timedelta(hours=3))
    await bot.start()
    for _ in range(3):
        await bot.advance(seconds=10)
    assert len(bot.slack.dm(jun).messages) == before + 1
    assert said(bot.slack.dm(jun), "to join you") == []


async def test_teams_without_stages_are_asked_nothing(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev1 Checkout errors")
    await bot.settle()
    await alice.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    before = len(bot.slack.dm(alice).messages)
    await bot.advance(minutes=4)
    await bot.advance(minutes=30)
    assert [m for m in bot.slack.dm(alice).messages[before:] if said_open(m)] == []
    assert leaks(bot, alice) == []


# -- Slack refuses --------------------------------------------------------------------------


async def test_a_prompt_posted_before_the_connection_dropped_is_not_sent_twice(bot: Bot) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    bot.slack.drop("chat.postMessage", after=True)
    await jun.click(first, "Done")
    await bot.settle()
    await bot.advance(seconds=1)
    await bot.advance(seconds=30)
    (second,) = said(bot.slack.dm(jun), "step 2 of 5")
    await jun.click(second, "Done")
    await bot.settle()
    assert "*Check recent changes*: Done." in second.text


async def test_a_prompt_answered_while_its_message_was_uncertain_shows_its_answer(
    bot: Bot,
) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    (first,) = said(bot.slack.dm(jun), "step 1 of 5")
    bot.slack.fail("chat.update", error="ratelimited", status=429, retry_after=20)
    await jun.click(first, "Done")
    await bot.settle()
    await bot.advance(seconds=30)
    assert "*Size it up*: Done." in first.text


async def test_a_refused_direct_message_is_said_nowhere_and_company_still_comes(bot: Bot) -> None:
    jun, maya, _ = await people(bot)
    bot.slack.fail(
        "conversations.open",
        error="cannot_dm_bot",
        times=100,
        match=lambda args: args.get("users") == jun.id,
    )
    await declared(bot, by=maya)
    await jun.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    await bot.advance(seconds=1)
    await bot.advance(minutes=10)
    await bot.advance(minutes=10)
    await mentor_is_coming(bot)
    room = bot.slack.channel(ROOM)
    assert said(room, "Slack refused") == []
    assert said(room, "Please take a look")
    assert leaks(bot, jun) == []
