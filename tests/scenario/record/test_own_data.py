"""`mydata`: what is kept about a person comes to them alone, as a file."""

import json

from tests.scenario.conftest import Bot


async def test_a_person_gets_their_own_data_by_direct_message(every_bot: Bot) -> None:
    bot = every_bot
    alice, ben = bot.slack.add_person("alice"), bot.slack.add_person("ben")
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    room = bot.slack.channel("inc-1-checkout-errors")
    await ben.command("/incident note I restarted it", channel=room)
    await bot.settle()
    outcome = await ben.command("/incident mydata", channel=room)
    await bot.settle()
    assert "Nobody else gets it" in outcome.rendered
    (file,) = bot.slack.files
    assert file.name == f"person-{ben.id}.json"
    assert file.channels == [bot.slack.dm(ben).id]
    assert "I restarted it" in json.dumps(json.loads(file.content))
