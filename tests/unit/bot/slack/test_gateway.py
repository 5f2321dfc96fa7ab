"""What the gateway does, against the embedded Slack."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent
from bot.slack.gateway.messages import EFFECT_EVENT_TYPE
from bot.slack.gateway.people import Attention
from tests.unit.bot.slack.conftest import Door

MINUTE = timedelta(minutes=1)


def said(text: str) -> Message:
    return Message(text, (blocks.section(text),))


async def test_it_knows_whose_token_it_has(door: Door) -> None:
    identity = await door.gateway.auth_test()
    assert identity.team_id == door.slack.team_id
    assert identity.bot_user_id == door.slack.bot_user_id
    assert "chat:write" in (identity.scopes or ())
    assert identity.server_time == door.clock.now()


async def test_a_created_channel_is_there_and_private_if_asked(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1-checkout", private=True)
    channel = door.slack.channel(made.id)
    assert (channel.name, channel.is_private) == ("inc-1-checkout", True)
    assert made.is_private


async def test_our_own_channel_is_found_again_by_name_and_time(door: Door) -> None:
    started = door.clock.now()
    made = await door.gateway.create_channel("inc-1", private=True)
    found = await door.gateway.find_own_channel("inc-1", created_after=started)
    assert found is not None
    assert found.id == made.id
    assert await door.gateway.find_own_channel("inc-2", created_after=started) is None
    later = started + 10 * MINUTE
    assert await door.gateway.find_own_channel("inc-1", created_after=later) is None


async def test_a_channel_that_somebody_else_made_is_not_ours(door: Door) -> None:
    started = door.clock.now()
    door.slack.add_channel("inc-1", members=[door.alice, door.slack.bot])
    assert await door.gateway.find_own_channel("inc-1", created_after=started) is None


async def test_a_channel_is_found_by_name_or_id(door: Door) -> None:
    made = door.slack.add_channel("incidents", members=[door.alice])
    for wanted in ("incidents", "#incidents", made.id):
        found = await door.gateway.find_channel(wanted)
        assert found is not None, wanted
        assert found.id == made.id
    assert await door.gateway.find_channel("#nowhere") is None
    assert await door.gateway.find_channel("C0NOWHERE0") is None


async def test_a_failed_invitation_doesnt_stop_the_others(door: Door) -> None:
    bob = door.slack.add_person("bob")
    guest = door.slack.add_person("gil", guest="single")
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.invite(made.id, [door.alice.id])
    wanted = [door.alice.id, guest.id, "U0NOBODY00", bob.id, bob.id]
    outcomes = await door.gateway.invite(made.id, wanted)
    assert {outcome.user_id: outcome.error for outcome in outcomes} == {
        door.alice.id: None,
        bob.id: None,
        guest.id: "ura_max_channels",
        "U0NOBODY00": "user_not_found",
    }
    assert bob in door.slack.channel(made.id)


async def test_invitations_are_made_one_by_one_when_all_are_refused_together(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    outcomes = await door.gateway.invite(made.id, ["U0NOBODY00", "U0NOBODY01"])
    assert [outcome.error for outcome in outcomes] == ["user_not_found"] * 2
    assert len(door.slack.calls_of("conversations.invite")) == 3


async def test_a_channel_that_accepts_nobody_is_a_failure(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.archive(made.id)
    with pytest.raises(SlackPermanent, match="is_archived"):
        await door.gateway.invite(made.id, [door.alice.id])


async def test_a_channel_is_described_archived_and_brought_back(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.set_topic(made.id, "SEV1 · investigating" + "x" * 300)
    await door.gateway.archive(made.id)
    await door.gateway.archive(made.id)
    info = await door.gateway.channel_info(made.id)
    assert (info.name, info.is_archived) == ("inc-1", True)
    assert len(info.topic) == 250
    await door.gateway.unarchive(made.id)
    await door.gateway.unarchive(made.id)
    assert not door.slack.channel(made.id).is_archived


async def test_all_members_are_listed(door: Door) -> None:
    door.slack.add_channel("incidents", members=[door.alice])
    found = await door.gateway.find_channel("incidents")
    assert found is not None
    await door.gateway.join(found.id)
    await door.gateway.join(found.id)
    assert set(await door.gateway.members(found.id)) == {door.alice.id, door.slack.bot_user_id}


async def test_a_posted_message_carries_its_effect_id_and_nothing_else(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    posted = await door.gateway.post(made.id, said("hello"), effect_id="e-1")
    message = door.slack.find("hello")
    assert message is not None
    assert (posted.channel, posted.ts) == (made.id, message.ts)
    assert message.metadata == {
        "event_type": EFFECT_EVENT_TYPE,
        "event_payload": {"effect_id": "e-1"},
    }


async def test_a_message_is_found_again_by_its_effect_id(door: Door) -> None:
    started = door.clock.now()
    made = await door.gateway.create_channel("inc-1", private=False)
    first = await door.gateway.post(made.id, said("hello"), effect_id="e-1")
    gateway = door.gateway
    assert await gateway.find_posted(made.id, effect_id="e-1", oldest=started) == first.ts
    assert await gateway.find_posted(made.id, effect_id="e-3", oldest=started) is None


async def test_a_direct_message_is_found_again_by_the_persons_id(door: Door) -> None:
    started = door.clock.now()
    posted = await door.gateway.post(door.alice.id, said("your turn"), effect_id="e-1")
    assert posted.channel.startswith("D")
    found = await door.gateway.find_posted(door.alice.id, effect_id="e-1", oldest=started)
    assert found == posted.ts


async def test_a_message_is_changed_pinned_and_deleted(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    posted = await door.gateway.post(made.id, said("before"), effect_id="e-1")
    await door.gateway.update(posted.channel, posted.ts, said("after"))
    await door.gateway.pin(posted.channel, posted.ts)
    await door.gateway.pin(posted.channel, posted.ts)
    message = door.slack.channel(made.id).pins[0]
    assert message.text == "after"
    assert (message.metadata or {}).get("event_payload") == {"effect_id": "e-1"}
    assert posted.ts.replace(".", "") in await door.gateway.permalink(posted.channel, posted.ts)
    await door.gateway.delete(posted.channel, posted.ts)
    await door.gateway.delete(posted.channel, posted.ts)
    assert await door.gateway.fetch_message(posted.channel, posted.ts) is None


async def test_a_marked_message_is_fetched_even_from_a_thread(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.invite(made.id, [door.alice.id])
    room = door.slack.channel(made.id)
    parent = await door.alice.says("errors since 14:05", room)
    reply = await door.alice.says("rolled back", room, thread=parent)
    await door.alice.says("and again", room, thread=parent)
    first = await door.gateway.fetch_message(made.id, parent.ts)
    assert first is not None
    assert (first.text, first.user_id) == ("errors since 14:05", door.alice.id)
    for thread_ts in (None, parent.ts):
        second = await door.gateway.fetch_message(made.id, reply.ts, thread_ts=thread_ts)
        assert second is not None
        assert (second.text, second.thread_ts) == ("rolled back", parent.ts)
    assert await door.gateway.fetch_message(made.id, "1.000001") is None


async def test_bookmarks_are_listed_and_added(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    added = await door.gateway.add_bookmark(
        made.id, title="Runbook", link="https://example.com/runbook"
    )
    assert await door.gateway.list_bookmarks(made.id) == (added,)


@pytest.mark.parametrize("content", [b"time,kind\n", b""])
async def test_a_file_is_uploaded_to_a_channel(door: Door, content: bytes) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.upload_file(
        made.id, filename="inc-1.csv", content=content, comment="Exported."
    )
    (file,) = door.slack.files
    assert (file.name, file.title) == ("inc-1.csv", "inc-1.csv")
    assert file.content == (content or b"\n")


async def test_people_are_described(door: Door) -> None:
    guest = door.slack.add_person("gil", guest="multi")
    alice = await door.gateway.user(door.alice.id)
    assert (alice.id, alice.email, alice.zone) == (
        door.alice.id,
        "alice@example.com",
        "Europe/Berlin",
    )
    assert alice.is_active
    assert not any((alice.is_bot, alice.is_guest, alice.is_external))
    assert (await door.gateway.user(guest.id)).is_guest
    assert await door.gateway.lookup_email("alice@example.com") == alice
    assert await door.gateway.lookup_email("nobody@example.com") is None
    everybody = {str(user.id): user async for user in door.gateway.all_users()}
    assert everybody[alice.id] == alice
    assert everybody[guest.id].is_guest


async def test_people_of_another_company_are_external(door: Door) -> None:
    visitor = door.slack.add_person("vera", external_team="T0OTHER")
    assert (await door.gateway.user(visitor.id)).is_external


async def test_groups_are_listed_with_their_members(door: Door) -> None:
    made = door.slack.add_group("sre", [door.alice])
    (group,) = await door.gateway.groups()
    assert (group.id, group.handle) == (made.id, "sre")
    assert await door.gateway.group_members(group.id) == (door.alice.id,)


async def test_the_current_do_not_disturb_and_status_are_read(door: Door) -> None:
    nothing = await door.gateway.attention(door.alice.id)
    assert nothing == Attention()
    start = int(door.clock.now().timestamp())
    door.alice.user.quiet = (start + 60, start + 3600)
    door.alice.user.status = ":palm_tree: Back on Monday"
    later = await door.gateway.attention(door.alice.id)
    assert not later.is_quiet
    assert later.status == ":palm_tree: Back on Monday"
    door.clock.advance(timedelta(minutes=2))
    now = await door.gateway.attention(door.alice.id)
    assert now.is_quiet
    assert now.quiet_until == datetime.fromtimestamp(start + 3600, UTC)


async def test_an_open_form_shows_something_else_until_it_is_closed(door: Door) -> None:
    seen: list[str] = []

    def titles() -> list[str]:
        return [view.title for view in door.slack.ws.views.values()]

    trigger = door.slack.backend.triggers.issue(door.alice.user)
    first = blocks.modal("First", blocks=[blocks.section("one")], callback_id="form")
    await door.gateway.open_view(trigger_id=trigger.id, view=first)
    (shown,) = door.slack.ws.views.values()
    first_hash = shown.hash
    second = blocks.modal("Second", blocks=[blocks.section("two")], callback_id="form")
    await door.gateway.update_view(view_id=shown.id, view=second, if_hash=first_hash)
    seen += titles()
    # A change to an older state of the form is ignored.
    await door.gateway.update_view(view_id=shown.id, view=first, if_hash=first_hash)
    await door.gateway.update_view(view_id="V404", view=first)
    assert [*seen, *titles()] == ["Second", "Second"]


async def test_a_home_tab_is_published(door: Door) -> None:
    await door.gateway.publish_home(door.alice.id, blocks.home([blocks.header("Incidents")]))
    assert door.slack.home(door.alice) is not None


async def test_an_ephemeral_message_is_for_one_person(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    await door.gateway.invite(made.id, [door.alice.id])
    await door.gateway.post_ephemeral(made.id, door.alice.id, said("welcome"))
    assert [message.text for message in door.alice.ephemerals] == ["welcome"]


async def test_everything_sent_is_within_slacks_limits(door: Door) -> None:
    made = await door.gateway.create_channel("inc-1", private=False)
    long = Message("x" * 9_000, blocks.paragraphs("y " * 9_000))
    posted = await door.gateway.post(made.id, long, effect_id="e-1")
    await door.gateway.update(posted.channel, posted.ts, long)
    assert door.slack.violations == []


async def test_each_call_is_reported_with_its_outcome(door: Door) -> None:
    await door.gateway.create_channel("inc-1", private=False)
    with pytest.raises(SlackPermanent, match="name_taken"):
        await door.gateway.create_channel("inc-1", private=False)
    assert door.reported == [
        ("conversations.create", "ok"),
        ("conversations.create", "permanent"),
    ]


@pytest.mark.parametrize(
    ("ours", "described", "expected"),
    [
        ("", {"team_id": "T0EMBEDDED"}, False),
        ("", {}, False),
        ("", {"team_id": "T0EMBEDDED", "profile": {"team": "E0ORG"}}, False),
        ("", {"profile": {"team": "E0ORG"}}, None),
        ("", {"team_id": "E0ORG"}, None),
        ("E0ORG", {"team_id": "E0ORG"}, False),
        ("E0ORG", {"team_id": "E0OTHERS"}, True),
        ("E0ORG", {"team_id": "E0ORG", "enterprise_user": {"teams": ["T0SISTER"]}}, True),
        ("", {"team_id": "E0ORG", "enterprise_user": {"teams": ["T0EMBEDDED"]}}, False),
        ("", {"team_id": "T0SISTER", "enterprise_user": {"teams": ["T0EMBEDDED"]}}, False),
        ("", {"team_id": "T0OTHER"}, True),
        ("", {"profile": {"team": "T0OTHER"}}, True),
        ("", {"team_id": "T0EMBEDDED", "is_stranger": True}, True),
    ],
)
async def test_a_user_object_tells_whether_somebody_belongs_to_our_workspace(
    door: Door, *, ours: str, described: dict[str, Any], expected: bool | None
) -> None:
    door.gateway.enterprise_id = ours
    assert door.gateway.user_of({"id": "W0GRID", **described}).is_external is expected
