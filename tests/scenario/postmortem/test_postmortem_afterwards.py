"""What messages about postmortems and action items say once somebody owns or finishes them."""

from tests.scenario.conftest import Bot, newest
from tests.scenario.postmortem.test_postmortem import FACTORS, ask, resolved


async def test_the_question_who_writes_it_follows_who_does_until_it_is_published(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    asked = newest(room, "Who writes it")
    assert "postmortem_claim" in asked.buttons
    await ask(bot, alice, "/incident postmortem owner @bob", room)
    assert asked.buttons == [
        "postmortem_owner_open",
        "postmortem_write_open",
        "action_item_open",
    ]
    assert "bob writes it." in asked.rendered
    (told,) = [m for m in bot.slack.dm(bob).messages if "asked you to write" in m.rendered]
    await ask(bot, alice, "/incident postmortem owner @alice", room)
    assert told.buttons == []
    assert "alice writes it." in told.rendered

    form = (await alice.click(asked, "Write…")).get_view()
    await alice.submit(form, {FACTORS: "A full disk"})
    await ask(bot, alice, "/incident postmortem publish", room)
    for message in (asked, newest(room, "took on writing the postmortem")):
        assert message.buttons == []
        assert "Published" in message.rendered


async def test_an_older_draft_gives_way_to_the_one_that_replaces_it(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    room = await resolved(bot, alice)
    asked = newest(room, "Who writes it")
    await ask(bot, alice, "/incident reopen Errors are back", room)
    await alice.submit((await alice.command("/incident resolve Again", channel=room)).get_view())
    await bot.settle()
    assert asked.buttons == []
    assert "Draft 2 replaces this one." in asked.rendered


async def test_an_action_item_is_done_for_everybody_or_somebody_elses(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    await ask(bot, alice, "/incident action @bob Alert on full disks", room)
    added = newest(room, "Alert on full disks")
    (told,) = [m for m in bot.slack.dm(bob).messages if "gave you" in m.rendered]
    assert added.buttons == told.buttons == ["action_item_done"]
    await ask(bot, alice, "/incident action 1 me", room)
    for message in (added, told):
        assert message.buttons == []
        assert "alice has it now." in message.rendered

    given = newest(room, "took action item 1")
    await ask(bot, alice, "/incident action 1 @bob", room)
    for message in (added, told):
        assert message.buttons == ["action_item_done"]
        assert "has it now" not in message.rendered
    await ask(bot, alice, "/incident action 1 @alice", room)
    await alice.click(given, "action_item_done")
    await bot.settle()
    assert given.buttons == []
    assert "Done* by alice" in given.rendered
