"""A planned-maintenance notice without an incident, which follows its times."""

from dataclasses import replace
from datetime import timedelta

from incidents.policy.escalation import Service
from incidents.policy.policy import Action
from incidents.policy.references import Standing
from incidents.record.audit_log import AuditKind
from tests.scenario.conftest import Bot, declared, unpinned
from tests.slack_server import Channel, Message, Person

WHAT = {"what": "Database <!channel> upgrade", "affected": "Nobody can log in."}


async def _planned(bot: Bot, author: Person, *, starts: int = 60, ends: int = 120) -> Message:
    form = (await author.command("/incident update maintenance")).get_view()
    now = bot.clock.now()
    times = {
        name: int((now + timedelta(minutes=minutes)).timestamp())
        for name, minutes in (("starts_at", starts), ("ends_at", ends))
    }
    assert (await author.submit(form, {**WHAT, **times})).errors == {}
    await bot.settle()
    (notice,) = _announced(bot)
    return notice


def _channel(bot: Bot) -> Channel:
    return bot.slack.channel("incidents")


def _announced(bot: Bot) -> list[Message]:
    return [one for one in _channel(bot).messages if "Planned maintenance" in one.rendered]


def _heard(bot: Bot, notice: Message) -> list[str]:
    """Return what was broadcast under the notice, as the first two words after its name."""
    lines = [one for one in _channel(bot).messages if one.thread_ts == notice.ts != one.ts]
    said = (one.text.split(" upgrade")[1].strip("* ").replace(".", "").split() for one in lines)
    return [" ".join(words[:2]) for words in said]


def _answers(person: Person) -> str:
    return "\n".join(one.text for one in person.ephemerals[-1:])


def _direct(bot: Bot, person: Person, words: str) -> list[Message]:
    return [one for one in bot.slack.dm(person).messages if words in one.rendered]


async def test_a_notice_follows_its_times_and_tells_its_author(any_bot: Bot) -> None:
    bot = any_bot
    alice = bot.slack.add_person("alice")
    notice = await _planned(bot, alice)
    assert "*Planned* from" in notice.rendered
    assert "Nobody can log in." in notice.rendered
    assert "*Questions to* @alice" in notice.rendered
    assert "&lt;!channel&gt;" in notice.text
    assert notice.buttons == [
        "maintenance_start",
        "maintenance_edit_open",
        "maintenance_cancel",
        "follow_incident",
    ]

    await bot.restart()
    await bot.advance(minutes=60)
    (notice,) = _announced(bot)
    assert "*Under way* since" in notice.rendered
    assert notice.buttons[:2] == ["maintenance_done", "maintenance_edit_open"]
    assert _heard(bot, notice) == ["has begun"]
    assert len(_direct(bot, alice, "begins now")) == 1

    await bot.advance(minutes=60)
    (notice,) = _announced(bot)
    assert "alice hasn't confirmed it yet" in notice.rendered
    (asked,) = _direct(bot, alice, "should be done by now")
    await alice.click(asked, "Done")
    await bot.settle()
    (notice,) = _announced(bot)
    assert "*Done* at" in notice.rendered
    assert notice.buttons == []
    assert _heard(bot, notice) == ["has begun", "is done"]
    await bot.advance(minutes=600)
    assert len(_direct(bot, alice, "maintenance")) + len(_direct(bot, alice, "upgrade")) == 2

    kinds = [one.kind for one in await bot.audit_entries() if one.kind.startswith("maintenance")]
    assert kinds == [AuditKind.MAINTENANCE_PLANNED] + 2 * [AuditKind.MAINTENANCE_CHANGED]


async def test_others_who_may_post_updates_can_start_and_cancel_it_and_it_says_so(
    bot: Bot,
) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    await bob.joins(_channel(bot))
    notice = (await _planned(bot, alice)).seen()
    await bob.click(notice, "Start now")
    await bob.click(notice, "Start now")
    await bot.settle()
    (now,) = _announced(bot)
    assert "*Under way* since" in now.rendered
    await bot.advance(minutes=60)
    assert _direct(bot, alice, "begins now") == []
    now = now.seen()
    await bob.click(now, "Cancel")
    await bot.settle()
    await bob.click(now, "Done")
    await bot.slack.wait_for(lambda: "already cancelled" in _answers(bob))
    (now,) = _announced(bot)
    assert "*Stopped* at" in now.rendered
    assert _heard(bot, now) == ["has begun", "was stopped"]
    await bot.advance(minutes=120)
    assert _direct(bot, alice, "should be done") == []


async def test_after_hours_away_only_the_question_is_asked(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await _planned(bot, alice)
    await bot.stop()
    bot.clock.advance(timedelta(hours=5))
    await bot.start()
    await bot.advance(seconds=1)
    assert _direct(bot, alice, "begins now") == []
    assert len(_direct(bot, alice, "should be done by now")) == 1
    (notice,) = _announced(bot)
    assert "*Should be done* since" in notice.rendered
    assert _heard(bot, notice) == []


async def test_impossible_times_are_answered_in_the_field(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident update maintenance")).get_view()
    now = int(bot.clock.now().timestamp())
    for starts, ends in ((now + 600, now + 60), (now - 600, now - 60)):
        outcome = await alice.submit(form, {**WHAT, "starts_at": starts, "ends_at": ends})
        assert "has to be after the beginning" in outcome.errors["ends_at"]
    await bot.settle()
    assert _announced(bot) == []


async def test_guests_and_people_without_the_right_get_no_form_and_no_button(bot: Bot) -> None:
    alice, guest = bot.slack.add_person("alice"), bot.slack.add_person("guest", guest=True)
    assert "Guests" in (await guest.command("/incident update maintenance")).text
    notice = await _planned(bot, alice)
    await guest.joins(_channel(bot))
    await guest.click(notice, "Start now")
    await bot.slack.wait_for(lambda: "Guests" in _answers(guest))
    assert "*Planned* from" in _announced(bot)[0].rendered

    bob = bot.slack.add_person("bob")
    rights = bot.loaded.policy.rights
    actions = tuple(
        replace(one, who=(Standing.RESPONDER,)) if one.action is Action.POST_UPDATE else one
        for one in rights.actions
    )
    bot.change_policy(rights=replace(rights, actions=actions))
    await bot.restart()
    refused = (await bob.command("/incident update maintenance")).text
    assert "Only responders can post an update" in refused
    await alice.joins(_channel(bot))
    await alice.click(_announced(bot)[0], "Start now")  # the author always may
    await bot.settle()
    assert "*Under way*" in _announced(bot)[0].rendered


async def test_a_notice_that_cannot_be_posted_is_reported_to_its_author(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.joins(_channel(bot))
    form = (await alice.command("/incident update maintenance")).get_view()
    await alice.archives(_channel(bot))
    now = int(bot.clock.now().timestamp())
    await alice.submit(form, {**WHAT, "starts_at": now + 600, "ends_at": now + 1200})
    await bot.settle()
    (told,) = _direct(bot, alice, "I couldn't post the notice")
    assert "it is archived" in told.rendered
    await alice.unarchives(_channel(bot))
    await bot.advance(minutes=10)
    assert len(_announced(bot)) == 1


async def test_an_update_that_begins_with_maintenance_stays_an_update(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident update maintenance of the database goes on", channel=room)
    await bot.settle()
    assert len(unpinned(room, "maintenance of the database goes on")) == 1


async def test_its_author_edits_it_the_notice_follows_and_new_times_are_said_once(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, bob = bot.slack.add_people("alice", "bob")
    notice = await _planned(bot, alice)
    for person in (alice, bob):
        await person.joins(_channel(bot))
    await bob.click(notice, "Edit…")
    await bot.slack.wait_for(lambda: "change somebody else's maintenance" in _answers(bob))

    form = (await alice.click(notice, "Edit…")).get_view()
    assert (await alice.submit(form, {"affected": "Nobody can pay."})).errors == {}
    await bot.settle()
    (notice,) = _announced(bot)
    assert "Nobody can pay." in notice.rendered
    assert _heard(bot, notice) == []

    form = (await alice.click(notice, "Edit…")).get_view()
    later = {
        name: int((bot.clock.now() + timedelta(hours=hours)).timestamp())
        for name, hours in (("starts_at", 3), ("ends_at", 4))
    }
    await alice.submit(form, later)
    await bot.settle()
    assert _heard(bot, notice) == ["has new"]
    await bot.advance(minutes=90)
    assert "*Planned* from" in _announced(bot)[0].rendered
    await bot.advance(minutes=91)
    assert _heard(bot, notice) == ["has new", "has begun"]

    form = (await alice.click(_announced(bot)[0].seen(), "Edit…")).get_view()
    assert "starts_at" not in str(form.blocks)
    outcome = await alice.submit(form, {"ends_at": int(bot.clock.now().timestamp()) - 60})
    assert "still to come" in outcome.errors["ends_at"]


async def test_who_follows_a_maintenance_or_its_service_hears_it_once_and_can_stop(
    bot: Bot,
) -> None:
    bot.change_policy(services=(Service(key="shop", name="Shop", tier=1),))
    await bot.restart()
    alice, ann, bea, cid = bot.slack.add_people("alice", "ann", "bea", "cid")
    await ann.command("/incident subscribe shop")
    await cid.command("/incident subscribe sev5")
    form = (await alice.command("/incident update maintenance")).get_view()
    now = bot.clock.now()
    times = {
        name: int((now + timedelta(minutes=minutes)).timestamp())
        for name, minutes in (("starts_at", 60), ("ends_at", 120))
    }
    assert (await alice.submit(form, {**WHAT, **times, "services": ["shop"]})).errors == {}
    await bot.settle()
    (planned,) = _direct(bot, ann, "is planned from")
    assert "You follow Shop." in planned.rendered
    (notice,) = _announced(bot)
    await bea.joins(_channel(bot))
    await bea.click(notice, "Follow")
    await bot.slack.wait_for(lambda: "You follow *Database" in _answers(bea))

    await bot.advance(minutes=60)
    (begun,) = _direct(bot, bea, "has begun")
    assert "You follow this maintenance." in begun.rendered
    (told,) = _direct(bot, ann, "has begun")
    await ann.click(told, "Stop for this maintenance")
    await alice.joins(_channel(bot))
    await alice.click(_announced(bot)[0].seen(), "Done")
    await bot.settle()
    assert len(_direct(bot, bea, "is done")) == 1
    assert _direct(bot, ann, "is done") == []
    assert bot.slack.dm(cid).messages == []


async def test_a_notice_and_news_that_slack_refuses_are_told_to_the_author_with_the_reason(
    bot: Bot,
) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.fail(
        "chat.postMessage",
        error="restricted_action",
        match=lambda given: "maintenance_start" in str(given),
    )
    form = (await alice.command("/incident update maintenance")).get_view()
    now = int(bot.clock.now().timestamp())
    await alice.submit(form, {**WHAT, "starts_at": now + 600, "ends_at": now + 1200})
    await bot.settle()
    (told,) = _direct(bot, alice, "I couldn't post the notice")
    assert "restricted_action" in told.rendered
    bot.slack.fail(
        "chat.postMessage", status=503, match=lambda given: "follow_incident" in str(given)
    )
    await bot.advance(minutes=10)
    await bot.advance(minutes=1)
    (notice,) = _announced(bot)
    assert "*Under way*" in notice.rendered
    assert _heard(bot, notice) == []  # posted only now, it says itself that it began

    bot.slack.fail(
        "chat.postMessage",
        error="restricted_action",
        match=lambda given: "thread_ts" in given,
    )
    await alice.joins(_channel(bot))
    await alice.click(notice.seen(), "Done")
    await bot.settle()
    assert "restricted_action" in _direct(bot, alice, "I couldn't say under the notice")[0].rendered
    assert "*Done* at" in _announced(bot)[0].rendered


async def test_news_of_a_maintenance_whose_answer_was_lost_is_said_once(any_bot: Bot) -> None:
    bot = any_bot
    alice = bot.slack.add_person("alice")
    notice = await _planned(bot, alice)
    bot.slack.drop("chat.postMessage", after=True, match=lambda given: "has begun" in str(given))
    await bot.advance(minutes=60)
    await bot.advance(minutes=2)
    assert _heard(bot, notice) == ["has begun"]
