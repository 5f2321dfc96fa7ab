"""The status card in its channel: *More…*, and the pin when another card takes its place."""

from datetime import timedelta

from tests.scenario.conftest import ROOM, Bot, declared, more


async def test_an_incident_is_resolved_in_two_presses_and_a_form(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    bot.clock.advance(timedelta(minutes=5))
    form = await more(alice, room.pins[0], "resolve_open")
    assert "Resolve" in form.title
    done = await alice.submit(
        form, {"resolution": "Rolled back", "no_impact": ["none"], "impact_started_at": None}
    )
    assert done.errors == {}
    assert not form.is_open
    await bot.settle()
    assert room.pins[0].buttons[0] == "postmortem_write_open"
    closing = await more(alice, room.pins[0], "close_incident")
    await bot.settle()
    assert "is now *closed*" in closing.rendered
    assert "Closed" in room.pins[0].rendered


async def test_an_answer_to_a_press_under_more_stands_in_its_place(bot: Bot) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(ROOM)
    shown = await more(bob, room.pins[0], "timeline_open")
    await bot.settle()
    assert "Timeline" in shown.rendered, shown.rendered
    menu = (await bob.click(room.pins[0], "more_open")).get_view()
    await alice.command("/incident cancel It was the monitor", channel=room)
    await bot.settle()
    await bob.click(menu, "cancel_open")
    await bot.settle()
    assert "cancelled" in menu.rendered
    assert not bob.ephemerals


async def test_an_incident_that_changes_its_channel_leaves_no_pinned_card_behind(bot: Bot) -> None:
    alice, old = await declared(bot)
    room = bot.slack.add_channel("checkout-room", members=[alice.user, bot.slack.bot])
    await alice.command("/incident channel #checkout-room", channel=old)
    await bot.settle()
    (card,) = room.pins
    assert card.text.startswith("INC-1 Checkout errors: ")
    assert not old.pins
