"""Who is on call for command is asked as soon as an incident is declared."""

from dataclasses import replace

from incidents.policy.references import PersonRef, RotationRef
from tests.scenario.conftest import Bot, said
from tests.scenario.on_call.test_rotations import Rota

ASKED = "you're on call for command"


async def commanders(bot: Bot) -> Rota:
    rota = Rota(bot)
    section = replace(bot.loaded.policy.on_call, commander=RotationRef("secondary"))
    bot.change_policy(on_call=section)
    return await rota.known()


async def test_they_are_asked_and_one_press_takes_command(any_bot: Bot) -> None:
    rota = await commanders(any_bot)
    await rota.alice.command("/incident declare sev3 Search is slow")
    await any_bot.settle()
    (asked,) = said(any_bot.slack.dm(rota.sam), ASKED)
    assert said(any_bot.slack.dm(rota.lee), ASKED) == []
    room = next(one for one in any_bot.slack.channels if one.name.startswith("inc-1-"))
    assert rota.sam in room
    await rota.sam.click(asked, "role_take_command")
    await any_bot.settle()
    (asked,) = said(any_bot.slack.dm(rota.sam), "Search is slow")[:1]
    assert asked.buttons == []
    assert f"{rota.sam.mention} has command" in asked.text


async def test_nobody_is_asked_by_a_drill_a_flag_or_for_their_own_incident(bot: Bot) -> None:
    rota = await commanders(bot)
    await rota.alice.command("/incident declare sev3 Practice makes perfect --drill")
    await rota.alice.command("/incident declare sev3 Search is slow --no-call")
    await rota.sam.command("/incident declare sev3 Mails bounce")
    await bot.settle()
    assert said(bot.slack.dm(rota.sam), ASKED) == []


async def test_a_private_incident_asks_only_whom_the_policy_lets_in(bot: Bot) -> None:
    rota = await commanders(bot)
    await rota.alice.command("/incident declare sev3 Data leaked --private")
    await bot.settle()
    assert said(bot.slack.dm(rota.sam), ASKED) == []
    private = replace(bot.loaded.policy.private, invite=(PersonRef(user_id=rota.sam.id),))
    bot.change_policy(private=private)
    await bot.restart()
    await rota.alice.command("/incident declare sev3 Keys were stolen --private")
    await bot.settle()
    assert len(said(bot.slack.dm(rota.sam), ASKED)) == 1
