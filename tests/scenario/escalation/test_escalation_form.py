"""The escalation form, the questions after it, the shortcut on a message, and the commands."""

from datetime import timedelta

import pytest

from bot.features.browse.people import refresh_directory
from incidents.policy.escalation import Service
from incidents.policy.references import GroupRef, PersonRef
from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.escalation_crew import ASK, crew_of
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import View


def initial(form: View, field: str) -> str:
    """Return a field's initial value."""
    block = next(block for block in form.blocks if block.get("block_id") == field)
    return str(block["element"].get("initial_value", ""))


def labels(form: View) -> list[str]:
    return [block["label"]["text"] for block in form.blocks if block["type"] == "input"]


# -- the form -------------------------------------------------------------------------------


async def test_the_form_begins_with_what_the_record_says(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    for note in (
        "tried: restarted one worker -> no change",
        "hypothesis (high): the pool is exhausted",
        "changes: none since 13:00",
    ):
        await crew.alice.command(f"/incident note {note}", channel=ROOM)
    graph = await crew.alice.says("Errors: https://grafana.example.com/d/checkout", ROOM)
    await crew.alice.reacts(graph, "pushpin")
    await any_bot.settle()
    form = (await crew.alice.click(crew.room.pins[0], "escalate_open")).get_view()
    assert labels(form)[2:] == [
        "What do you need from them?",
        "Urgent?",
        "Evidence from the record",
    ]
    assert "what changed just before" in form.rendered
    assert "grafana.example.com" in form.rendered
    await crew.alice.click(form, "escalation_details")
    assert "restarted one worker" in initial(form, "tried")
    assert initial(form, "hypothesis") == "the pool is exhausted"
    sent = await crew.alice.submit(form, {"person": crew.bob, "ask": ASK, "scope": "12 % in EU"})
    assert "Calling bob" in sent.rendered or "Calling bob" in sent.get_view().rendered
    await any_bot.settle()
    for text in (crew.card.text, crew.call_of(crew.bob).text):
        assert "checked, none since" in text or "none since 13:00" in text
        assert "(confidence: high)" in text
        assert "12 % in EU" in text
        assert "grafana.example.com" in text
    # The form asked everything, so no questions follow.
    assert said(any_bot.slack.dm(crew.alice), "What would help them next") == []


async def test_another_kind_asks_other_questions_and_keeps_what_was_filled_in(
    any_bot: Bot,
) -> None:
    crew = await crew_of(any_bot)
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    await crew.alice.fills(form, {"ask": ASK, "person": crew.bob})
    await crew.alice.click(form, "escalation_details")
    assert "Which database, and which instance or replica?" not in labels(form)
    await crew.alice.click(form, "escalation_template", "database")
    await any_bot.settle()
    assert "Which database, and which instance or replica?" in labels(form)
    assert initial(form, "ask") == ASK
    await crew.alice.submit(form, {"question_which_database": "orders, replica 2"})
    await any_bot.settle()
    assert ASK in crew.call_of(crew.bob).text
    assert "orders, replica 2" in crew.call_of(crew.bob).text
    assert "(Database)" in crew.card.text


async def test_what_cannot_be_taken_is_said_in_its_field(bot: Bot) -> None:
    crew = await crew_of(bot)
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    await crew.alice.click(form, "escalation_details")
    past = bot.clock.now() - timedelta(hours=1)
    assert "answer_by" in (await crew.alice.submit(form, {"answer_by": past})).errors
    both = {"answer_by": None, "person": crew.bob, "target": "role:commander"}
    assert "person" in (await crew.alice.submit(form, both)).errors
    yourself = {"person": crew.alice, "target": None}
    assert "person" in (await crew.alice.submit(form, yourself)).errors
    assert said(crew.room, "*Escalation") == []
    await crew.alice.submit(form, {"person": crew.bob})
    await bot.settle()
    assert crew.was_called(crew.bob)


async def test_without_anybody_named_it_goes_to_whom_the_ladder_has(bot: Bot) -> None:
    crew = await crew_of(bot)
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    await crew.alice.submit(form, {"ask": ASK})
    await bot.settle()
    assert crew.was_called(crew.carol)


async def test_marked_messages_are_offered_as_evidence(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    for number in range(12):
        message = await crew.alice.says(f"Worker {number} restarts", ROOM)
        await crew.alice.reacts(message, "pushpin")
        await any_bot.settle()
    form = (await crew.alice.command("/incident escalate @bob", channel=ROOM)).get_view()
    assert "Worker 11 restarts" in form.rendered
    assert "Worker 6 restarts" not in form.rendered
    await crew.alice.click(form, "escalation_details")
    offered = await crew.alice.suggestions(form, "escalation_marked", "worker 1")
    assert [choice.text for choice in offered] == [
        "Worker 11 restarts",
        "Worker 10 restarts",
        "Worker 1 restarts",
    ]
    await crew.alice.submit(form, {"recorded": None, "marked": [offered[2].value]})
    await any_bot.settle()
    assert "Worker 1 restarts https://" in crew.card.text
    assert "Worker 11 restarts" not in crew.card.text


async def test_a_service_a_role_or_a_group_can_be_chosen(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    any_bot.slack.add_group("dba", [crew.bob, crew.dave])
    await crew.carol.command("/incident role commander me", channel=crew.room)
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    offered = await crew.alice.suggestions(form, "escalation_target", "commander")
    assert "role:commander" in [choice.value for choice in offered]
    await crew.alice.submit(form, {"target": "role:commander"})
    await any_bot.settle()
    assert crew.was_called(crew.carol)
    # The bot looks up an unknown group and calls everybody in it.
    await crew.alice.command(f"/incident escalate @dba {ASK}", channel=ROOM)
    await any_bot.settle()
    assert crew.was_called(crew.bob)
    assert crew.was_called(crew.dave)


@pytest.mark.parametrize(
    "typed",
    [
        "@nosuchgroup cluster is bad",
        "--to nosuchservice cluster is bad",
        "@bob @carol cluster is bad",
        "@bob @nosuchgroup cluster is bad",
    ],
)
async def test_an_unknown_or_a_second_target_is_asked_about_and_the_words_are_kept(
    any_bot: Bot, typed: str
) -> None:
    crew = await crew_of(any_bot)
    asked = await crew.alice.command(f"/incident escalate {typed}", channel=ROOM)
    assert "Nobody was called yet" in asked.text
    assert said(crew.room, "*Escalation") == []
    form = (await crew.alice.click(crew.alice.ephemerals[-1], "escalate_words_open")).get_view()
    assert initial(form, "ask").endswith("cluster is bad")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("database is melting, need a DBA", "Database"),
        ("checkout is down, help", "Checkout"),
        ("Checkout: is down, help", "Checkout"),
        ("communications lead needed now", "Communications lead"),
    ],
)
async def test_a_name_that_may_be_text_is_asked_about_and_the_text_stays_whole(
    bot: Bot, typed: str, name: str
) -> None:
    bot.change_policy(services=(Service(key="checkout", name="Checkout", tier=1),))
    crew = await crew_of(bot)
    asked = await crew.alice.command(f"/incident escalate {typed}", channel=ROOM)
    assert f"is *{name}* who to call, or part of your text?" in asked.text
    assert "escalate --to" in asked.text
    assert typed in asked.text
    assert said(crew.room, "*Escalation") == []
    question = crew.alice.ephemerals[-1]
    form = (await crew.alice.click(question, "escalate_words_open")).get_view()
    assert initial(form, "ask") == typed
    await crew.alice.click(question, "escalate_now")
    await bot.settle()
    assert typed in crew.card.text


@pytest.mark.parametrize("to", ["--to database", "--to=database", "—to Database", "to @bob"])
async def test_to_names_a_target_and_the_rest_is_the_ask(bot: Bot, to: str) -> None:
    crew = await crew_of(bot)
    await crew.alice.command(f"/incident escalate {to} database is melting", channel=ROOM)
    await bot.settle()
    assert "database is melting" in crew.card.text


async def test_a_handle_of_a_group_and_of_a_person_calls_nobody_by_chance(bot: Bot) -> None:
    crew = await crew_of(bot)
    bot.slack.add_group("carol", [crew.dave])
    bot.change_ladder(GroupRef(handle="carol"))
    await bot.restart()
    await refresh_directory(bot.app.services)
    # Without a mention there is only the text that was typed.
    asked = await crew.alice.command("/incident escalate @\u2060carol Is it safe?", channel=ROOM)
    await bot.settle()
    assert "Nobody was called yet" in asked.text
    assert not crew.was_called(crew.carol)
    assert not crew.was_called(crew.dave)


async def test_to_takes_a_key_before_another_services_name(bot: Bot) -> None:
    crew = await crew_of(bot)
    named = Service(
        key="checkout", name="Search index", tier=1, owner=PersonRef(user_id=crew.carol.id)
    )
    meant = Service(
        key="search_index", name="Lookup", tier=1, owner=PersonRef(user_id=crew.dave.id)
    )
    bot.change_policy(services=(named, meant))
    await bot.restart()
    await crew.alice.command(f"/incident escalate --to search_index {ASK}", channel=ROOM)
    await bot.settle()
    assert crew.was_called(crew.dave)
    assert not crew.was_called(crew.carol)


async def test_a_message_becomes_evidence(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    message = await crew.alice.says("ORA-00018: maximum number of sessions exceeded", ROOM)
    form = (await crew.alice.message_shortcut("escalate_from_message", message)).get_view()
    assert "ORA-00018" in initial(form, "evidence")
    assert "https://" in initial(form, "evidence")
    elsewhere = await crew.alice.says("Something is slow", "general")
    refused = await crew.alice.message_shortcut("escalate_from_message", elsewhere)
    await any_bot.settle()
    assert refused.view is None
    assert "doesn't belong to an incident" in crew.alice.ephemerals[-1].text


async def test_words_alone_open_the_form_with_them_as_the_ask(bot: Bot) -> None:
    crew = await crew_of(bot)
    form = (await crew.alice.command(f"/incident escalate {ASK}", channel=ROOM)).get_view()
    assert initial(form, "ask") == ASK
    assert said(crew.room, "*Escalation") == []


async def test_a_misspelt_target_is_asked_about_and_keeps_what_was_typed(bot: Bot) -> None:
    crew = await crew_of(bot)
    cases = {
        "--to databse Is it safe?": "`/incident escalate --to database Is it safe?`",
        "@carl Is it safe?": "`/incident escalate @\u2060carol Is it safe?`",
    }
    for words, meant in cases.items():
        asked = await crew.alice.command(f"/incident escalate {words}", channel=ROOM)
        assert meant in asked.text
        assert "Nobody was called yet" in asked.text
    elsewhere = await crew.alice.command("/incident INC-1 escalate --to databse Is it safe?")
    assert "`/incident INC-1 escalate --to database Is it safe?`" in elsewhere.text
    assert said(crew.room, "*Escalation") == []
    form = (await crew.alice.click(crew.alice.ephemerals[-1], "escalate_words_open")).get_view()
    assert initial(form, "ask") == "Is it safe?"
    # The corrected command goes through.
    await crew.alice.command("/incident escalate @\u2060carol Is it safe?", channel=ROOM)
    await bot.settle()
    assert crew.was_called(crew.carol)
    redirected = await crew.carol.command(
        "/incident escalation redirect 1 dvae He owns it", channel=crew.room
    )
    assert "`/incident escalation redirect 1 @\u2060dave He owns it`" in redirected.text


@pytest.mark.parametrize(
    "words",
    ["%|" * 800, "\N{FIRE}" * 1_200, "<&>" * 1_800],
    ids=["encoded", "emoji", "escaped"],
)
async def test_a_misspelt_target_with_more_words_than_a_button_carries_opens_the_form(
    bot: Bot, words: str
) -> None:
    crew = await crew_of(bot)
    asked = await crew.alice.command(f"/incident escalate databse {words}", channel=ROOM)
    shown = initial(asked.get_view(), "ask")
    assert shown.startswith(f"databse {words[:1_000]}")
    assert shown == f"databse {words}" or shown.endswith("…")
    assert said(crew.room, "*Escalation") == []


# -- send now, complete after ---------------------------------------------------------------


async def test_sent_at_once_the_author_is_asked_one_thing_at_a_time(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    form = (await crew.alice.command("/incident escalate", channel=ROOM)).get_view()
    await crew.alice.click(form, "escalation_details")
    values = {"person": crew.bob, "template": "manager", "urgent": ["urgent"]}
    sent = await crew.alice.submit(form, values)
    assert "one thing at a time" in sent.get_view().rendered
    await any_bot.settle()
    assert crew.was_called(crew.bob)
    assert len(said(any_bot.slack.dm(crew.alice), "What would help them next")) == 1
    assert "What do you need from them?" in crew.question().text

    await any_bot.restart()
    answer = (await crew.alice.click(crew.question(), "escalation_question_open")).get_view()
    await crew.alice.submit(answer, {"ask": ASK})
    await any_bot.settle()
    assert ASK in crew.card.text
    assert ASK in crew.call_of(crew.bob).text
    assert "How far does it reach?" in crew.question().text

    await crew.alice.click(crew.question(), "escalation_question_skip")
    await any_bot.settle()
    assert "Who and what is affected?" in crew.question().text
    # The bot doesn't ask for what somebody else has added.
    await crew.dave.command("/incident escalation add impact Orders are lost", channel=crew.room)
    await any_bot.settle()
    assert "Orders are lost" in crew.card.text
    assert "options" in crew.question().text
    answered = [m for m in any_bot.slack.dm(crew.alice).messages if m.buttons]
    assert len(answered) == 1


async def test_an_answer_without_its_number_is_asked_for_that(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    for words in ("since 14:02", "scope EU customers"):
        await crew.alice.command(f"/incident escalation add {words}", channel=ROOM)
        await bot.settle()
    while "number" not in crew.question().text:
        await crew.alice.click(crew.question(), "escalation_question_skip")
        await bot.settle()
    answer = (await crew.alice.click(crew.question(), "escalation_question_open")).get_view()
    assert initial(answer, "scope") == "EU customers"
    unchanged = await crew.alice.submit(answer, {"scope": "EU customers"})
    assert "says already" in unchanged.errors["scope"]
    await crew.alice.submit(answer, {"scope": "EU customers, 12 %"})
    await bot.settle()
    assert "12 %" in crew.card.text


async def test_questions_end_with_the_escalation(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    old = crew.question().seen()
    await crew.alice.command("/incident escalation withdraw", channel=ROOM)
    await bot.settle()
    assert [m for m in bot.slack.dm(crew.alice).messages if m.buttons] == []
    await crew.alice.click(old, "escalation_question_skip")
    await bot.settle()
    assert "no longer need an answer" in crew.alice.ephemerals[-1].text


async def test_the_author_hears_that_somebody_else_took_it_back(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await crew.bob.command("/incident escalation withdraw Found it myself", channel=ROOM)
    await bot.settle()
    told = bot.slack.dm(crew.alice).messages[-1]
    assert "bob has withdrawn escalation 1" in told.text
    assert "Found it myself" in told.text
    assert told.buttons == ["escalate_open"]
    await crew.escalate()
    before = crew.told(crew.alice)
    await crew.alice.command("/incident escalation withdraw", channel=ROOM)
    await bot.settle()
    assert len(crew.told(crew.alice)) == len(before)  # she did it herself


async def test_without_a_number_the_escalation_is_meant_that_is_ones_own(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    await crew.bob.command("/incident escalate @dave Is the replica behind?", channel=ROOM)
    await bot.settle()
    listed = await crew.alice.command("/incident escalation", channel=ROOM)
    answers = ["escalation_take", "escalation_more_open", "escalation_redirect_open"]
    add = "escalation_add_open"
    assert [
        one["action_id"]
        for block in listed.blocks
        for one in block.get("elements", ())
        if "action_id" in one
    ] == [
        *answers,
        "escalation_decline_open",
        add,
        add,
        "escalation_withdraw_open",
    ]  # Alice can't answer her own escalation
    taken = await crew.bob.command("/incident escalation take", channel=ROOM)
    assert "You're on escalation 1 " in taken.text
    added = await crew.bob.command("/incident escalation add since 13:52", channel=ROOM)
    assert "Added to escalation 2 " in added.text
    taken = await crew.dave.command("/incident escalation take", channel=ROOM)
    assert "You're on escalation 2 " in taken.text
    await bot.settle()


async def test_anybody_adds_to_it_and_nobody_overwrites_unseen(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    await crew.escalate()
    mine = (await crew.bob.click(crew.card, "escalation_add_open")).get_view()
    theirs = (await crew.alice.click(crew.card, "escalation_add_open")).get_view()
    added = await crew.bob.submit(mine, {"evidence": "https://logs.example.com/q/1"})
    assert "Useful to add" not in added.get_view().rendered
    await any_bot.settle()
    refused = await crew.alice.submit(theirs, {"evidence": "nothing yet"})
    assert "meanwhile" in next(iter(refused.errors.values()))
    again = (await crew.alice.click(crew.card, "escalation_add_open")).get_view()
    assert "logs.example.com" in initial(again, "evidence")
    done = await crew.alice.submit(again, {"since": "14:02"})
    assert "Useful to add" in done.get_view().rendered
    await any_bot.settle()
    assert "*Since* 14:02" in crew.card.text


# -- by command alone -----------------------------------------------------------------------


async def test_everything_can_be_done_by_command(any_bot: Bot) -> None:
    crew = await crew_of(any_bot)
    assert (
        "Nobody has escalated"
        in (await crew.alice.command("/incident escalation", channel=ROOM)).text
    )
    await crew.escalate()
    room = crew.room

    async def types(person: str, words: str) -> str:
        who: Person = getattr(crew, person)
        outcome = await who.command(f"/incident escalation {words}", channel=room)
        await any_bot.settle()
        return outcome.text

    assert "I've asked" in await types("bob", "more changes")
    assert "version 2" in await types("alice", "add changes checked, none")
    assert "checked, none since" in crew.card.text
    assert "Passed on: dave" in await types("bob", "redirect @dave he knows it")
    assert "Noted" in await types("dave", "decline I am on a train")
    assert crew.was_called(crew.carol)
    assert "You're on escalation 1" in await types("carol", "take 1")
    assert "carol is already on it" in await types("bob", "take")
    listed = await types("alice", "")
    assert f"{crew.carol.mention} is on it" in listed
    assert "Useful to add" in listed
    assert "Useful to add" not in await types("bob", "")
    # A refusal shows the whole line to type.
    assert "`/incident escalation take 1`" in await types("bob", "take 7")
    assert "`/incident escalation take`" in await types("bob", "tkae")
    assert "`/incident escalation redirect @\u2060someone who owns it" in await types(
        "bob", "redirect"
    )
    assert "`/incident escalation add 1 scope 12 %" in await types("bob", "add 1 nonsense")
    assert "`/incident escalation add confidence low`" in await types("bob", "add confidence huge")
    away = await crew.bob.command("/incident INC-1 escalation more nonsense")
    assert "`/incident INC-1 escalation more evidence`" in away.text


async def test_the_next_step_by_command_and_by_name(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.escalate()
    outcome = await crew.alice.command("/incident escalation next", channel=ROOM)
    assert "Calling carol now" in outcome.text
    refused = await crew.alice.command("/incident escalation next dvae", channel=ROOM)
    assert "`/incident escalation next dave`" in refused.text
    await bot.settle()
    assert crew.was_called(crew.carol)
    assert not crew.was_called(crew.dave)


async def test_security_offers_to_go_on_in_private(bot: Bot) -> None:
    crew = await crew_of(bot)
    await crew.alice.command(
        "/incident escalate --to security a token may have leaked", channel=ROOM
    )
    await bot.settle()
    call = crew.call_of(crew.carol)
    assert "private_open" in crew.card.buttons
    form = (await crew.alice.click(crew.card, "private_open")).get_view()
    assert "What stays readable" in form.rendered
    await crew.alice.submit(form, {"people": [crew.bob]})
    await bot.settle()
    private = next(place for place in bot.slack.channels if place.is_private)
    # The escalation moves with the incident; the old channel says no more about it.
    (card,) = said(private, "*Escalation 1*")
    assert "a token may have leaked" in card.text
    assert "private_open" not in card.buttons
    # Carol isn't among the chosen people and reads nothing that anybody adds.
    await crew.alice.command("/incident escalation add scope 3 accounts", channel=private)
    await bot.settle()
    assert "3 accounts" in card.text
    assert "handled privately" in call.text
    assert "token" not in call.text
