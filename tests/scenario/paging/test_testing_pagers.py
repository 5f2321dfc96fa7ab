"""Test pages: whether one arrives, whether its acknowledgement is heard here, and what is missing."""

import asyncio

from tests.scenario.conftest import said
from tests.scenario.paging.conftest import Waking
from tests.slack_server import Message, Person

RESULT = "'s pagers*"


def result(scene: Waking, person: Person) -> str:
    """What the one message about the newest test says."""
    return _results(scene, person)[-1].rendered


def _results(scene: Waking, person: Person) -> list[Message]:
    return said(scene.bot.slack.dm(person), RESULT)


async def test_a_test_says_what_was_accepted_and_what_was_acknowledged_back(
    any_waking: Waking,
) -> None:
    scene = any_waking
    answer = await scene.kim.command("/incident pager test")
    assert "I'm paging you through `goalert/kim, ntfy/kim-phone`" in answer.text
    await scene.bot.settle()
    assert scene.alert.summary == "Test page from Sitrep, requested by kim: press acknowledge"
    assert "`goalert/kim`: accepted after 0.0 s, not acknowledged yet" in result(scene, scene.kim)
    await scene.bot.advance(seconds=12)
    assert await scene.goalert.acknowledge(scene.alert, by="Kim") == 200
    (pushed,) = [one for one in scene.ntfy.pushed if one.topic == "kim-phone"]
    assert await scene.ntfy.press(pushed, "I'm on it") == 200
    await scene.bot.settle()
    assert scene.goalert.open == []
    assert len(_results(scene, scene.kim)) == 1
    shown = result(scene, scene.kim)
    assert "`goalert/kim`: accepted after 0.0 s, acknowledged after 12.0 s." in shown
    assert "`ntfy/kim-phone`: accepted after 0.0 s, acknowledged after 12.0 s." in shown
    assert "Everything works, both ways." in shown
    await scene.bot.advance(minutes=3)
    assert result(scene, scene.kim) == shown


async def test_after_two_minutes_it_says_what_is_missing_and_ends_it_there(
    waking: Waking,
) -> None:
    scene = waking
    scene.goalert.fail(403, text="forbidden")
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    await scene.bot.advance(minutes=2)
    shown = result(scene, scene.kim)
    assert "`goalert/kim`: not accepted (GoAlert answered 403: forbidden)." in shown
    assert "`ntfy/kim-phone`: accepted after 0.0 s, but I heard no acknowledgement" in shown
    assert "check the pager's webhook" in shown
    assert "test again: `/incident pager test`" in shown
    assert scene.ntfy.pushed[-1].priority == 2
    # What is acknowledged late is heard all the same.
    assert await scene.ntfy.press(scene.ntfy.pushed[0], "I'm on it") == 200
    await scene.bot.settle()
    assert "acknowledged after 120." in result(scene, scene.kim)


async def test_a_pager_without_a_way_back_is_told_apart_from_a_person_asleep(
    waking: Waking,
) -> None:
    scene = waking
    scene.bot.app.services.pagers.public_url = ""  # type: ignore[attr-defined]
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    await scene.bot.advance(minutes=2)
    assert "It can't tell me: set `SITREP_PUBLIC_URL`" in result(scene, scene.kim)


async def test_a_pager_that_is_down_is_tried_for_two_minutes_and_never_later(
    waking: Waking,
) -> None:
    scene = waking
    scene.goalert.go_down()
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    assert "not accepted yet (GoAlert answered 503" in result(scene, scene.kim)
    await scene.bot.advance(minutes=2)
    assert "not accepted (GoAlert answered 503" in result(scene, scene.kim)
    scene.goalert.come_back()
    await scene.bot.advance(minutes=10)
    assert scene.goalert.alerts == []


async def test_a_test_goes_on_after_a_restart(waking: Waking) -> None:
    scene = waking
    scene.goalert.go_down()
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    await scene.bot.restart()
    scene.goalert.come_back()
    for _ in range(3):  # the new process may still be taking the lease at the first look
        await scene.bot.advance(seconds=10)
    assert len(scene.goalert.alerts) == 1
    await scene.bot.advance(seconds=90)
    assert "`goalert/kim`: accepted after" in result(scene, scene.kim)
    assert scene.goalert.open == []


async def test_a_test_that_took_effect_unheard_is_sent_again_and_wakes_once(
    waking: Waking,
) -> None:
    scene = waking
    scene.goalert.fail(None, took_effect=True)
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    await scene.bot.advance(seconds=10)
    await scene.bot.advance(seconds=20)
    assert len(scene.goalert.alerts) == 1
    assert "`goalert/kim`: accepted after" in result(scene, scene.kim)


async def test_only_managers_and_mentors_test_somebody_else_and_the_audit_log_says_so(
    waking: Waking,
) -> None:
    scene = waking
    refused = await scene.alice.command("/incident pager test @kim")
    assert "can test somebody else's pagers. Nobody was paged." in refused.text
    assert "They test their own: `/incident pager test`" in refused.text
    assert scene.goalert.asked == []
    answer = await scene.lee.command("/incident pager test @kim")
    await scene.bot.settle()
    assert "I'm paging kim through" in answer.text
    assert "requested by lee" in scene.alert.summary
    assert _results(scene, scene.lee)
    assert not _results(scene, scene.kim)
    assert "Sent test pages to kim: goalert/kim, ntfy/kim-phone." in await scene.audit_log()


async def test_at_night_a_test_of_somebody_else_asks_first(waking: Waking) -> None:
    scene = waking
    await scene.bot.advance(hours=12, minutes=5)  # 22:05 in Berlin
    answer = await scene.lee.command("/incident pager test @kim")
    assert "It's 22:05 where kim is, so a test may wake them. I sent nothing." in answer.text
    assert scene.goalert.asked == []
    await scene.lee.click(scene.lee.ephemerals[-1], "pager_test_anyway")
    await scene.bot.settle()
    assert len(scene.goalert.alerts) == 1
    # One's own phone rings without a question.
    await scene.bot.advance(minutes=3)
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    assert len(scene.goalert.alerts) == 2


async def test_one_test_of_a_person_at_a_time_and_a_few_an_hour(waking: Waking) -> None:
    scene = waking
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    again = await scene.lee.command("/incident pager test @kim")
    assert "A test of kim's pagers is running." in again.text
    for _ in range(5):
        await scene.bot.advance(minutes=2)
        await scene.kim.command("/incident pager test me")
        await scene.bot.settle()
    await scene.bot.advance(minutes=2)
    assert len(scene.goalert.alerts) == 6
    refused = await scene.kim.command("/incident pager test")
    assert "You asked for 6 tests within an hour. Try again later" in refused.text
    await scene.bot.advance(hours=1)
    await scene.kim.command("/incident pager test")
    await scene.bot.settle()
    assert len(scene.goalert.alerts) == 7


async def test_two_who_test_the_same_person_at_once_send_one_test(any_waking: Waking) -> None:
    scene = any_waking
    answers = await asyncio.gather(
        scene.kim.command("/incident pager test"), scene.lee.command("/incident pager test @kim")
    )
    await scene.bot.settle()
    assert sorted("is running" in one.text for one in answers) == [False, True]
    assert len(scene.goalert.alerts) == 1


async def test_who_has_no_address_reads_the_lines_to_add(waking: Waking) -> None:
    answer = await waking.sam.command("/incident pager test")
    assert "The policy has no pager address for you." in answer.text
    assert "people:\n  - who: sam@example.com\n    reach: [goalert/sam]" in answer.text


async def test_what_names_nobody_is_refused_with_the_whole_line(waking: Waking) -> None:
    answer = await waking.kim.command("/incident pager test the phones please")
    assert "/incident pager test @\u2060ben" in answer.text
    assert waking.goalert.asked == []
