"""The schema is upgraded while a bot sends: it works on, and nothing is lost or sent twice."""

import asyncio

import pytest

from bot.operations.identity import StartRefused
from incidents.engine.outbox import EffectStatus, count_by_status
from incidents.storage.database import open_database
from tests.next_version import REVISION, downgrade, upgrade
from tests.scenario.conftest import Bot, declared, unpinned


async def test_an_upgrade_under_a_bot_that_holds_the_lease_loses_and_doubles_nothing(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    bot.slack.delay("chat.postMessage", 0.3)
    await alice.command("/incident update Before the upgrade", channel=room)
    await bot.slack.wait_for(lambda: bot.slack.journal.under_way)

    other = open_database(bot.settings.database_url)
    upgrading = asyncio.create_task(upgrade(other))
    notes = 0
    while notes < 2 or not upgrading.done():
        outcome = await alice.command(f"/incident note Seen {notes}.", channel=room)
        assert "Noted" in outcome.rendered
        notes += 1
    await upgrading
    bot.slack.delay("chat.postMessage", 0.0)
    await alice.command("/incident update After the upgrade", channel=room)
    await bot.settle()
    assert bot.app.dispatcher.holds_lease
    for _ in range(4):  # ends that the upgrade kept from being recorded are looked for
        await bot.advance(seconds=5)

    for words in ("Before the upgrade", "After the upgrade"):
        assert len(unpinned(room, words)) == 1
    services = bot.app.services
    async with services.database.reading() as session:
        assert await count_by_status(session, workspace_id=services.workspace.id) == {}
        dead = await count_by_status(
            session, workspace_id=services.workspace.id, statuses=[EffectStatus.DEAD]
        )
    assert dead == {}

    # A process of this version can't start on it, until somebody goes back.
    await bot.stop()
    with pytest.raises(StartRefused, match=REVISION):
        await bot.start()
    await downgrade(other)
    await other.close()
    await bot.start()
    await alice.command("/incident note Back again", channel=room)
    await bot.settle()
    assert len(unpinned(room, "After the upgrade")) == 1
