"""The way of a page: from declaring to a pager, from there to here, and back."""

from incidents.policy.references import PersonRef
from tests.scenario.conftest import newest, said
from tests.scenario.paging.conftest import Waking

CARD = "*Escalation 1*"


async def test_declaring_wakes_the_one_on_call_and_the_channel_says_so(any_waking: Waking) -> None:
    scene = any_waking
    await scene.declare()
    assert scene.alert.summary == "INC-1 SEV1: Checkout is down"
    assert scene.alert.status == "triggered"
    assert "Services: Checkout" in scene.alert.details
    assert "slack.com/" in scene.alert.details
    card = said(scene.room, CARD)[0].rendered
    assert "@kim through GoAlert: paged, not acknowledged yet" in card
    assert "may not wake anybody" not in card
    assert "GoAlert; accepted after" in await scene.timeline()


async def test_who_was_paged_sees_that_among_their_own_figures(waking: Waking) -> None:
    await waking.declare()
    assert "1 call and 1 page" in (await waking.kim.command("/incident oncall mine")).text
    assert "0 calls and 0 pages" in (await waking.alice.command("/incident oncall mine")).text


async def test_what_is_acknowledged_there_is_heard_here_and_is_not_taken_for_help(
    any_waking: Waking,
) -> None:
    scene = any_waking
    await scene.declare()
    assert await scene.goalert.acknowledge(scene.alert, by="Kim") == 200
    await scene.bot.settle()
    card = said(scene.room, CARD)[0].rendered
    assert "nobody is on it yet" in card
    await scene.bot.advance(minutes=2)
    assert scene.ntfy.pushed == []
    # Nothing shows that Kim is at work: the next step is called, and Kim is paged again.
    await scene.bot.advance(minutes=3)
    assert [one.topic for one in scene.ntfy.pushed] == ["lee-phone"]
    assert scene.alert.status == "triggered"
    assert len(scene.goalert.alerts) == 2


async def test_im_on_it_here_silences_the_pager_there_and_the_end_ends_it(
    any_waking: Waking,
) -> None:
    scene = any_waking
    await scene.declare()
    await scene.kim.click(scene.call_of(scene.kim), "escalation_take")
    await scene.bot.settle()
    assert scene.goalert.open == []
    # GoAlert tells us what we did ourselves; it is no news here.
    before = await scene.timeline()
    assert await scene.goalert.close(scene.alert, by="integration key") == 200
    await scene.bot.settle()
    assert await scene.timeline() == before


async def test_a_button_on_the_phone_acknowledges_and_pressing_it_again_changes_nothing(
    any_waking: Waking,
) -> None:
    scene = any_waking
    scene.goalert.fail(404)
    await scene.declare()
    (pushed,) = [one for one in scene.ntfy.pushed if one.topic == "kim-phone"]
    assert pushed.priority == 5
    assert await scene.ntfy.press(pushed, "I'm on it") == 200
    await scene.bot.settle()
    once = await scene.timeline()
    assert "Heard from ntfy that @kim acknowledged" in once
    assert await scene.ntfy.press(pushed, "I'm on it") == 200
    await scene.bot.settle()
    assert await scene.timeline() == once


async def test_a_declined_call_ends_there_and_the_next_is_paged(any_waking: Waking) -> None:
    scene = any_waking
    await scene.declare()
    form = (await scene.kim.click(scene.call_of(scene.kim), "escalation_decline_open")).get_view()
    await scene.kim.submit(form)
    await scene.bot.settle()
    assert scene.goalert.open == []
    assert [one.topic for one in scene.ntfy.pushed] == ["lee-phone"]


async def test_a_refused_page_takes_the_second_medium_and_is_said_with_phone_numbers(
    any_waking: Waking,
) -> None:
    scene = any_waking
    scene.goalert.fail(403, text="forbidden")
    await scene.declare()
    assert {one.topic for one in scene.ntfy.pushed} == {"kim-phone", "lee-phone"}
    alarm = newest(scene.room, "couldn't page")
    assert "GoAlert answered 403: forbidden" in alarm.rendered
    assert "+49" not in alarm.rendered
    await scene.alice.click(alarm, "escalation_phones")
    await scene.bot.settle()
    assert "+49 30 901820" in scene.alice.ephemerals[-1].text


async def test_a_pager_that_is_down_for_a_minute_counts_as_failed_and_is_tried_on(
    any_waking: Waking,
) -> None:
    scene = any_waking
    scene.goalert.go_down()
    await scene.declare()
    assert scene.ntfy.pushed == []
    await scene.bot.advance(seconds=61)
    assert {one.topic for one in scene.ntfy.pushed} == {"kim-phone", "lee-phone"}
    assert "not accepted within a minute" in newest(scene.room, "couldn't page").rendered
    scene.goalert.come_back()
    await scene.bot.advance(minutes=2)
    assert len(scene.goalert.open) == 1


async def test_a_page_that_took_effect_unheard_is_sent_again_and_wakes_once(
    any_waking: Waking,
) -> None:
    scene = any_waking
    scene.goalert.fail(500, took_effect=True)
    scene.goalert.fail(None, took_effect=True)
    await scene.declare()
    await scene.bot.advance(seconds=10)
    await scene.bot.advance(seconds=20)
    assert len(scene.goalert.asked) == 3
    assert len(scene.goalert.alerts) == 1


async def test_of_a_private_incident_no_pager_hears_unless_the_policy_says_so(
    waking: Waking,
) -> None:
    scene = waking
    await scene.declare_privately("Customer data leaked")
    assert scene.goalert.asked == []
    assert scene.ntfy.pushed == []
    await scene.tell_private()
    await scene.declare_privately("A key was published")
    assert scene.alert.summary == "INC-2"
    assert scene.alert.details == ""


async def test_stopped_calls_end_there_too(waking: Waking) -> None:
    scene = waking
    await scene.declare()
    answer = next(one for one in scene.alice.ephemerals if "call_stop" in one.buttons)
    await scene.alice.click(answer, "call_stop")
    await scene.bot.settle()
    assert scene.goalert.open == []


async def test_declaring_with_a_service_that_is_not_there_names_those_that_are(
    waking: Waking,
) -> None:
    outcome = await waking.alice.command("/incident declare sev1 It burns --service chekout")
    assert "chekout" in outcome.text
    assert "checkout" in outcome.text.replace("chekout", "")
    assert waking.goalert.asked == []


async def test_without_a_service_the_fallback_is_called_and_the_answer_says_why(
    waking: Waking,
) -> None:
    outcome = await waking.alice.command("/incident declare sev1 It burns")
    assert "You named no service, so I'm calling sam." in outcome.text
    await waking.bot.settle()
    assert "You're the fallback on call." in waking.call_of(waking.sam).rendered


async def test_the_card_names_who_is_called_and_has_no_pager(waking: Waking) -> None:
    waking.bot.change_ladder(PersonRef(user_id=waking.sam.id))
    await waking.bot.restart()
    await waking.declare()
    await waking.bot.advance(minutes=4)
    card = said(waking.room, CARD)[0].rendered
    assert "@kim through GoAlert" in card
    assert "No pager reaches @sam. If it can't wait, phone them." in card


async def test_what_ends_here_ends_there_although_its_page_waits_to_be_sent_again(
    waking: Waking,
) -> None:
    waking.goalert.fail(429, headers={"Retry-After": "900"}, took_effect=True)
    await waking.declare()
    assert waking.goalert.open
    await waking.kim.click(waking.call_of(waking.kim), "escalation_take")
    await waking.bot.settle()
    await waking.bot.advance(seconds=5)
    assert not waking.goalert.open
