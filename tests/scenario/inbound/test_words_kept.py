"""Odd words after a command: none is dropped or taken for something else without asking."""

import pytest

from tests.scenario.conftest import Bot, declared


async def _answer(bot: Bot, line: str) -> str:
    alice, *_ = bot.slack.add_people("alice", "ben", "dev")
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
        ("handover @ben @dev", "name one at a time"),
        ("handover @ben and @dev", "name one at a time"),
        ("handover @ben please", "has to stand alone"),
        ("shadow @ben until friday", "goes after `--until`"),
        ("handoff @ben and @dev", "name one at a time"),
        ("checkin @ben & @dev 10 how is it", "name one at a time"),
        ("escalate @ben and @dev both please", "you named two"),
        ("checkin @ben 500 errors gone?", "could be part of your question"),
        ("checkin @ben at 14:05 how is it", "how long, not until when"),
        ("action @ben by December fix it", "has to be a day"),
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
        ("update All is well --next 20 min", "due 2026-03-02 09:20"),
        ("update All is well --next 1h 30m", "due 2026-03-02 10:30"),
        ("checkin @ben 1h 30m how is it", "in 1 h 30 min"),
        ("checkin @ben 10 is it well?", "in 10 min"),
        ("checkin @ben half an hour how is it", "in 30 min"),
        ("action @ben before Friday fix it", "due Fri 6 Mar 2026"),
        ("action @ben fix it (by Friday)", "due Fri 6 Mar 2026"),
        ("status identified: the cache", "is now *identified*"),
    ],
)
async def test_what_is_plain_is_understood(bot: Bot, line: str, said: str) -> None:
    assert said in await _answer(bot, line)


@pytest.mark.parametrize(
    "typed", ["*sev2*", "`sev2`", "sev: 2", "severity=2", "severity major", "\u201csev2\u201d"]
)
async def test_a_severity_in_marks_or_after_its_word_is_one(bot: Bot, typed: str) -> None:
    answer = await _answer(bot, f"declare {typed} Login page is white")
    assert "is declared: Login page is white" in answer
    assert "You named no severity" not in answer


async def test_a_note_dated_in_full_is_not_said_to_be_of_yesterday(bot: Bot) -> None:
    assert "yesterday" not in await _answer(bot, "note 2026-02-26T14:05:00+05:00 It began")
