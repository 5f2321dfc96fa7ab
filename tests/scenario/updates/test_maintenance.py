"""A planned-maintenance notice without an incident, which follows its times."""

from dataclasses import replace
from datetime import timedelta

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
    assert notice.buttons == ["maintenance_start", "maintenance_cancel"]

    await bot.restart()
    await bot.advance(minutes=60)
    (notice,) = _announced(bot)
    assert "*Under way* since" in notice.rendered
    assert notice.buttons == ["maintenance_done", "maintenance_cancel"]
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
