"""Odd words after a command: none is dropped or taken for something else without asking."""

import json

import pytest

from tests.scenario.conftest import Bot, declared


async def _answer(bot: Bot, line: str) -> str:
    alice, *_ = bot.slack.add_people("alice", "ben", "dev")
    bot.slack.add_group("sre", [alice])
    bot.slack.welcome(alice)
    await bot.slack.quiet()
    _, room = await declared(bot, by=alice)
    outcome = await alice.command(f"/incident {line}", channel=room)
    await bot.settle()
    return outcome.rendered


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("declare sev1 Login is down --drill=no", "takes no value"),
        ("declare sev1 Login is down --private=false", "takes no value"),
        ("handover @ben @dev", "Name one; nothing was done yet"),
        ("handover @ben and @dev", "Name one; nothing was done yet"),
        ("handover @ben please", "has to stand alone"),
        ("shadow @ben until friday", "goes after `--until`"),
        ("handoff @ben and @dev", "Name one; nothing was done yet"),
        ("checkin @ben & @dev 10 how is it", "Name one; nothing was done yet"),
        ("escalate @ben and @dev both please", "you named two"),
        ("checkin @ben 500 errors gone?", "could be part of your question"),
        ("checkin @ben at 14:05 how is it", "how long, not until when"),
        ("action @ben by December fix it", "has to be a day"),
        ("checkin @ben noon how is it", "how long, not until when"),
        ("checkin @ben until Friday how is it", "how long, not until when"),
        ("checkin @ben two hosts ok?", "could be part of your question"),
        ("snooze until tomorrow 9am", "how long, not until when"),
        ("snooze 9am", "how long, not until when"),
        ("snooze 20 customers wait for us", "could be part of your reason"),
        ("update All is well --next soon", "has to be a number of minutes"),
        ("action fix it", "Type `@`"),
        ("invite ben", "That isn't a person"),
        ("invite ben", "For example: `/incident invite @\u2060alice @\u2060bob"),
        ("INC-1 invite ben", "For example: `/incident INC-1 invite @\u2060alice"),
        ("invite @sre they know it", "That is a group. Name the people in it"),
        ("private @sre they know it", "That is a group. Name the people in it"),
        ("invite @sitrep", "That is a bot. Choose a person"),
        ("channel #nowhere", "For example: `/incident channel #"),
        ("severity 9 pods are down", "There's no severity `9`. Use sev1, sev2"),
    ],
)
async def test_what_is_doubtful_is_asked_with_the_words_kept(
    bot: Bot, line: str, said: str
) -> None:
    answer = await _answer(bot, line)
    assert said in answer
    assert "INC-2" not in answer


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("update All is well --next 20 min", "Next update 2026-03-02 09:20"),
        ("update All is well --next 1h 30m", "Next update 2026-03-02 10:30"),
        ("checkin @ben 1h 30m how is it", "in 1 h 30 min"),
        ("checkin @ben 10 is it well?", "in 10 min"),
        ("checkin @ben half an hour how is it", "in 30 min"),
        ("action @ben before Friday fix it", "due Fri 6 Mar 2026"),
        ("action @ben fix it (by Friday)", "due Fri 6 Mar 2026"),
        ("status identified: the cache", "triage → identified"),
        ("update --next half an hour All is well", "Next update 2026-03-02 09:30"),
        ("update --next 20 All is well", "Next update 2026-03-02 09:20"),
        ("checkin @ben in 10 min how is it", "in 10 min"),
        ("checkin @ben five minutes how is it", "in 5 min"),
        ("checkin @ben 1h30 how is it", "in 1 h 30 min"),
        ("checkin @ben 1.5h how is it", "in 1 h 30 min"),
        ("snooze 1h30", "is now due"),
        ("snooze 90", "is now due"),
        ("snooze for 20 min rollback runs", "is now due"),
        ("snooze half an hour", "is now due"),
        ("action @ben by Friday 17:00 fix it", "by Friday 17:00 fix it (ben, due Fri 6 Mar 2026)"),
        ("action @ben fix it tomorrow", "fix it tomorrow (ben, due Tue 3 Mar 2026)"),
        ("action @ben due 2026-12-04 fix it", ": fix it (ben, due Fri 4 Dec 2026)"),
        ("action @ben by eod fix it", ": fix it (ben, due Mon 2 Mar 2026)"),
        ("action @ben by: end of week fix it", ": fix it (ben, due Fri 6 Mar 2026)"),
        ("action @ben in two weeks fix it", ": fix it (ben, due Mon 16 Mar 2026)"),
        ("action @ben fix it by Friday at 5pm", "due Fri 6 Mar 2026"),
        (
            "action @ben 22.04 hosts need an upgrade",
            ": 22.04 hosts need an upgrade (ben, no due date)",
        ),
        ("severity to 1 payments fail", "→ SEV1"),
        ("role scribe to @ben", "ben is now *Scribe*"),
        ("checkin with @ben 10 how is it", "in 10 min"),
        ("handoff to @ben quiet now", "ben"),
        ("duplicate of INC-1 same errors", "is this incident itself"),
        ("sev one", "→ SEV1"),
        ("severity critical", "→ SEV1"),
    ],
)
async def test_what_is_plain_is_understood(bot: Bot, line: str, said: str) -> None:
    answer = await _answer(bot, line)
    (room,) = (one for one in bot.slack.channels if one.name.startswith("inc-1-"))
    # What the channel shows at once isn't answered as well.
    assert said in (answer or room.messages[-1].rendered)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("update --next 20 customers can pay again", "20 customers can pay again"),
        ("action @ben Friday fix it", "Friday fix it"),
        ("action @ben fix it today", "fix it today"),
        ("action @ben 2026-12-04 fix it", "2026-12-04 fix it"),
        ("action @ben by 17:00 fix it", "by 17:00 fix it"),
        ("action fix it @ben eod", "fix it @ben eod"),
        ("severity 3 pods are down", "3 pods are down"),
        ("severity P0 all is down", "P0 all is down"),
        ("declare P0 all is down", "P0 all is down"),
        ("declare sev0: all is down", "sev0: all is down"),
        ("declare critical: all is down", "critical: all is down"),
        ("note around 2pm the errors began", "around 2pm the errors began"),
        ("note last night the deploy broke", "last night the deploy broke"),
        ("note tomorrow 9:00 we fail over", "tomorrow 9:00 we fail over"),
    ],
)
async def test_what_may_be_two_things_opens_the_form_with_the_words_kept(
    any_bot: Bot, line: str, kept: str
) -> None:
    bot = any_bot
    alice, *_ = bot.slack.add_people("alice", "ben")
    bot.slack.welcome(alice)
    await bot.slack.quiet()
    _, room = await declared(bot, by=alice)
    shown = (await alice.command(f"/incident {line}", channel=room)).get_view()
    values = json.dumps(shown.payload)
    assert f'"initial_value": "{kept}' in values
    assert "yet" in shown.rendered


async def test_the_form_of_a_doubtful_item_is_filled_in_and_adds_it(bot: Bot) -> None:
    alice, ben = bot.slack.add_people("alice", "ben")
    bot.slack.welcome(alice)
    await bot.slack.quiet()
    _, room = await declared(bot, by=alice)
    form = (await alice.command("/incident action fix it @ben eod", channel=room)).get_view()
    await alice.submit(form, {"text": "fix it", "owner": ben, "due_on": "eod"})
    await bot.settle()
    listed = await alice.command("/incident actions", channel=room)
    assert "1. fix it (ben, due Mon 2 Mar 2026)" in listed.text


@pytest.mark.parametrize(
    "typed",
    [
        *("*sev2*", "`sev2`", "sev: 2", "severity=2", "severity major", "\u201csev2\u201d"),
        *("sev two", "sev-2", "SEV2:", "P2", "prio 2"),
    ],
)
async def test_a_severity_in_marks_or_after_its_word_is_one(bot: Bot, typed: str) -> None:
    answer = await _answer(bot, f"declare {typed} Login page is white")
    assert "is declared: Login page is white" in answer
    assert "You named no severity" not in answer


async def test_a_note_dated_in_full_is_not_said_to_be_of_yesterday(bot: Bot) -> None:
    assert "yesterday" not in await _answer(bot, "note 2026-02-26T14:05:00+05:00 It began")


async def test_a_form_whose_title_names_another_severity_asks_which(any_bot: Bot) -> None:
    alice = any_bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    asked = await alice.submit(form, {"title": "SEV1: all is down", "severity": "sev3"})
    assert asked.errors == {
        "severity": "The severity isn't SEV1, but the title begins with that: change one of them."
    }
    assert not any_bot.slack.calls_of("conversations.create")
    done = await alice.submit(form, {"title": "SEV1: all is down", "severity": "sev1"})
    assert done.action != "errors"
    await any_bot.settle()
    assert any_bot.slack.calls_of("conversations.create")


@pytest.mark.parametrize(
    ("said", "title", "severity"),
    [
        ("SEV1: checkout is down", "checkout is down", "sev1"),
        ("P2 carts are slow", "carts are slow", "sev2"),
        ("critical: checkout is down", "critical: checkout is down", "sev1"),
        ("checkout is down", "checkout is down", "sev3"),
    ],
)
async def test_a_message_that_names_a_severity_fills_in_the_form_with_it(
    bot: Bot, said: str, title: str, severity: str
) -> None:
    alice = bot.slack.add_person("alice")
    message = await alice.says(said, "general")
    form = (await alice.message_shortcut("declare_from_message", message)).get_view()
    shown = json.dumps(form.payload)
    assert f'"initial_value": "{title}"' in shown
    chosen = [
        block["element"]["initial_option"]["value"]
        for block in form.payload["blocks"]
        if block.get("block_id") == "severity"
    ]
    assert chosen == [severity]


async def test_a_day_in_the_words_of_a_form_is_the_items(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    _, room = await declared(bot, by=alice)
    form = (await alice.command("/incident action", channel=room)).get_view()
    await alice.submit(form, {"text": "fix it by Friday", "owner": alice})
    await bot.settle()
    listed = await alice.command("/incident actions", channel=room)
    assert "1. fix it by Friday (alice, due Fri 6 Mar 2026)" in listed.text


@pytest.mark.parametrize(
    "line",
    [
        "cancel --help",
        "cancel ?",
        "declare --help",
        "DECLARE -h",
        "update --help",
        "note —help",
        "INC-1 escalate --help",
        "handoff --help",
    ],
)
async def test_asking_how_a_command_is_written_carries_nothing_out(bot: Bot, line: str) -> None:
    alice, room = await declared(bot)
    before = room.transcript
    outcome = await alice.command(f"/incident {line}", channel=room)
    await bot.settle()
    verb = line.removeprefix("INC-1 ").split()[0].lower()
    assert outcome.view is None
    assert outcome.rendered.startswith(f"`/incident {verb} ")
    assert room.transcript == before
    assert bot.slack.find_channel("inc-2-help") is None


@pytest.mark.parametrize("line", ["--help", "-h", "—help", "INC-1 --help"])
async def test_asking_for_help_in_the_way_of_a_command_line_answers_the_overview(
    bot: Bot, line: str
) -> None:
    alice, room = await declared(bot)
    outcome = await alice.command(f"/incident {line}", channel=room)
    assert "Show all" in outcome.rendered


async def test_a_text_that_mentions_an_option_is_text(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident note Nobody read kubectl --help", channel=room)
    await bot.settle()
    assert "Nobody read kubectl --help" in room.transcript
