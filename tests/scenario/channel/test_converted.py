"""Whatever Slack does to a channel, the record follows, or the commander is asked."""

import pytest

from tests.scenario.conftest import ROOM, Bot, declared, home_of, newest, said, told
from tests.slack_server import Channel, Person

TITLE = "Checkout errors"
WORDS = "Half of the cards fail"


async def public_room(bot: Bot) -> tuple[Person, Person, Person, Channel]:
    """Let Alice declare and command; Bob is in the channel, Eve has nothing to do with it."""
    alice, room = await declared(bot)
    bob, eve = bot.slack.add_people("bob", "eve")
    await bob.joins(room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command(f"/incident note {WORDS}", channel=room)
    await bot.settle()
    return alice, bob, eve, room


async def private_room(bot: Bot) -> tuple[Person, Person, Person, Channel]:
    """The same with a private incident, to which Bob is invited."""
    alice, room = await declared(bot, flags="--private")
    bob, eve = bot.slack.add_people("bob", "eve")
    await alice.invites(bob, room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command(f"/incident note {WORDS}", channel=room)
    await bot.settle()
    return alice, bob, eve, room


async def assert_hidden(bot: Bot, outsider: Person, title: str = TITLE) -> None:
    for line in ("show", "timeline", "note I know", "role commander me"):
        answer = await outsider.command(f"/incident INC-1 {line}")
        assert "There is no incident INC-1" in answer.text, line
    assert title not in (await outsider.command("/incident list all")).text
    await outsider.opens_home()
    await bot.settle()
    assert title not in home_of(bot, outsider)


async def share(bot: Bot, room: Channel) -> None:
    bot.slack.share(room)
    await bot.slack.quiet()
    await bot.settle()


async def audit_log(bot: Bot) -> list[dict[str, object]]:
    return [entry.content or {} for entry in await bot.audit_entries()]


# -- a public incident's channel is made private ------------------------------------------------


async def test_a_channel_made_private_makes_its_incident_private(every_bot: Bot) -> None:
    bot = every_bot
    alice, bob, eve, room = await public_room(bot)
    assert TITLE in (await eve.command("/incident list")).text

    await alice.converts(room, private=True)
    await bot.settle()

    await assert_hidden(bot, eve)
    [announcement] = bot.slack.channel("incidents").messages
    assert TITLE not in f"{announcement.text} {announcement.blocks}"
    assert "handled privately" in announcement.text
    for insider in (alice, bob):
        assert TITLE in (await insider.command("/incident INC-1 show")).text
    assert "made the incident channel private in Slack" in room.transcript
    assert "*Private.*" in room.pins[0].rendered
    assert WORDS in room.transcript  # only those inside read it, so nothing goes
    assert {"reference": "INC-1", "what": "made_private"} in await audit_log(bot)


async def test_a_conversion_that_no_event_tells_is_found_by_a_look(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve, room = await public_room(bot)
    await alice.converts(room, private=True, tells=False)
    await bot.app.scheduler.run_chore("channels")
    await bot.settle()
    await assert_hidden(bot, eve)
    assert TITLE in (await bob.command("/incident INC-1 show")).text
    assert "found that the incident channel was made private" in room.transcript


async def test_a_conversion_shows_in_the_next_message_there_and_at_the_next_start(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, _, eve, room = await public_room(bot)
    await alice.converts(room, private=True, tells=False)
    await alice.says("Who can read this?", room)
    await bot.settle()
    await assert_hidden(bot, eve)

    await bot.stop()
    room.kind = type(room.kind).PUBLIC
    await bot.start()
    await bot.settle()
    assert "Everybody in the workspace can read it" in told(bot, alice)


async def test_a_slack_that_cannot_be_asked_is_believed(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve, room = await public_room(bot)
    bot.slack.fail("conversations.info", status=503, times=50)
    await alice.converts(room, private=True)
    await bot.settle()
    bot.slack.heal()
    await assert_hidden(bot, eve)
    assert TITLE in (await bob.command("/incident INC-1 show")).text


async def test_somebody_with_a_role_outside_the_channel_loses_it_only_if_they_had_left(
    bot: Bot,
) -> None:
    alice, bob, eve, room = await public_room(bot)
    for person in (bob, eve):
        await alice.command(f"/incident role communications_lead @{person.name}", channel=room)
        await bot.settle()
    await eve.leaves(room)
    await bot.settle()
    await alice.converts(room, private=True)
    await bot.settle()
    await assert_hidden(bot, eve)
    roles = (await alice.command("/incident INC-1 roles")).text
    assert "eve" not in roles


async def test_a_handoff_to_somebody_outside_ends_with_the_conversion(bot: Bot) -> None:
    alice, bob, eve, room = await public_room(bot)
    await alice.command("/incident handoff @eve It is yours", channel=room)
    await bot.settle()
    offer = newest(bot.slack.dm(eve), "It is yours").seen()
    await eve.leaves(room)
    await bot.settle()
    await alice.converts(room, private=True)
    await bot.settle()
    for button in offer.buttons:
        await eve.click(offer, button)
        await bot.settle()
    assert "alice" in (await bob.command("/incident INC-1 roles")).text
    assert TITLE not in bot.slack.dm(eve).transcript


async def test_a_public_incident_in_a_private_channel_stays_public(bot: Bot) -> None:
    alice, _ = await declared(bot)
    team = bot.slack.add_channel("payments-team", private=True, members=[alice, bot.slack.bot])
    form = (await alice.command("/incident INC-1 channel")).get_view()
    answer = await alice.submit(form, {"channel": team})
    assert "goes on in" in answer.get_view().rendered
    await bot.settle()
    eve = bot.slack.add_person("eve")
    await bot.app.scheduler.run_chore("channels")
    await alice.says("Looking", team)
    await bot.settle()
    assert TITLE in (await eve.command("/incident list")).text


# -- a private incident's channel is made public ------------------------------------------------


async def test_a_private_incident_never_opens_with_its_channel(every_bot: Bot) -> None:
    bot = every_bot
    alice, bob, eve, room = await private_room(bot)
    await bob.converts(room, private=False)
    await eve.joins(room)
    await bot.settle()

    await assert_hidden(bot, eve)
    for insider in (alice, bob):
        assert "Everybody in the workspace can read it" in told(bot, insider)
    await alice.command("/incident INC-1 note The salaries are in it")
    await alice.command("/incident INC-1 status identified")
    await bot.settle()
    await bot.advance(minutes=30)
    assert room.everything == []
    assert TITLE not in room.topic
    assert eve.ephemerals == [] or TITLE not in str(eve.ephemerals)
    assert (
        "can be read by people who may not see"
        in (await alice.command("/incident INC-1 export")).text
    )
    assert {"reference": "INC-1", "what": "channel_made_public"} in await audit_log(bot)


async def test_made_private_again_it_goes_on_there_without_those_who_came(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve, room = await private_room(bot)
    await bob.converts(room, private=False)
    await eve.joins(room)
    await bot.settle()
    await bob.converts(room, private=True)
    await alice.command("/incident INC-1 note Closed again")
    await bot.settle()
    assert "Closed again" in room.transcript
    assert any(TITLE in message.rendered for message in room.messages)  # the card is back
    assert "Check its members" in told(bot, alice)
    assert (
        "The incident goes on in"
        in newest(bot.slack.dm(alice), "Everybody in the workspace").rendered
    )
    await assert_hidden(bot, eve)


async def test_it_moves_to_a_new_private_channel_with_everybody_inside(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve, room = await private_room(bot)
    await bob.converts(room, private=False)
    await eve.joins(room)
    await bot.settle()
    asked = newest(bot.slack.dm(alice), "Everybody in the workspace can read it")
    form = (await alice.click(asked, "Move to a new channel…")).get_view()
    await alice.submit(form)
    await bot.settle()
    new = bot.slack.channel(f"{ROOM}-2")
    assert new.is_private
    assert alice in new
    assert bob in new
    assert eve not in new
    assert room.is_archived
    assert TITLE not in room.transcript
    await assert_hidden(bot, eve)
    assert TITLE in (await bob.command("/incident INC-1 show")).text


async def test_somebody_who_joins_before_any_event_told_gets_no_part(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, eve, room = await private_room(bot)
    await bob.converts(room, private=False, tells=False)
    await eve.joins(room)
    await bot.settle()
    await assert_hidden(bot, eve)
    assert "Everybody in the workspace can read it" in told(bot, alice)


# -- shared with another organisation -----------------------------------------------------------


async def test_a_shared_public_incident_tells_its_people_and_strangers_get_nothing(
    every_bot: Bot,
) -> None:
    bot = every_bot
    alice, bob, _, room = await public_room(bot)
    mallory = bot.slack.add_person("mallory", external_team="T0PARTNER")
    await share(bot, room)
    assert "shared with another organisation" in told(bot, alice)
    assert "shared with another organisation" in room.transcript
    await bob.invites(mallory, room)
    await bot.settle()
    assert mallory in room
    for line in ("INC-1 show", "INC-1 timeline", "INC-1 note hello", "INC-1 role commander me"):
        answer = await mallory.command(f"/incident {line}", channel=room)
        assert TITLE not in answer.text, line
    assert mallory.ephemerals == [] or TITLE not in str(mallory.ephemerals)
    assert "hello" not in (await alice.command("/incident INC-1 timeline")).text
    await alice.command("/incident INC-1 note It goes on", channel=room)
    bot.slack.unshare(room)
    await bot.slack.quiet()
    await bot.settle()
    assert "It goes on" in room.transcript
    assert "no longer shared" in room.transcript


async def test_a_shared_private_incident_says_nothing_until_somebody_decides(
    every_bot: Bot,
) -> None:
    bot = every_bot
    alice, bob, eve, room = await private_room(bot)
    await share(bot, room)
    for insider in (alice, bob):
        assert "That organisation's people can read the channel" in told(bot, insider)
    await alice.command("/incident INC-1 note The salaries are in it")
    await bot.settle()
    assert "salaries" not in room.transcript
    asked = newest(bot.slack.dm(alice), "That organisation's people can read the channel")
    await alice.click(asked, "Go on there")
    await alice.command("/incident INC-1 note The vendor may read this")
    await bot.settle()
    assert "The vendor may read this" in room.transcript
    assert "salaries" not in room.transcript
    assert (
        "The incident goes on in"
        in newest(bot.slack.dm(bob), "That organisation's people can read").rendered
    )
    whats = [content.get("what") for content in await audit_log(bot)]
    assert {"channel_shared", "sharing_accepted"} <= set(whats)
    await assert_hidden(bot, eve)


async def test_sharing_that_no_event_tells_is_found_and_its_end_lets_it_go_on(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, _, _, room = await private_room(bot)
    bot.slack.share(room, tells=False)
    await bot.app.scheduler.run_chore("channels")
    await bot.settle()
    assert "That organisation's people can read the channel" in told(bot, alice)
    bot.slack.unshare(room, tells=False)
    await alice.says("Are we alone?", room)
    await alice.command("/incident INC-1 note Among ourselves")
    await bot.settle()
    assert "Among ourselves" in room.transcript


async def test_a_shared_channel_made_private_asks_again(bot: Bot) -> None:
    alice, _, _, room = await public_room(bot)
    await share(bot, room)
    await alice.converts(room, private=True)
    await alice.command("/incident INC-1 note The salaries are in it")
    await bot.settle()
    assert "so I've stopped posting there until one of you decides" in told(bot, alice)
    assert "salaries" not in room.transcript


# -- archived, renamed, deleted, another id, merged ----------------------------------------------


@pytest.mark.parametrize("flags", ["", "--private"])
async def test_archived_renamed_and_with_a_new_id_it_stays_the_incidents(
    any_bot: Bot, flags: str
) -> None:
    bot = any_bot
    alice, room = await declared(bot, flags=flags)
    eve = bot.slack.add_person("eve")
    await alice.renames(room, "checkout-war-room")
    bot.slack.change_id(room)
    await bot.settle()
    await alice.command("/incident status identified", channel=room)
    await bot.settle()
    assert "identified" in room.pins[0].text
    bob = bot.slack.add_person("bob")
    await alice.invites(bob, room)
    await bob.archives(room)
    await bot.settle()
    assert "archived" in told(bot, alice)
    await alice.command("/incident INC-1 note While archived")
    await alice.unarchives(room)
    await alice.command("/incident INC-1 status mitigated")
    await bot.settle()
    assert "mitigated" in room.pins[0].text
    if flags:
        await assert_hidden(bot, eve)


@pytest.mark.parametrize("flags", ["", "--private"])
@pytest.mark.parametrize("happening", ["deleted", "merged"])
async def test_deleted_or_merged_the_commander_is_asked_for_another_channel(
    any_bot: Bot, flags: str, happening: str
) -> None:
    bot = any_bot
    alice, room = await declared(bot, flags=flags)
    bob, eve = bot.slack.add_people("bob", "eve")
    if happening == "deleted":
        await alice.deletes_channel(room)
    else:
        await bob.command("/incident declare sev3 Search is slow")
        await bot.settle()
        bot.slack.merge(room, into=bot.slack.channel("inc-2-search-is-slow"))
        await bot.slack.quiet()
    await bot.settle()
    assert "Choose another channel" in told(bot, alice)
    assert TITLE in (await alice.command("/incident INC-1 show")).text
    if flags:
        await assert_hidden(bot, eve)
        await assert_hidden(bot, bob)
    assert said(bot.slack.channel("general"), TITLE) == []
