"""People's actions, what the app hears of them, and how tests look and wait."""

import asyncio
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import CannotDoError, Change, ChangeKind, Channel, Person, SlackServer

Json = dict[str, Any]


@pytest.fixture
def room(slack: SlackServer, alice: Person, bob: Person) -> Channel:
    return slack.add_channel("room", members=[slack.bot, alice, bob])


def heard(slack: SlackServer) -> list[str]:
    """What was sent to the app, by event subtype or type."""
    return [d.event.get("subtype") or d.event["type"] for d in slack.deliveries.log]


async def test_the_app_hears_of_archiving_and_the_channel_refuses_people(
    slack: SlackServer, alice: Person, room: Channel
) -> None:
    await alice.archives(room)
    assert heard(slack) == ["channel_archive", "channel_archive"]
    assert room.is_archived
    with pytest.raises(CannotDoError, match="archived"):
        await alice.says("hello", room)
    await alice.unarchives(room)
    await alice.says("hello", room)
    assert room.messages[-1].text == "hello"


async def test_the_app_hears_of_a_rename_and_a_topic_by_hand(
    slack: SlackServer, alice: Person, room: Channel
) -> None:
    await alice.renames(room, "war")
    await alice.sets_topic(room, "All hands")
    assert heard(slack) == ["channel_name", "channel_rename", "channel_topic"]
    assert slack.channel("war") is room
    assert room.topic == "All hands"
    with pytest.raises(LookupError, match="war"):
        slack.channel("room")


async def test_a_kicked_bot_hears_of_it_and_of_nothing_later(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    await alice.kicks(slack.bot, room)
    assert heard(slack) == ["channel_leave", "member_left_channel", "channel_left"]
    await alice.says("are we alone?", room)
    assert len(slack.deliveries.log) == 3
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postMessage(channel=room.id, text="x")
    await alice.invites(slack.bot, room)
    assert slack.bot in room


async def test_a_private_channel_is_hidden_from_others(
    slack: SlackServer, client: AsyncWebClient, alice: Person, bob: Person
) -> None:
    secret = await alice.creates_channel("secret", private=True)
    assert slack.deliveries.log == []
    with pytest.raises(CannotDoError, match="sees no channel"):
        await bob.command("/incident", channel="secret")
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert [c["name"] for c in listed["channels"]] == ["general"]
    await alice.invites(slack.bot, secret)
    listed = await client.conversations_list(types="private_channel")
    assert [c["name"] for c in listed["channels"]] == ["secret"]


async def test_texts_are_escaped_and_mentions_made(
    slack: SlackServer, alice: Person, bob: Person, room: Channel
) -> None:
    group = slack.add_group("sre", [alice])
    message = await alice.says("@bob & @sre: <b> in #room, @here", room)
    assert message.text == (
        f"{bob.mention} &amp; <!subteam^{group.id}|@sre>: &lt;b&gt; in <#{room.id}|room>, <!here>"
    )
    assert message.rendered == "@bob & @sre: <b> in #room, @here"


async def test_replies_stay_in_their_thread(
    slack: SlackServer, alice: Person, bob: Person, room: Channel
) -> None:
    parent = await alice.says("What broke?", room)
    reply = await bob.says("Checkout", thread=parent)
    await alice.says("Since when?", thread=reply)
    assert [m.text for m in parent.replies] == ["Checkout", "Since when?"]
    assert room.messages == [parent]
    assert slack.deliveries.log[1].event["parent_user_id"] == alice.id


async def test_an_edit_carries_old_and_new_and_a_deletion_the_old(
    slack: SlackServer, alice: Person, bob: Person, room: Channel
) -> None:
    message = await alice.says("at noon", room)
    await alice.edits(message, "at one")
    changed = slack.deliveries.log[-1].event
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == (
        "at noon",
        "at one",
    )
    assert "user" not in changed
    with pytest.raises(CannotDoError):
        await bob.deletes(message)
    await alice.deletes(message)
    assert slack.deliveries.log[-1].event["deleted_ts"] == message.ts
    assert room.messages == []


async def test_the_app_hears_of_a_shared_file_twice(
    slack: SlackServer, alice: Person, room: Channel
) -> None:
    await alice.shares_file("graph.txt", "up and to the right", room)
    assert heard(slack) == ["file_share", "file_shared"]
    assert slack.files[0].text == "up and to the right"


async def test_the_app_hears_of_the_bots_own_writes(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    made = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    await client.conversations_invite(channel=made, users=alice.id)
    ts = (await client.chat_postMessage(channel=made, text="card"))["ts"]
    await client.pins_add(channel=made, timestamp=ts)
    await client.conversations_setTopic(channel=made, topic="SEV2")
    assert heard(slack) == [
        "channel_created",
        "member_joined_channel",
        "channel_join",
        "member_joined_channel",
        "channel_join",
        "message",
        "pin_added",
        "channel_topic",
    ]
    joined = slack.deliveries.log[3].event
    assert (joined["user"], joined["inviter"]) == (alice.id, slack.bot_user_id)


async def test_only_subscribed_events_are_delivered(alice: Person) -> None:
    async with SlackServer(subscriptions=["message.groups"]) as slack:
        carol = slack.add_person("carol")
        public = slack.add_channel("public", members=[slack.bot, carol])
        private = slack.add_channel("private", private=True, members=[slack.bot, carol])
        await carol.says("one", public)
        message = await carol.says("two", private)
        await carol.reacts(message, "eyes")
        assert [d.event["text"] for d in slack.deliveries.log] == ["two"]


async def test_two_creations_of_one_name_at_once_make_one_channel(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    slack.latency = 0.02
    results = await asyncio.gather(
        *(client.conversations_create(name="inc-1") for _ in range(3)), return_exceptions=True
    )
    errors = [r.response["error"] for r in results if isinstance(r, SlackApiError)]
    assert errors == ["name_taken", "name_taken"]


async def test_external_people_have_thin_profiles_and_another_team(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    eve = slack.add_person("eve", external_team="T0PARTNER")
    profile = (await client.users_info(user=eve.id))["user"]
    assert profile["team_id"] == "T0PARTNER"
    assert "email" not in profile["profile"]
    room = slack.add_channel("room", members=[slack.bot])
    with pytest.raises(SlackApiError, match="cant_invite"):
        await client.conversations_invite(channel=room.id, users=eve.id)


async def test_the_app_hears_of_changed_profiles_and_groups(
    slack: SlackServer, alice: Person, bob: Person
) -> None:
    slack.add_group("sre", [alice])
    slack.change_group("sre", [bob])
    slack.change_person(alice, tz="Asia/Tokyo")
    slack.welcome(bob)
    changed, person, joined = (d.event for d in slack.deliveries.log)
    assert (changed["added_users"], changed["removed_users"]) == ([bob.id], [alice.id])
    assert person["user"]["tz"] == "Asia/Tokyo"
    assert joined["type"] == "team_join"


async def test_deactivated_people_leave_their_channels_and_do_nothing(
    slack: SlackServer, bob: Person, room: Channel
) -> None:
    slack.deactivate(bob)
    assert bob not in room
    with pytest.raises(CannotDoError, match="deactivated"):
        await bob.command("/incident list")


async def test_watchers_see_each_visible_thing_in_order(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    changes: list[Change] = []
    slack.on_change(changes.append)
    message = await alice.says("help", room)
    await alice.reacts(message, "eyes")
    ts = (await client.chat_postMessage(channel=room.id, text="coming"))["ts"]
    await client.chat_update(channel=room.id, ts=ts, text="here")
    await client.chat_postMessage(channel=alice.id, text="for you")
    assert [(c.kind, c.who, c.where, c.text) for c in changes] == [
        (ChangeKind.MESSAGE, "@alice", "#room", "help"),
        (ChangeKind.REACTION, "@alice", "#room", "+:eyes:"),
        (ChangeKind.MESSAGE, "@sitrep", "#room", "coming"),
        (ChangeKind.EDITED, "@sitrep", "#room", "here"),
        (ChangeKind.MESSAGE, "@sitrep", "DM @alice", "for you"),
    ]


async def test_waiting_in_vain_shows_the_latest_calls(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    await client.auth_test()
    with pytest.raises(AssertionError, match=r"a card.*auth\.test ok"):
        await slack.wait_for(lambda: slack.find("card"), timeout=0.05, saying="a card")


async def test_waiting_ends_with_the_change_waited_for(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    waiting = asyncio.create_task(slack.wait_for(lambda: slack.find("card")))
    await client.chat_postMessage(channel=room.id, text="the card")
    assert await waiting is room.messages[0]


async def test_quiet_waits_for_running_calls(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    slack.latency = 0.2
    call = asyncio.create_task(client.chat_postMessage(channel=room.id, text="slow"))
    await slack.wait_for(lambda: slack.calls)
    await slack.quiet(0.02)
    assert [m.text for m in room.messages] == ["slow"]
    await call


async def test_a_message_without_fallback_text_is_a_violation(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    block = {"type": "divider"}
    await client.api_call("chat.postMessage", json={"channel": room.id, "blocks": [block]})
    assert slack.violations == ["message of 1 blocks has no fallback text"]


async def test_arguments_are_read_from_query_form_and_json_alike(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    for form in ("params", "data", "json"):
        arguments: Json = {form: {"channel": room.id, "text": form}}
        await client.api_call("chat.postMessage", **arguments)
    assert [m.text for m in room.messages] == ["params", "data", "json"]
