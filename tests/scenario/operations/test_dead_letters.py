"""What Slack refused for good is listed where operators look, and one retry mends it."""

from functools import partial
from pathlib import Path

from incidents.registry.dead_letters import Chosen, retry_dead_letters
from tests.program import environment, run
from tests.scenario.conftest import Bot, declared
from tests.scenario.operations.test_serving import get
from tests.slack_server.delivery.failures import FOREVER


async def test_operators_see_dead_letters_by_cause_and_retry_them_at_once(
    bot: Bot, tmp_path: Path
) -> None:
    bot.slack.fail("conversations.invite", error="missing_scope", times=FOREVER)
    alice, room = await declared(bot)
    assert alice not in room
    status, details = await get(f"{bot.app.ops_url}/readyz")
    assert (status, details["dead_letters"]) == (200, {"invite_person: missing_scope": 1})

    environ = environment(**bot.environ)
    told = "invite somebody: missing_scope (Sitrep lacks a scope for it), once since 2026-"
    code, output = await run("outbox", "list", "--all", environ=environ, folder=tmp_path)
    assert code == 0, output
    assert told in output
    assert "in INC-1" in output
    assert "sitrep outbox retry --cause missing_scope" in output
    _, output = await run("doctor", environ=environ, folder=tmp_path)
    assert f"!! dead letters: {told}" in output

    bot.slack.heal()
    await bot.run(partial(retry_dead_letters, chosen=Chosen(error="missing_scope")))
    await bot.settle()
    assert alice in room
    assert (await get(f"{bot.app.ops_url}/readyz"))[1]["dead_letters"] == {}
