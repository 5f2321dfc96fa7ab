"""Who belongs here: members on Enterprise Grid, people nobody knows yet, strangers, and leavers."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.features.browse.people import refresh_directory
from incidents.core.people import Person, PersonKind
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import Bot
from tests.slack_server.delivery.delivery import Delivery, DeliveryKind
from tests.slack_server.delivery.wire import user_json
from tests.slack_server.interaction.people import Person as SlackPerson

NAME = "inc-1-checkout-errors"
ORGANISATION = "E0ORG"


async def _stored(bot: Bot, person: SlackPerson) -> Person | None:
    async with bot.app.services.database.reading() as session:
        query = select(Person).where(Person.external_id == person.id)
        return (await session.execute(query)).scalar_one_or_none()


async def _kind(bot: Bot, person: SlackPerson) -> str | None:
    found = await _stored(bot, person)
    return found.kind if found is not None else None


# -- Enterprise Grid ------------------------------------------------------------------------


@pytest.mark.parametrize("home", [ORGANISATION, "T0SISTER"])
async def test_a_member_whose_forms_name_another_team_is_a_member(any_bot: Bot, home: str) -> None:
    alice = any_bot.slack.add_person("alice")
    alice.user.home_team = home
    form = (await alice.command("/incident declare")).get_view()
    outcome = await alice.submit(form, {"title": "Checkout errors"})
    assert outcome.action != "errors", outcome.errors
    await any_bot.settle()
    room = any_bot.slack.channel(NAME)
    await alice.command("/incident role commander me", channel=room)
    await any_bot.settle()
    shown = await alice.command("/incident show", channel=room)
    assert f"Commander: {alice.mention}" in shown.text
    assert await _kind(any_bot, alice) == PersonKind.MEMBER


@pytest.mark.parametrize(
    "described",
    [
        {"profile": {"display_name": "alice", "team": ORGANISATION}},
        {"team_id": ORGANISATION, "enterprise_user": {"teams": ["T0SISTER", "T0EMBEDDED"]}},
        {"team_id": "T0SISTER", "enterprise_user": {"teams": ["T0SISTER", "T0EMBEDDED"]}},
        {"team_id": ORGANISATION, "profile": {"display_name": "alice", "team": ORGANISATION}},
    ],
)
async def test_however_grid_describes_a_member_they_stay_one(
    bot: Bot, described: dict[str, Any]
) -> None:
    bot.slack.ws.enterprise_id = ORGANISATION
    await bot.app.keeper.check()
    alice = bot.slack.add_person("alice")
    alice.user.described = described
    bot.slack.welcome(alice)
    bot.slack.change_person(alice, real_name="Alice A.")
    await bot.slack.quiet()
    await refresh_directory(bot.app.services)
    await alice.command("/incident declare sev3 Checkout errors")
    await bot.settle()
    assert await _kind(bot, alice) == PersonKind.MEMBER
    assert "can't" not in (await alice.command("/incident list")).text


async def test_a_member_described_by_an_organisation_that_we_dont_know_stays_one(bot: Bot) -> None:
    alice, bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    await refresh_directory(bot.app.services)
    for person in (alice, bob):
        person.user.described = {"team_id": ORGANISATION, "profile": {"team": ORGANISATION}}
        bot.slack.change_person(person, real_name="Somebody")
    await bot.slack.quiet()
    await refresh_directory(bot.app.services)
    assert await _kind(bot, alice) == PersonKind.MEMBER
    dora = bot.slack.add_person("dora")
    dora.user.described = {"team_id": ORGANISATION, "profile": {"team": ORGANISATION}}
    await dora.command("/incident list")
    assert await _kind(bot, dora) == PersonKind.MEMBER  # she acts in our own workspace


async def test_events_that_name_the_organisation_make_nobody_external(any_bot: Bot) -> None:
    slack = any_bot.slack
    alice, bob = slack.add_person("alice"), slack.add_person("bob")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    room = slack.channel(NAME)
    await bob.joins(room)
    slack.ws.emit(
        {
            "type": "message",
            "channel": room.id,
            "user": bob.id,
            "text": "Looking",
            "ts": slack.ws.timestamps.next(),
            "team": ORGANISATION,
            "user_team": ORGANISATION,
            "source_team": ORGANISATION,
        }
    )
    await any_bot.settle()
    assert await _kind(any_bot, bob) == PersonKind.MEMBER
    await bob.command("/incident role commander me", channel=room)
    await any_bot.settle()
    assert f"{bob.mention}" in room.transcript or "bob" in room.transcript


# -- people whom nobody knows yet -------------------------------------------------------------


async def test_a_stranger_gets_no_role_call_task_or_sight(any_bot: Bot) -> None:
    await any_bot.settle()  # the directory is read
    slack = any_bot.slack
    alice = slack.add_person("alice")
    eve = slack.add_person("eve", external_team="T0OTHER")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    room = slack.channel(NAME)
    for line in (
        "role commander @eve",
        "escalate @eve is it you?",
        "checkin @eve 10m Is it well?",
        "action @eve mend it",
    ):
        outcome = await alice.command(f"/incident {line}", channel=room)
        assert "from another workspace" in outcome.text, line
    await any_bot.settle()
    assert eve not in room
    assert await _kind(any_bot, eve) == PersonKind.EXTERNAL
    assert not slack.dm(eve).messages


async def test_a_guest_whom_nobody_knows_declares_and_lists_nothing(any_bot: Bot) -> None:
    alice = any_bot.slack.add_person("alice")
    await alice.command("/incident declare sev3 Checkout errors")
    guest = any_bot.slack.add_person("gus", guest=True)
    assert "can't declare" in (await guest.command("/incident declare sev1 Panic")).text
    assert "INC-1" not in (await guest.command("/incident list")).text


async def test_somebody_new_declares_and_notes_while_slack_is_away(any_bot: Bot) -> None:
    await any_bot.settle()  # the directory is read
    slack = any_bot.slack
    alice = slack.add_person("alice")
    await alice.command("/incident declare sev3 Search is slow")
    await any_bot.settle()
    slack.fail("users.info", status=503, times=99)
    bob = slack.add_person("bob")
    assert "INC-2" in (await bob.command("/incident declare sev2 Checkout errors")).text
    await bob.command("/incident INC-2 note began at 8:50")
    for line in ("INC-1 show", "list", "INC-1 role commander me", "INC-2 role commander me"):
        outcome = await bob.command(f"/incident {line}")
        assert "Slack isn't telling me who you are" in outcome.text, line
        assert f"`/incident {line}`" in outcome.text
        assert "Search is slow" not in outcome.text
    hidden = await bob.command("/incident INC-1 note it is the index")
    assert "Slack isn't telling me who you are" in hidden.text
    assert "it is the index" in hidden.text
    slack.heal()
    assert "INC-1" in (await bob.command("/incident list")).text
    listed = await bob.command("/incident INC-2 timeline")
    assert "began at 8:50" in listed.text


async def test_a_form_of_somebody_new_is_kept_or_recorded_while_slack_is_away(any_bot: Bot) -> None:
    await any_bot.settle()
    slack = any_bot.slack
    bob = slack.add_person("bob")
    form = (await bob.command("/incident declare")).get_view()
    async with any_bot.app.services.database.writing() as session:  # as if nobody had asked yet
        person = (await session.execute(select(Person))).scalars().all()[-1]
        assert person.external_id == bob.id
        person.kind = PersonKind.UNKNOWN
        await session.commit()
    slack.fail("users.info", status=503, times=99)
    outcome = await bob.submit(form, {"title": "Checkout errors"})
    assert outcome.action != "errors", outcome.errors
    await any_bot.settle()
    room = slack.channel(NAME)
    card = next(one for one in room.messages if "Commander" in one.rendered)
    await bob.joins(room)
    await bob.click(card, "Take command")
    await slack.quiet()
    assert "Slack isn't telling me who you are" in bob.ephemerals[-1].text


async def test_slack_that_hangs_holds_up_no_declaration(bot: Bot) -> None:
    await bot.settle()
    bot.app.listeners.deadline_seconds = 2.5
    bot.slack.hang("users.info", times=99)
    bob = bot.slack.add_person("bob")
    outcome = await bob.command("/incident declare sev2 Checkout errors")
    assert "INC-1" in outcome.text
    assert outcome.ack.took < 2.5


async def test_naming_somebody_new_while_slack_is_away_keeps_the_words(any_bot: Bot) -> None:
    await any_bot.settle()  # the directory is read
    slack = any_bot.slack
    alice, bob = slack.add_person("alice"), slack.add_person("bob")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    room = slack.channel(NAME)
    slack.fail("users.info", status=503, times=99)
    outcome = await alice.command("/incident role commander @bob", channel=room)
    assert "Slack isn't telling me who they are" in outcome.text
    assert "`/incident role commander @" in outcome.text
    form = (await alice.command("/incident checkin", channel=room)).get_view()
    said = {"person": bob.id, "question": "Is the web tier healthy?"}
    refused = await alice.submit(form, said)
    assert refused.action == "errors"
    assert "Slack isn't telling me who they are" in str(refused.errors)
    slack.heal()
    sent = await alice.submit(form, said)
    assert sent.action != "errors", sent.errors


async def test_several_new_people_are_looked_up_at_the_same_time(any_bot: Bot) -> None:
    await any_bot.settle()  # the directory is read
    slack = any_bot.slack
    alice = slack.add_person("alice")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    new = [slack.add_person(name) for name in ("bob", "carla", "dan")]
    form = (await alice.command("/incident INC-1 private customer data")).get_view()
    asked = slack.hold("users.info", times=99)
    moving = asyncio.create_task(alice.submit(form, {"people": [one.id for one in new]}))
    await slack.wait_for(lambda: asked.happened == len(new), saying="all are asked about")
    slack.release()
    assert "private now" in (await moving).get_view().rendered
    assert [await _kind(any_bot, one) for one in new] == [PersonKind.MEMBER] * len(new)


async def test_of_several_new_people_those_whom_slack_named_are_remembered(any_bot: Bot) -> None:
    await any_bot.settle()  # the directory is read
    slack = any_bot.slack
    alice = slack.add_person("alice")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    bob, carla = slack.add_person("bob"), slack.add_person("carla")
    form = (await alice.command("/incident INC-1 private customer data")).get_view()
    slack.fail("users.info", status=503, times=99, match=lambda given: given["user"] == carla.id)
    refused = await alice.submit(form, {"people": [carla.id, bob.id]})
    assert "Slack isn't telling me who they are" in str(refused.errors)
    assert await _kind(any_bot, bob) == PersonKind.MEMBER
    assert await _kind(any_bot, carla) != PersonKind.MEMBER


async def test_the_policys_people_are_looked_up_before_they_are_called(any_bot: Bot) -> None:
    slack = any_bot.slack
    alice, bob = slack.add_person("alice"), slack.add_person("bob")
    eve = slack.add_person("eve", external_team="T0OTHER")
    slack.fail("users.list", error="missing_scope", times=99)
    section = any_bot.loaded.policy.escalation
    step = replace(section.steps[0], who=(PersonRef(user_id=bob.id), PersonRef(user_id=eve.id)))
    any_bot.change_policy(escalation=replace(section, steps=(step,)))
    await any_bot.restart()
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    room = slack.channel(NAME)
    ask = "--to service_owner Is it safe to fail over?"
    await alice.command(f"/incident escalate {ask}", channel=room)
    await any_bot.settle()
    assert slack.dm(bob).messages
    assert not slack.dm(eve).messages
    assert "from another workspace" in (await alice.command("/incident INC-1 timeline")).text


# -- addresses and handles --------------------------------------------------------------------


async def test_an_address_of_a_stranger_lets_nobody_into_a_private_incident(any_bot: Bot) -> None:
    slack = any_bot.slack
    alice = slack.add_person("alice")
    kim = slack.add_person("kim", email="kim@example.com")
    others = [
        slack.add_person("kim2", external_team="T0OTHER"),
        slack.add_person("kim3", guest=True, email="kim@example.com"),
        slack.add_person("kim4", email="kim@example.com"),
    ]
    others[0].user.email = "kim@example.com"
    slack.deactivate(others[2])
    private = replace(any_bot.loaded.policy.private, invite=(PersonRef(email="kim@example.com"),))
    any_bot.change_policy(private=private)
    await any_bot.restart()
    await refresh_directory(any_bot.app.services)
    await alice.command("/incident declare sev2 Checkout errors --private")
    await any_bot.settle()
    room = next(one for one in slack.channels if one.is_private)
    assert kim in room
    assert not any(other in room for other in others)


async def test_an_address_of_two_members_names_nobody(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    twins = [bot.slack.add_person(name, email="kim@example.com") for name in ("kim", "kim2")]
    private = replace(bot.loaded.policy.private, invite=(PersonRef(email="kim@example.com"),))
    bot.change_policy(private=private)
    await bot.restart()
    await refresh_directory(bot.app.services)
    await alice.command("/incident declare sev2 Checkout errors --private")
    await bot.settle()
    room = next(one for one in bot.slack.channels if one.is_private)
    assert not any(twin in room for twin in twins)
    assert "kim@example.com: not found" in room.transcript


async def test_a_handle_that_a_new_group_took_over_means_the_new_one(bot: Bot) -> None:
    alice, bob, carla = (bot.slack.add_person(name) for name in ("alice", "bob", "carla"))
    former = bot.slack.add_group("sre", [bob])
    invites = (GroupRef(handle="sre"),)
    bot.change_policy(call=(CallRule(invite=invites),))
    await bot.restart()
    await refresh_directory(bot.app.services)
    del bot.slack.ws.groups[former.id]
    bot.slack.add_group("sre", [carla])
    await refresh_directory(bot.app.services)
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    room = bot.slack.channel(NAME)
    assert carla in room
    assert bob not in room


async def test_a_group_that_was_switched_off_means_nobody(bot: Bot) -> None:
    alice, bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    group = bot.slack.add_group("sre", [bob])
    invites = (GroupRef(handle="sre"),)
    bot.change_policy(call=(CallRule(invite=invites),))
    await bot.restart()
    await refresh_directory(bot.app.services)
    del bot.slack.ws.groups[group.id]
    gone = {"id": group.id, "handle": "sre", "date_delete": 1772442000, "users": [bob.id]}
    bot.slack.ws.emit({"type": "subteam_updated", "subteam": gone})
    await bot.slack.quiet()
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    assert bob not in bot.slack.channel(NAME)


# -- events of others, and people who left ----------------------------------------------------


@pytest.mark.parametrize("team", ["T0OTHER", ORGANISATION])
async def test_an_event_of_another_team_changes_nobody(any_bot: Bot, team: str) -> None:
    slack = any_bot.slack
    alice = slack.add_person("alice")
    await alice.command("/incident list")
    slack.ws.event_team_id = team
    described = {"id": alice.id, "team_id": "T0OTHER", "deleted": True, "name": "mallory"}
    for kind in ("user_change", "team_join"):
        slack.ws.emit({"type": kind, "user": {**described, "profile": {"email": "m@example.com"}}})
    await slack.quiet()
    found = await _stored(any_bot, alice)
    assert found is not None
    assert (found.name, found.kind, found.is_active) == ("alice", PersonKind.MEMBER, True)


async def test_an_event_for_another_installation_is_acked_and_ignored(bot: Bot) -> None:
    await bot.settle()
    alice, bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    await alice.command("/incident declare sev3 Checkout errors")
    await bot.settle()
    room = bot.slack.channel(NAME)
    event = {"type": "member_joined_channel", "user": bob.id, "channel": room.id, "team": "T0X"}
    wrapped = bot.slack.deliveries.wrap(event)
    wrapped["team_id"] = wrapped["authorizations"][0]["team_id"] = "T0X"
    deliveries = bot.slack.deliveries
    deliveries.log.append(delivery := Delivery(DeliveryKind.EVENT, wrapped, "E1"))
    assert (await bot.slack.redeliver(delivery)).ok
    assert await _kind(bot, bob) is None


async def test_deactivated_people_can_not_act(any_bot: Bot) -> None:
    slack = any_bot.slack
    alice = slack.add_person("alice")
    await alice.command("/incident declare sev3 Checkout errors")
    await any_bot.settle()
    room = slack.channel(NAME)
    form = (await alice.command("/incident update", channel=room)).get_view()
    slack.ws.emit({"type": "user_change", "user": {**user_json(alice.user), "deleted": True}})
    await slack.quiet()
    await any_bot.settle()
    for line in ("declare sev1 Panic", "INC-1 note I am still here", "list", "INC-1 resolve"):
        outcome = await alice.command(f"/incident {line}")
        assert "your account is deactivated" in outcome.text, line
    outcome = await alice.submit(form, {"text": "All is well", "impact": "None"})
    assert "your account is deactivated" in str(outcome.errors)
    assert slack.find_channel("inc-2-panic") is None


async def test_somebody_who_came_back_can_act_again_though_the_event_was_lost(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident list")
    bot.slack.ws.emit({"type": "user_change", "user": {**user_json(alice.user), "deleted": True}})
    await bot.slack.quiet()
    assert "deactivated" in (await alice.command("/incident list")).text
    await bot.advance(minutes=11)
    assert "deactivated" not in (await alice.command("/incident list")).text
