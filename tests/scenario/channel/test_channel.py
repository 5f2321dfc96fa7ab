"""Opening the incident channel: names, refusals, faults, a restart midway, other channels."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from incidents.policy.channels import Bookmark
from incidents.policy.escalation import Service
from tests.scenario.conftest import DECLARE, ROOM, Bot, declared, said
from tests.slack_server import Channel, Message, Outcome, Person


def _labels(message: Message) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def _rooms(bot: Bot) -> list[str]:
    return [room.name for room in bot.slack.channels if room.name.startswith("inc-")]


def _cards(room: Channel) -> list[Message]:
    return [message for message in room.pins if "Checkout errors" in message.rendered]


async def _refused(bot: Bot) -> tuple[Person, Message]:
    alice = bot.slack.add_person("alice")
    bot.slack.fail("conversations.create", error="restricted_action")
    await alice.command(DECLARE)
    await bot.settle()
    return alice, bot.slack.dm(alice).messages[-1]


async def test_a_taken_name_gets_a_number(bot: Bot) -> None:
    bot.slack.add_channel(ROOM)
    alice, _ = await declared(bot)
    room = bot.slack.channel(f"{ROOM}-2")
    assert alice in room
    assert len(_cards(room)) == 1


@pytest.mark.parametrize("title", ["🔥🔥🔥", "決済エラー", "errors " * 43, "<!channel> *down*"])
async def test_any_title_gives_a_channel(bot: Bot, title: str) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(f"/incident declare sev2 {title}")
    await bot.settle()
    assert len(_rooms(bot)) == 1
    room = bot.slack.channel(_rooms(bot)[0])
    assert alice in room


async def test_a_connection_dropped_after_creating_leaves_exactly_one_channel(bot: Bot) -> None:
    bot.slack.drop("conversations.create", after=True)
    alice, _ = await declared(bot)
    await bot.advance(minutes=1)
    assert _rooms(bot) == [ROOM]
    assert len(_cards(bot.slack.channel(ROOM))) == 1
    assert alice in bot.slack.channel(ROOM)


async def test_the_second_name_made_by_a_dropped_call_is_found_again(bot: Bot) -> None:
    bot.slack.add_channel(ROOM)
    bot.slack.drop(
        "conversations.create", after=True, match=lambda args: str(args["name"]).endswith("-2")
    )
    alice, _ = await declared(bot)
    await bot.advance(minutes=1)
    assert _rooms(bot) == [ROOM, f"{ROOM}-2"]
    assert alice in bot.slack.channel(f"{ROOM}-2")


async def test_killed_while_creating_it_opens_one_channel_with_one_card(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.hang("conversations.create", after=True)
    await alice.command(DECLARE)
    await bot.slack.wait_for(lambda: bot.slack.find_channel(ROOM))
    stopping = asyncio.create_task(bot.stop())
    await asyncio.sleep(0.05)
    bot.slack.heal()
    await stopping
    await bot.start()
    async with asyncio.timeout(5):
        while not bot.app.dispatcher.holds_lease:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.01)
    await bot.advance(minutes=1)
    assert _rooms(bot) == [ROOM]
    room = bot.slack.channel(ROOM)
    assert len(_cards(room)) == 1
    assert alice in room
    creations = [call for call in bot.slack.calls_of("conversations.create") if call.took_effect]
    assert len(creations) == 1


async def test_rate_limited_it_waits_as_long_as_slack_says(bot: Bot) -> None:
    bot.slack.fail("conversations.create", error="ratelimited", retry_after=30)
    await bot.slack.add_person("alice").command(DECLARE)
    await bot.settle()
    assert _rooms(bot) == []
    await bot.advance(minutes=1)
    assert _rooms(bot) == [ROOM]


async def test_a_private_incident_has_a_private_channel_and_is_announced_nowhere(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(f"{DECLARE} --private")
    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert room.is_private
    assert alice in room
    assert bot.slack.channel("incidents").messages == []


# -- refused, and existing channels -------------------------------------------------------------


async def test_a_refused_channel_is_told_with_two_ways_on(bot: Bot) -> None:
    _alice, told = await _refused(bot)
    assert "INC-1" in told.text
    assert "restricted_action" in told.text
    assert _labels(told) == ["Use an existing channel…", "Retry"]
    assert len(bot.slack.channel("incidents").messages) == 1


async def test_an_existing_channel_takes_the_place_of_a_refused_one(bot: Bot) -> None:
    alice, told = await _refused(bot)
    room = await alice.creates_channel("checkout-room")
    form = (await alice.click(told, "channel_use_open")).get_view()
    outcome = await alice.submit(form, {"channel": room})
    assert outcome.errors == {}
    await bot.settle()
    assert bot.slack.bot in room
    assert len(_cards(room)) == 1
    (chosen,) = said(room, "as the incident channel")
    assert "INC-1 Checkout errors goes on here." in chosen.rendered.replace("*", "")
    assert room.id in bot.slack.channel("incidents").messages[0].text


async def test_retry_opens_the_channel_once_slack_allows_it(bot: Bot) -> None:
    alice, told = await _refused(bot)
    await alice.click(told, "effect_retry")
    await bot.settle()
    assert alice in bot.slack.channel(ROOM)
    assert len(_cards(bot.slack.channel(ROOM))) == 1


async def test_the_command_moves_an_incident_to_another_channel(bot: Bot) -> None:
    alice, old = await declared(bot)
    room = await alice.creates_channel("checkout-room")
    outcome = await alice.command("/incident channel #checkout-room", channel=old)
    assert room.id in outcome.text
    await bot.settle()
    assert len(_cards(room)) == 1
    assert said(room, "Checkout errors goes on here.")
    assert room.id in old.messages[-1].text
    again = await alice.command("/incident INC-1 channel #checkout-room")
    assert "already" in again.text


async def test_a_channel_that_cannot_be_used_is_refused_in_the_field(bot: Bot) -> None:
    alice, told = await _refused(bot)
    hidden = await alice.creates_channel("hidden-room", private=True)
    form = (await alice.click(told, "channel_use_open")).get_view()
    assert "invite" in (await alice.submit(form, {"channel": hidden})).errors["channel"]
    incidents = bot.slack.channel("incidents")
    assert "announced" in (await alice.submit(form, {"channel": incidents})).errors["channel"]
    await alice.invites(bot.slack.bot, hidden)
    assert (await alice.submit(form, {"channel": hidden})).errors == {}
    await bot.settle()
    assert len(_cards(hidden)) == 1


async def test_a_private_incident_does_not_go_into_a_public_channel(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(f"{DECLARE} --private")
    await bot.settle()
    await alice.creates_channel("open-room")
    outcome = await alice.command("/incident INC-1 channel #open-room")
    assert "private" in outcome.text
    await bot.settle()
    assert bot.slack.channel("open-room").messages == []


async def test_a_channel_used_by_another_incident_is_refused(bot: Bot) -> None:
    alice, _ = await declared(bot)
    await alice.command("/incident declare sev3 Slow search")
    await bot.settle()
    outcome = await alice.command(f"/incident INC-2 channel #{ROOM}")
    assert "another incident" in outcome.text


async def test_text_that_is_no_channel_is_answered_with_an_example(bot: Bot) -> None:
    alice, room = await declared(bot)
    outcome = await alice.command("/incident channel somewhere", channel=room)
    assert "`/incident channel #database-room`" in outcome.text


async def test_a_command_without_a_name_opens_the_form(bot: Bot) -> None:
    alice, room = await declared(bot)
    outcome: Outcome = await alice.command("/incident channel", channel=room)
    assert outcome.get_view().title == "Use a channel"


# -- topic and bookmarks ------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _with_services(bot: Bot) -> AsyncIterator[None]:
    runbook, dashboard = "https://wiki.example.com/{}", "https://grafana.example.com/{}"
    bot.change_policy(
        services=tuple(
            Service(
                key=key,
                name=key.title(),
                tier=1,
                runbook_url=runbook.format(key),
                dashboard_url=dashboard.format(key) if key == "checkout" else None,
            )
            for key in ("checkout", "search")
        ),
        bookmarks=(
            *bot.loaded.policy.bookmarks,
            Bookmark(title="Logs", url="https://logs.example.com/?q={service}"),
            Bookmark(title="Notes", url="https://notes.example.com/{reference}"),
        ),
    )
    await bot.restart()
    yield


async def _declare_with_services(bot: Bot, *services: str) -> Channel:
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    values = {"title": "Checkout errors", "severity": "sev2", "services": list(services)}
    await alice.submit(form, values)
    await bot.settle()
    return bot.slack.channel(ROOM)


async def test_each_service_brings_its_bookmarks(bot: Bot) -> None:
    async with _with_services(bot):
        room = await _declare_with_services(bot, "checkout", "search")
    assert {bookmark.title: bookmark.link for bookmark in room.bookmarks} == {
        "Runbook: Checkout": "https://wiki.example.com/checkout",
        "Runbook: Search": "https://wiki.example.com/search",
        "Dashboard: Checkout": "https://grafana.example.com/checkout",
        "Logs: Checkout": "https://logs.example.com/?q=checkout",
        "Logs: Search": "https://logs.example.com/?q=search",
        "Notes": "https://notes.example.com/INC-1",
    }


async def test_a_bookmark_that_may_have_been_added_is_not_added_twice(bot: Bot) -> None:
    bot.slack.drop("bookmarks.add", after=True)
    async with _with_services(bot):
        room = await _declare_with_services(bot, "checkout")
        await bot.advance(minutes=1)
    links = [bookmark.link for bookmark in room.bookmarks]
    assert sorted(links) == sorted(set(links))
    assert len(links) == 4


async def test_refused_topic_and_bookmarks_hold_nothing_up(bot: Bot) -> None:
    bot.slack.fail("conversations.setTopic", error="restricted_action", times=99)
    bot.slack.fail("bookmarks.add", error="restricted_action", times=99)
    async with _with_services(bot):
        room = await _declare_with_services(bot, "checkout")
        await bot.slack.person("alice").command("/incident severity sev1 Worse", channel=room)
        await bot.settle()
    assert len(_cards(room)) == 1
    assert room.topic == ""
    assert room.bookmarks == []
    assert not any("refused" in message.text for message in room.messages)


async def test_a_topic_that_people_wrote_stays(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident severity sev1", channel=room)
    await bot.settle()
    assert "SEV1" in room.topic
    await alice.sets_topic(room, "Bridge: https://meet.example.com/1")
    await alice.command("/incident severity sev2 It is less", channel=room)
    await bot.settle()
    assert room.topic == "Bridge: https://meet.example.com/1"


async def test_what_people_add_to_our_topic_stays(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident severity sev1", channel=room)
    await bot.settle()
    added = f"{room.topic} | Bridge: https://meet.example.com/1"
    await alice.sets_topic(room, added)
    await alice.command("/incident severity sev2 It is less", channel=room)
    await bot.settle()
    assert room.topic == added


async def test_the_policy_can_keep_people_from_choosing_channels(bot: Bot) -> None:
    channels = replace(bot.loaded.policy.channels, allow_existing=False)
    bot.change_policy(channels=channels)
    await bot.restart()
    _alice, told = await _refused(bot)
    assert _labels(told) == ["Retry"]


async def test_the_channel_that_everybody_is_in_isnt_an_incidents(bot: Bot) -> None:
    alice, _ = await declared(bot)
    outcome = await alice.command("/incident INC-1 channel #general")
    assert "has everybody in it. Choose another" in outcome.text
    await bot.settle()
    assert not bot.slack.channel("general").pins
