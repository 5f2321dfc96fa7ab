"""The Web API's lists and lesser methods, driven by the real client."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import Channel, Person, SlackServer


@pytest.fixture
def room(slack: SlackServer, alice: Person) -> Channel:
    return slack.add_channel("room", members=[slack.bot, alice])


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_the_bot_joins_public_channels_and_leaves_them(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    public = slack.add_channel("public", members=[alice])
    private = slack.add_channel("private", private=True, members=[alice, slack.bot])
    await client.conversations_join(channel=public.id)
    again = await client.conversations_join(channel=public.id)
    assert again["warning"] == "already_in_channel"
    assert slack.bot in public
    refused = await refusal(client.conversations_join(channel=private.id))
    assert refused == "method_not_supported_for_channel_type"
    await client.conversations_leave(channel=public.id)
    assert slack.bot not in public
    assert (await client.conversations_leave(channel=public.id))["not_in_channel"]


async def test_the_bot_removes_others_but_not_itself(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    kick = client.conversations_kick
    await kick(channel=room.id, user=alice.id)
    assert alice not in room
    assert await refusal(kick(channel=room.id, user=alice.id)) == "not_in_channel"
    assert await refusal(kick(channel=room.id, user=slack.bot_user_id)) == "cant_kick_self"


async def test_invitations_are_refused_for_their_reasons(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    single = slack.add_person("solo", guest="single")
    reasons = {
        alice.id: "already_in_channel",
        slack.bot_user_id: "cant_invite_self",
        single.id: "ura_max_channels",
        "U404": "user_not_found",
        ",".join(f"U{n}" for n in range(101)): "too_many_users",
    }
    for users, error in reasons.items():
        assert await refusal(client.conversations_invite(channel=room.id, users=users)) == error


async def test_direct_conversations_are_opened_once(
    slack: SlackServer, client: AsyncWebClient, alice: Person, bob: Person
) -> None:
    first = (await client.conversations_open(users=[alice.id]))["channel"]["id"]
    again = (await client.conversations_open(users=[alice.id]))["channel"]["id"]
    both = (await client.conversations_open(users=[alice.id, bob.id]))["channel"]["id"]
    assert first == again == slack.dm(alice).id
    assert both != first
    assert (await client.conversations_info(channel=first))["channel"]["user"] == alice.id
    slack.deactivate(bob)
    assert await refusal(client.conversations_open(users=[bob.id])) == "user_disabled"


async def test_members_and_own_conversations_are_listed(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    slack.add_channel("elsewhere", members=[alice])
    members = (await client.conversations_members(channel=room.id))["members"]
    assert members == [slack.bot_user_id, alice.id]
    joined = (await client.users_conversations())["channels"]
    assert [channel["name"] for channel in joined] == ["room"]
    listed = (await client.users_list())["members"]
    assert {slack.bot_user_id, alice.id} < {user["id"] for user in listed}


async def test_a_channel_is_described_and_renamed_only_by_its_creator(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    made = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    await client.conversations_setPurpose(channel=made, purpose="Checkout")
    info = (await client.conversations_info(channel=made, include_num_members=True))["channel"]
    assert (info["creator"], info["num_members"]) == (slack.bot_user_id, 1)
    assert info["purpose"]["value"] == "Checkout"
    await client.conversations_rename(channel=made, name="inc-2")
    assert slack.channel("inc-2").previous_names == ["inc-1"]
    hers = slack.add_channel("hers", members=[alice, slack.bot])
    rename = client.conversations_rename(channel=hers.id, name="mine")
    assert await refusal(rename) == "not_authorized"
    assert await refusal(client.conversations_list(types="secret")) == "invalid_types"


async def test_bookmarks_are_added_changed_listed_and_removed(
    client: AsyncWebClient, room: Channel
) -> None:
    bad = client.bookmarks_add(channel_id=room.id, title="x", type="link", link="ftp://x")
    assert await refusal(bad) == "invalid_link"
    made = await client.bookmarks_add(
        channel_id=room.id, title="Runbook", type="link", link="https://example.com/a"
    )
    bookmark_id = made["bookmark"]["id"]
    await client.bookmarks_edit(
        channel_id=room.id, bookmark_id=bookmark_id, link="https://example.com/b"
    )
    (listed,) = (await client.bookmarks_list(channel_id=room.id))["bookmarks"]
    assert (listed["title"], listed["link"]) == ("Runbook", "https://example.com/b")
    await client.bookmarks_remove(channel_id=room.id, bookmark_id=bookmark_id)
    assert room.bookmarks == []


async def test_pins_and_reactions_are_read_back(
    client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    message = await alice.says("at noon", room)
    await alice.pins(message)
    await client.reactions_add(channel=room.id, timestamp=message.ts, name=":eyes:")
    (item,) = (await client.pins_list(channel=room.id))["items"]
    assert item["message"]["pinned_to"] == [room.id]
    read = await client.reactions_get(channel=room.id, timestamp=message.ts)
    assert [r["name"] for r in read["message"]["reactions"]] == ["eyes"]
    await client.pins_remove(channel=room.id, timestamp=message.ts)
    assert await refusal(client.pins_remove(channel=room.id, timestamp=message.ts)) == "no_pin"


async def test_files_are_described_listed_and_deleted(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    await client.files_upload_v2(channel=room.id, filename="a.md", content="x")
    await alice.shares_file("b.txt", "y", room)
    own, hers = slack.files
    info = (await client.files_info(file=own.id))["file"]
    assert list(info["shares"]["public"]) == [room.id]
    listed = (await client.files_list(channel=room.id))["files"]
    assert [file["name"] for file in listed] == ["a.md", "b.txt"]
    await client.files_delete(file=own.id)
    assert slack.files == [hers]
    assert await refusal(client.files_delete(file=hers.id)) == "cant_delete_file"
    empty = client.files_getUploadURLExternal(filename="a", length=0)
    assert await refusal(empty) == "missing_argument"


async def test_only_own_messages_are_deleted(
    client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    hers = await alice.says("mine", room)
    own = (await client.chat_postMessage(channel=room.id, text="own"))["ts"]
    await client.chat_delete(channel=room.id, ts=own)
    assert room.messages == [hers]
    refused = await refusal(client.chat_delete(channel=room.id, ts=hers.ts))
    assert refused == "cant_delete_message"


async def test_the_workspace_its_bot_and_groups_are_described(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    slack.add_group("sre", [alice])
    (group,) = (await client.usergroups_list(include_users=True))["usergroups"]
    assert (group["handle"], group["users"]) == ("sre", [alice.id])
    assert (await client.team_info())["team"]["id"] == slack.team_id
    bot_id = (await client.auth_test())["bot_id"]
    assert (await client.bots_info(bot=bot_id))["bot"]["user_id"] == slack.bot_user_id
    assert await refusal(client.users_info(user="U404")) == "user_not_found"


async def test_malformed_arguments_are_refused(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    post = client.chat_postMessage
    call = client.api_call
    assert await refusal(call("chat.postMessage", json={"channel": room.id})) == "no_text"
    assert await refusal(post(channel=room.id, text="x", blocks="{")) == "invalid_blocks_format"
    assert await refusal(post(channel=room.id, text="x", thread_ts="1.0")) == "thread_not_found"
    assert await refusal(call("chat.postMessage", json={"text": "x"})) == "invalid_arguments"
    assert await refusal(call("apps.connections.open")) == "not_allowed_token_type"
    history = client.conversations_history
    assert await refusal(history(channel=room.id, limit=5000)) == "invalid_limit"
    assert await refusal(history(channel=room.id, cursor="x")) == "invalid_cursor"
    replies = client.conversations_replies(channel=room.id, ts="1.0")
    assert await refusal(replies) == "thread_not_found"
    assert slack.violations == []


async def test_a_read_only_channel_takes_no_posts(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    news = slack.add_channel("news", members=[slack.bot], read_only=True)
    post = client.chat_postMessage(channel=news.id, text="x")
    assert await refusal(post) == "restricted_action_read_only_channel"
