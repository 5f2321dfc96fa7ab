"""A handler's deadline: it rolls back before the commit, and lets a commit under way finish."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tests.scenario.conftest import DECLARE, PATIENCE_SECONDS, ROOM, Bot

Commit = Callable[[], Coroutine[Any, Any, None]]


async def test_what_waits_too_long_for_the_database_is_not_recorded_and_says_so(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident list")
    bot.app.listeners.deadline_seconds = 0.2
    async with bot.app.services.database.writing():
        outcome = await alice.command(DECLARE)
    assert outcome.acked
    assert "didn't record that" in outcome.text
    await bot.settle()
    assert not bot.slack.calls_of("conversations.create")


async def test_a_commit_under_way_is_seen_through_and_its_outcome_told(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident list")
    bot.app.listeners.deadline_seconds = 1.0
    restore = _change_commits(bot, _slowly)
    outcome = await alice.command(DECLARE)
    restore()
    assert outcome.acked
    assert "I'm still recording" in outcome.text
    await bot.settle()
    assert any("INC-1" in message.text for message in alice.ephemerals)
    assert alice in bot.slack.channel(ROOM)

    bot.app.listeners.deadline_seconds = PATIENCE_SECONDS
    form = (await alice.command("/incident declare")).get_view()
    bot.app.listeners.deadline_seconds = 1.0
    restore = _change_commits(bot, _slowly)
    kept = await alice.submit(form, {"title": "Mail bounces", "severity": "sev2"})
    restore()
    assert form.is_open
    assert ["still recording" in error for error in kept.errors.values()] == [True]
    await bot.settle()
    assert "*INC-2*" in form.rendered  # the channel is open: the answer takes the form's place
    assert len(bot.slack.calls_of("conversations.create")) == 2


async def test_what_a_failed_commit_may_have_kept_is_not_called_unrecorded(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident list")

    async def fail_afterwards(commit: Commit) -> None:
        await commit()
        raise OSError(errno.EIO, "the disk failed while it wrote")

    restore = _change_commits(bot, fail_afterwards)
    outcome = await alice.command(DECLARE)
    restore()
    assert "may have recorded" in outcome.text
    again = await alice.command(DECLARE)
    assert "was already declared by you" in again.text
    for _ in range(5):
        bot.clock.advance(timedelta(seconds=12))
        bot.app.dispatcher.wake()
        await asyncio.sleep(0.05)
        await bot.settle()
    assert alice in bot.slack.channel(ROOM)


async def _slowly(commit: Commit) -> None:
    await asyncio.sleep(2.0)
    await commit()


def _change_commits(
    bot: Bot, change: Callable[[Commit], Coroutine[Any, Any, None]]
) -> Callable[[], None]:
    """Make each commit of the bot's next sessions happen like this."""
    database = bot.app.services.database
    original = database.writing

    @contextlib.asynccontextmanager
    async def writing() -> AsyncIterator[AsyncSession]:
        async with original() as made:
            made.commit = partial(change, made.commit)  # type: ignore[method-assign]
            yield made

    database.writing = writing  # type: ignore[method-assign]

    def restore() -> None:
        database.writing = original  # type: ignore[method-assign]

    return restore
