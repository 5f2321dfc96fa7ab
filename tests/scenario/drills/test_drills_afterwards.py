"""A drill's messages offer nothing once it is over."""

import pytest

from tests.scenario.conftest import Bot, said
from tests.scenario.drills.test_drills import ROOM, practising, resolved


@pytest.mark.parametrize("how", ["stop", "resolve", "time"])
async def test_nothing_can_be_looked_at_or_done_in_a_drill_that_is_over(bot: Bot, how: str) -> None:
    jo, _max, room = await practising(bot)
    (begins,) = said(room, "it's yours")
    form = (await jo.click(begins, "drill_check_open")).get_view()
    await jo.submit(form, {"check": "changes"})
    await bot.settle()
    (signal,) = said(room, "checkout-5xx is firing")
    (checked,) = said(room, "2.40.3 → 2.41.0")
    assert all(message.buttons for message in (begins, signal, checked))
    match how:
        case "stop":
            await jo.click(begins, "drill_stop")
        case "resolve":
            await resolved(bot, jo)
        case "time":
            await bot.advance(hours=2)
    await bot.settle()
    over = [message for message in room.messages if "Drill" in message.text]
    for message in (begins, signal, checked, *over):
        assert not [action for action in message.buttons if action.startswith("drill_")]
    for message in (begins, signal, checked):
        assert "The drill is over." in message.rendered
    assert room.name == ROOM
