"""Looking: show, list, help and the Home tab."""

import string
from datetime import timedelta

import pytest

from tests.scenario.conftest import ROOM, Bot, declared


async def test_show_in_the_channel_means_its_incident(bot: Bot) -> None:
    alice, _ = await declared(bot)
    shown = await alice.command("/incident show", channel=ROOM)
    assert "INC-1 Checkout errors" in shown.text
    assert "nobody yet" in shown.text


async def test_show_elsewhere_says_how_to_name_an_incident(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    shown = await alice.command("/incident show")
    assert "INC-12" in shown.text


async def test_an_unknown_verb_gets_the_closest_ones(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    answer = await alice.command("/incident declair everything is down")
    assert "declare" in answer.text
    assert not bot.slack.calls_of("conversations.create")


@pytest.mark.parametrize(
    ("typed", "ready"),
    [
        ("take command", ["/incident role commander me"]),
        ("page @ben", ["/incident escalate @\u2060ben"]),
        ("deploy is broken", ["/incident declare deploy is broken"]),
        ("declaer sev1 deploy is broken", ["/incident declare sev1 deploy is broken"]),
        ("INC-1 notee it works again", ["/incident INC-1 note it works again"]),
        (
            "sev1 checkout down",
            ["/incident declare sev1 checkout down", "/incident severity sev1 checkout down"],
        ),
        ("help me with the database", ["/incident escalate with the database"]),
        ("INC-1 sev2", ["/incident INC-1 severity sev2"]),
        ("who is in command?", ["/incident roles"]),
        ("INC-1 who can see this", ["/incident INC-1 who"]),
        ("who's in command?", ["/incident roles"]),
        ("mitigated by the rollback", ["/incident status mitigated by the rollback"]),
    ],
)
async def test_an_unknown_verb_is_answered_with_the_ready_command(
    bot: Bot, typed: str, ready: list[str]
) -> None:
    answer = await bot.slack.add_person("alice").command(f"/incident {typed}")
    for command in ready:
        assert f"`{command}`" in answer.text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("edit Checkout is down", "takes no words after it, so nothing was done"),
        ("roles @ben scribe", "`/incident role @\u2060ben scribe`"),
        ("actions @ben fix it", "`/incident action @\u2060ben fix it`"),
        ("resolve INC-1", "`/incident INC-1 resolve`"),
        ("show inc-1", "`/incident INC-1 show`"),
        ("note INC-2 the disk is full", "`/incident INC-2 note the disk is full`"),
        ("status resolve INC-2: fixed", "`/incident INC-2 status resolve fixed`"),
        ("note about INC-2", "`/incident INC-12 note about INC-2`"),
        ("update snooze 5m", "`/incident INC-12 update snooze 5m`"),
        ("status INC-2 mitigated", "`/incident INC-2 status mitigated`"),
        ("show roles", "`/incident roles`"),
        ("show checkout", "`/incident show find checkout`"),
        ("list INC-1", "`/incident INC-1 show`"),
        ("INC-1 snooze until 15:00", "has to say how long, not until when"),
    ],
)
async def test_words_that_would_be_dropped_are_asked_about(bot: Bot, typed: str, says: str) -> None:
    answer = await bot.slack.add_person("alice").command(f"/incident {typed}")
    assert says in answer.text


async def test_an_unknown_list_gets_those_that_there_are(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    answer = await alice.command("/incident list yesterday")
    assert "Use open, all, mine or recent" in answer.text
    assert "`/incident list open`" in answer.text


async def test_help_fits_the_place(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outside = await alice.command("/incident")
    assert "/incident declare" in outside.text
    await declared(bot, by=alice)
    inside = await alice.command("/incident help", channel=ROOM)
    assert "You are in" in inside.text
    assert "INC-1" in inside.text


async def test_all_families_are_shown_in_place_of_the_six_lines(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident help")
    await alice.click(alice.ephemerals[-1], "help_all")
    await bot.settle()
    shown = alice.ephemerals[-1].rendered
    assert "`/incident postmortem`" in shown
    assert "With `severity`" not in shown.partition("`/incident status`")[0]
    assert len(alice.ephemerals) == 1
    status = await alice.command("/incident help status")
    assert "For example: `/incident resolve Rolled back checkout 1.42`" in status.rendered
    resolve = await alice.command("/incident help resolve")
    assert "Also: `/incident status resolve [what fixed it]`" in resolve.rendered
    assert (await alice.command("/incident help status resolve")).rendered == resolve.rendered


async def test_incidents_are_found_by_their_words_page_by_page(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    for word in string.ascii_lowercase[:17]:
        await alice.command(f"/incident declare sev3 {word * 3} disk")
        bot.clock.advance(timedelta(seconds=1))
    await alice.command("/incident declare sev3 Checkout <!channel> is slow")
    await bot.settle()
    found = await alice.command("/incident show find checkout")
    assert "*INC-18* Checkout" in found.rendered
    assert "<!channel>" not in found.text
    assert "INC-17" not in found.rendered
    await alice.command("/incident find disk")
    for press, shown in (("find_older", "INC-2* bbb"), ("find_newest", "INC-17* qqq")):
        await alice.click(alice.ephemerals[-1], press)
        await bot.settle()
        assert shown in alice.ephemerals[-1].rendered, press
    nothing = await alice.command("/incident show find flood")
    assert "Incidents with `flood`: none." in nothing.rendered
    empty = await alice.command("/incident show find")
    assert "`/incident find checkout`" in empty.text


async def test_help_for_every_verb_shows_how_it_is_written(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    for command in bot.app.listeners.grammar.commands:
        answer = await alice.command(f"/incident help {command.name}")
        assert command.usage.split(" ")[-1].strip("[]…") in answer.text, command.name


async def test_lists_of_many_incidents_come_in_pages(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    for word in string.ascii_lowercase[:20]:
        await alice.command(f"/incident declare sev3 {word * 3}")
        bot.clock.advance(timedelta(seconds=1))
    await bot.settle()
    first = await alice.command("/incident list")
    assert "Page 1 of 2" in first.rendered
    await alice.click(alice.ephemerals[-1], "list_next")
    await bot.settle()
    assert any("Page 2 of 2" in message.rendered for message in alice.ephemerals)

    newest = await alice.command("/incident list all")
    assert "INC-20" in newest.rendered
    for press, shown in (("list_next", "INC-1*"), ("list_previous", "INC-20*")):
        await alice.click(alice.ephemerals[-1], press)
        await bot.settle()
        assert shown in alice.ephemerals[-1].text, press


async def test_the_home_tab_offers_to_declare_and_lists_what_is_open(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.opens_home()
    await bot.settle()
    home = bot.slack.home(alice)
    assert home is not None
    assert "All is quiet" in home.rendered
    opened = await alice.click(home, "declare_open")
    await alice.submit(opened.get_view(), {"title": "Checkout errors", "severity": "sev2"})
    await bot.settle()
    await alice.opens_home()
    await bot.settle()
    home = bot.slack.home(alice)
    assert home is not None
    assert "INC-1" in home.rendered
    assert "Yours" in home.rendered
