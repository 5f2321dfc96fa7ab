"""The Web API's strictness, driven by the real client."""

import asyncio
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import Person, SlackServer


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_auth_test_names_the_bot_and_its_scopes(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.bot_user_id
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_a_wrong_token_is_refused(slack: SlackServer) -> None:
    stranger = AsyncWebClient(token="xoxb-wrong", base_url=slack.api_url)
    assert await refusal(stranger.auth_test()) == "invalid_auth"


async def test_a_method_without_its_scope_is_refused(alice: Person) -> None:
    async with SlackServer(scopes=["chat:write"]) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_create(name="inc-1")
        assert caught.value.response["error"] == "missing_scope"
        assert caught.value.response["needed"] == "channels:manage"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Inc 1", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
        ("", "invalid_name_required"),
        ("general", "name_taken"),
    ],
)
async def test_channel_names_are_checked(client: AsyncWebClient, name: str, error: str) -> None:
    assert await refusal(client.conversations_create(name=name)) == error


async def test_a_created_channel_holds_its_creator_and_the_people_invited(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    made = (await client.conversations_create(name="inc-1", is_private=True))["channel"]
    await client.conversations_invite(channel=made["id"], users=[alice.id])
    channel = slack.channel("inc-1")
    assert alice in channel
    assert channel.is_private
    assert slack.bot in channel


async def test_one_bad_invitee_refuses_all_unless_forced(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    guest = slack.add_person("gus", guest=True)
    room = slack.add_channel("room", members=[slack.bot])
    both = [guest.id, alice.id]
    invite = client.conversations_invite(channel=room.id, users=both)
    assert await refusal(invite) == "user_is_restricted"
    assert alice not in room
    await client.conversations_invite(channel=room.id, users=both, force=True)
    assert alice in room
    assert guest not in room


async def test_posting_needs_membership_and_an_open_channel(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    away = slack.add_channel("away", members=[alice])
    hidden = slack.add_channel("hidden", private=True, members=[alice])
    old = slack.add_channel("old", members=[slack.bot])
    old.is_archived = True
    post = client.chat_postMessage
    assert await refusal(post(channel=away.id, text="x")) == "not_in_channel"
    assert await refusal(post(channel=hidden.id, text="x")) == "channel_not_found"
    assert await refusal(post(channel=old.id, text="x")) == "is_archived"
    assert await refusal(post(channel="C404", text="x")) == "channel_not_found"


async def test_a_message_to_a_person_arrives_in_their_direct_conversation(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    await client.chat_postMessage(channel=alice.id, text="You are commander")
    assert [m.text for m in slack.dm(alice).messages] == ["You are commander"]


async def test_an_invalid_block_is_refused_and_recorded(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    long = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    post = client.chat_postMessage(channel=room.id, text="x", blocks=[long])
    assert await refusal(post) == "invalid_blocks"
    assert len(slack.violations) == 1
    assert "/blocks/0/text" in slack.violations[0]


async def test_metadata_comes_back_only_when_asked_for(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    metadata = {"event_type": "effect", "event_payload": {"id": "e1"}}
    await client.chat_postMessage(channel=room.id, text="x", metadata=metadata)
    plain = (await client.conversations_history(channel=room.id))["messages"][0]
    full = (await client.conversations_history(channel=room.id, include_all_metadata=True))[
        "messages"
    ][0]
    assert "metadata" not in plain
    assert full["metadata"] == metadata


async def test_threads_are_read_apart_from_the_channel(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    parent = await client.chat_postMessage(channel=room.id, text="parent")
    await client.chat_postMessage(channel=room.id, text="reply", thread_ts=parent["ts"])
    history = (await client.conversations_history(channel=room.id))["messages"]
    thread = (await client.conversations_replies(channel=room.id, ts=parent["ts"]))["messages"]
    assert [m["text"] for m in history] == ["parent"]
    assert [m["text"] for m in thread] == ["parent", "reply"]
    assert room.messages[0].replies[0].text == "reply"


async def test_history_finds_one_message_by_its_ts(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    stamps = [
        (await client.chat_postMessage(channel=room.id, text=f"m{n}"))["ts"] for n in range(3)
    ]
    found = await client.conversations_history(
        channel=room.id, latest=stamps[1], inclusive=True, limit=1
    )
    assert [m["text"] for m in found["messages"]] == ["m1"]


async def test_history_is_paged_by_cursor(slack: SlackServer, client: AsyncWebClient) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    for n in range(3):
        await client.chat_postMessage(channel=room.id, text=f"m{n}")
    texts = [
        message["text"]
        async for answer in await client.conversations_history(channel=room.id, limit=2)
        for message in answer["messages"]
    ]
    assert texts == ["m2", "m1", "m0"]


async def test_updating_keeps_metadata_and_drops_blocks_when_only_text_is_given(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "*old*"}}
    metadata = {"event_type": "effect", "event_payload": {"id": "e1"}}
    sent = await client.chat_postMessage(
        channel=room.id, text="old", blocks=[block], metadata=metadata
    )
    await client.chat_update(channel=room.id, ts=sent["ts"], text="new")
    (message,) = room.messages
    assert (message.text, message.blocks, message.metadata) == ("new", [], metadata)
    assert message.edited


async def test_only_own_messages_of_open_channels_can_be_updated(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    room = slack.add_channel("room", members=[alice, slack.bot])
    hers = await alice.says("mine", room)
    own = (await client.chat_postMessage(channel=room.id, text="own"))["ts"]
    update = client.chat_update
    assert await refusal(update(channel=room.id, ts=hers.ts, text="x")) == "cant_update_message"
    assert await refusal(update(channel=room.id, ts="1.0", text="x")) == "message_not_found"
    assert await refusal(update(channel=room.id, ts=own, text="x" * 4001)) == "msg_too_long"
    room.is_archived = True
    assert await refusal(update(channel=room.id, ts=own, text="x")) == "is_inactive"


async def test_pins_and_reactions_refuse_repeats(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    ts = (await client.chat_postMessage(channel=room.id, text="card"))["ts"]
    await client.pins_add(channel=room.id, timestamp=ts)
    await client.reactions_add(channel=room.id, timestamp=ts, name="eyes")
    assert room.pins == room.messages
    assert await refusal(client.pins_add(channel=room.id, timestamp=ts)) == "already_pinned"
    react = client.reactions_add(channel=room.id, timestamp=ts, name="eyes")
    assert await refusal(react) == "already_reacted"
    unreact = client.reactions_remove(channel=room.id, timestamp=ts, name="tada")
    assert await refusal(unreact) == "no_reaction"


async def test_bookmark_calls_at_once_on_one_channel_are_refused(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    slack.latency = 0.05

    async def add(title: str) -> Any:
        return await client.bookmarks_add(
            channel_id=room.id, title=title, type="link", link="https://example.com"
        )

    results = await asyncio.gather(add("one"), add("two"), return_exceptions=True)
    assert [isinstance(r, SlackApiError) for r in results].count(True) == 1
    assert len(room.bookmarks) == 1


async def test_a_file_is_uploaded_in_three_steps_and_shared(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    await client.files_upload_v2(
        channel=room.id, filename="timeline.md", content="# Timeline", initial_comment="Here"
    )
    (file,) = slack.files
    assert file.text == "# Timeline"
    (message,) = room.messages
    assert (message.text, message.files) == ("Here", [file])


async def test_a_file_for_a_channel_without_the_bot_is_refused(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room")
    upload = client.files_upload_v2(channel=room.id, filename="a.md", content="x")
    assert await refusal(upload) == "not_in_channel"


async def test_people_are_found_by_id_email_and_group(
    slack: SlackServer, client: AsyncWebClient, alice: Person, bob: Person
) -> None:
    group = slack.add_group("sre", [alice, bob])
    found = await client.users_lookupByEmail(email="Alice@example.com")
    assert found["user"]["id"] == alice.id
    assert (await client.users_info(user=bob.id))["user"]["tz"] == "America/New_York"
    listed = await client.usergroups_users_list(usergroup=group.id)
    assert listed["users"] == [alice.id, bob.id]
    assert await refusal(client.usergroups_users_list(usergroup="S0")) == "no_such_subteam"
    slack.deactivate(alice)
    assert await refusal(client.users_lookupByEmail(email="alice@example.com")) == "users_not_found"


async def test_an_archived_channel_refuses_changes_until_unarchived(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    await client.conversations_archive(channel=room.id)
    topic = client.conversations_setTopic(channel=room.id, topic="x")
    assert await refusal(topic) == "is_archived"
    assert await refusal(client.conversations_archive(channel=room.id)) == "already_archived"
    await client.conversations_unarchive(channel=room.id)
    await client.conversations_setTopic(channel=room.id, topic="x")
    assert room.topic == "x"
    too_long = client.conversations_setTopic(channel=room.id, topic="x" * 251)
    assert await refusal(too_long) == "too_long"


async def test_a_permalink_points_into_the_thread(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    room = slack.add_channel("room", members=[slack.bot])
    parent = (await client.chat_postMessage(channel=room.id, text="p"))["ts"]
    reply = (await client.chat_postMessage(channel=room.id, text="r", thread_ts=parent))["ts"]
    link = (await client.chat_getPermalink(channel=room.id, message_ts=reply))["permalink"]
    assert link.endswith(f"/p{reply.replace('.', '')}?thread_ts={parent}&cid={room.id}")


async def test_an_ephemeral_is_seen_by_one_member_only(
    slack: SlackServer, client: AsyncWebClient, alice: Person, bob: Person
) -> None:
    room = slack.add_channel("room", members=[slack.bot, alice])
    await client.chat_postEphemeral(channel=room.id, user=alice.id, text="psst")
    assert [m.text for m in alice.ephemerals] == ["psst"]
    assert bob.ephemerals == []
    to_bob = client.chat_postEphemeral(channel=room.id, user=bob.id, text="psst")
    assert await refusal(to_bob) == "user_not_in_channel"


async def test_an_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.shout")) == "unknown_method"
