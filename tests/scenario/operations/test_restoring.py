"""A backup that was made while the bot wrote, restored hours later, and served."""

import asyncio
from datetime import timedelta
from pathlib import Path

from incidents.record.audit_log import AuditKind
from tests.program import environment, run
from tests.scenario.conftest import Bot, declared, unpinned

UPDATE = "Half of the checkouts fail"


async def test_what_a_backup_lost_is_neither_numbered_nor_sent_twice(
    bot: Bot, tmp_path: Path
) -> None:
    alice, room = await declared(bot)
    environ = environment(**bot.environ)
    # At the moment of the backup, this update is on its way.
    held = bot.slack.hold("chat.postMessage", match=lambda call: UPDATE in str(call))
    await alice.command(f"/incident update {UPDATE}", channel=room)
    await bot.slack.wait_for(lambda: held.happened)

    async def write() -> None:
        for number in range(10):
            await alice.command(f"/incident note Number {number}", channel=room)

    backup = run("backup", "backup.db", environ=environ, folder=tmp_path)
    (code, output), _ = await asyncio.gather(backup, write())
    assert code == 0, output
    bot.slack.faults.release()
    await alice.command("/incident declare sev3 Slow search")
    await bot.settle()
    assert len(unpinned(room, UPDATE)) == 1
    assert bot.slack.find_channel("inc-2-slow-search") is not None

    await bot.stop()
    arguments = ("restore", "backup.db", "--force", "--reason", "disk")
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert code == 0, output
    assert "Lost: incident 2." in output
    bot.clock.advance(timedelta(hours=3))
    await bot.start()
    await bot.advance(seconds=1)
    for text in (UPDATE, *(f"Number {number}" for number in range(10)), "wasn't running"):
        assert len(unpinned(room, text)) == 1, room.transcript
    await alice.command("/incident declare sev3 Slow images")
    await bot.settle()
    assert bot.slack.find_channel("inc-3-slow-images") is not None
    log = await bot.audit_entries()
    lost = [{"counter": "incident", "first": 2, "last": 2}]
    assert log[-1].kind == AuditKind.RESTORED
    assert (log[-1].content or {})["lost"] == lost
