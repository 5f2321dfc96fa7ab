"""Pages when things go wrong at once: refusals that come late, several services, changed policies."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.calling.entries import CalledPersonCame, PageAcknowledged, PageFailed
from incidents.calling.failures import refuse_page
from incidents.channel.insiders import take_sight_back
from incidents.channel.privacy import MoveToPrivate, move_to_private
from incidents.escalation.answers import decline, redirect, take
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById
from incidents.paging.effects import AcknowledgePage
from incidents.paging.pages import Page, PageStatus
from incidents.paging.port import HeardKind
from incidents.policy.escalation import LadderStep, Relation, Service
from incidents.policy.references import Address, PersonRef
from incidents.policy.waking.call import By, CallRule
from incidents.policy.waking.paging import PagerConfig, PagerKind, ReachedPerson
from tests.integration.paging.test_pages import BOB, PAGERS, Pages, paged
from tests.world import World

CAROL = PersonTarget(external_id="UCAROL")


def service(key: str, on_call: str) -> Service:
    """A service with somebody on call, reached by its own addresses."""
    reach = (Address("goalert", key), Address("ntfy", key))
    return Service(key=key, name=key, tier=1, on_call=PersonRef(user_id=on_call), reach=reach)


@pytest.fixture
async def pages(world: World) -> Pages:
    """Alice declares; Bob has two addresses, Carol one; ladders end with Carol and Dave."""
    services = (service("checkout", "UONCALL"), service("search", "USEARCH"))
    return await paged(world, call=(), services=services)


async def refused(pages: Pages, page: Page) -> None:
    await pages.world.run(partial(refuse_page, page_id=page.id, error="no service"))


async def declare_in_services(pages: Pages, *services: str) -> None:
    rule = CallRule(severity="sev1", call=(Relation.ON_CALL,))
    pages.world.change_policy(call=(rule,))
    await pages.know("UONCALL", "USEARCH")
    pages.incident_id = await pages.world.declare(
        "Both fail", by=pages.alice, severity_key="sev1", services=services
    )


async def escalate_to_service(pages: Pages) -> Page:
    """Alice escalates by hand; the service's on-call is the first step."""
    pages.change(
        steps=(
            LadderStep(who=(Relation.ON_CALL,), wait=timedelta(minutes=5)),
            LadderStep(who=(PersonRef(user_id="UCAROL"),), wait=timedelta(minutes=5)),
        )
    )
    await pages.know("UONCALL", "UCAROL")
    pages.incident_id = await pages.world.declare(
        "Checkout", by=pages.alice, severity_key="sev1", services=("checkout",)
    )
    await pages.escalate(is_urgent=True)
    page = await pages.page()
    assert page.written == "goalert/checkout"
    await pages.accept(page)
    return await pages.page()


async def test_the_failure_of_one_service_s_page_does_not_wake_another_service_again(
    pages: Pages,
) -> None:
    await declare_in_services(pages, "checkout", "search")
    rows = {one.written: one for one in await pages.rows()}
    assert set(rows) == {"goalert/checkout", "goalert/search"}
    await pages.accept(rows["goalert/search"])
    await refused(pages, rows["goalert/checkout"])
    assert "ntfy/checkout" in dict(await pages.stands())
    assert "ntfy/search" not in dict(await pages.stands())


async def test_a_pager_that_leaves_the_policy_meanwhile_leaves_the_address_they_still_have(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB, is_urgent=True)
    left = ReachedPerson(who=PersonRef(user_id="UBOB"), reach=(Address("ntfy", "bob"),))
    pages.world.change_policy(pagers=(PAGERS[1],), people=(left,))
    await refused(pages, await pages.page())
    assert dict(await pages.stands())["ntfy/bob"] == PageStatus.SENDING


async def test_two_people_with_one_address_are_both_tried_by_their_second(pages: Pages) -> None:
    shared = Address("goalert", "team")
    pages.world.change_policy(
        people=tuple(
            ReachedPerson(who=PersonRef(user_id=f"U{one}"), reach=(shared, Address("ntfy", one)))
            for one in ("BOB", "CAROL")
        )
    )
    both = (PersonRef(user_id="UBOB"), PersonRef(user_id="UCAROL"))
    pages.change(steps=(LadderStep(who=both, wait=timedelta(minutes=5)),))
    await pages.escalate(is_urgent=True)
    assert await pages.stands() == [("goalert/team", PageStatus.SENDING)]
    await refused(pages, await pages.page())
    assert {"ntfy/BOB", "ntfy/CAROL"} <= set(dict(await pages.stands()))


@pytest.mark.parametrize("how", ["took", "came"])
async def test_a_late_refusal_of_a_page_that_nobody_needs_alarms_and_wakes_nobody(
    pages: Pages, how: str
) -> None:
    await pages.escalate(target=BOB, is_urgent=True)
    page = await pages.page()
    bob = await pages.world.person("bob")
    if how == "took":
        await pages.answer(take, by=bob)
    else:
        await pages.comes(bob)
    await refused(pages, page)
    assert {one.written for one in await pages.rows()} == {"goalert/bob"}
    assert await pages.said(PageFailed) == []


async def test_coming_falls_silent_the_pager_of_the_service_that_one_is_on_call_for(
    pages: Pages,
) -> None:
    await escalate_to_service(pages)
    await pages.comes(await pages.world.person("oncall"))
    assert len(await pages.said(CalledPersonCame)) == 1
    assert (await pages.page()).status == PageStatus.ACKNOWLEDGED
    assert await pages.asked(AcknowledgePage) == 1


async def test_declining_ends_the_page_of_the_service_that_one_is_on_call_for(
    pages: Pages,
) -> None:
    await escalate_to_service(pages)
    oncall = await pages.world.person("oncall")
    await pages.answer(decline, by=oncall, reason="On a plane")
    assert dict(await pages.stands()) == {
        "goalert/checkout": PageStatus.ENDED,
        "ntfy/carol": PageStatus.SENDING,
    }


async def test_passing_it_on_ends_the_page_of_the_service_that_one_is_on_call_for(
    pages: Pages,
) -> None:
    await escalate_to_service(pages)
    oncall = await pages.world.person("oncall")
    await pages.answer(redirect, by=oncall, target=CAROL, reason="She knows it")
    assert dict(await pages.stands())["goalert/checkout"] == PageStatus.ENDED


async def test_who_came_after_an_acknowledgement_that_names_nobody_is_not_paged_again(
    pages: Pages,
) -> None:
    page = await escalate_to_service(pages)
    await pages.tells(HeardKind.ACKNOWLEDGED, page)  # GoAlert tells no email
    await pages.comes(await pages.world.person("oncall"))
    await pages.wait(minutes=5)
    assert {one.written for one in await pages.rows()} == {"goalert/checkout", "ntfy/carol"}
    assert len(await pages.rows()) == 2


async def test_passing_it_to_somebody_who_acknowledged_long_ago_wakes_them(pages: Pages) -> None:
    await pages.escalate(target=BOB, is_urgent=True)
    page = await pages.page()
    await pages.accept(page)
    await pages.tells(HeardKind.ACKNOWLEDGED, page)
    await pages.wait(minutes=1)
    await pages.answer(redirect, by=await pages.responder("eve"), target=BOB, reason="Bob, please")
    sending = [one.written for one in await pages.rows() if one.status == PageStatus.SENDING]
    assert sending == ["goalert/bob"]


async def test_a_late_acknowledgement_never_brings_the_next_step_forward(pages: Pages) -> None:
    steps = (("UBOB", 5), ("UCAROL", 30), ("UDAVE", 5))
    pages.change(
        steps=tuple(
            LadderStep(who=(PersonRef(user_id=one),), wait=timedelta(minutes=minutes))
            for one, minutes in steps
        )
    )
    await pages.escalate(is_urgent=True)
    first = await pages.page()
    await pages.accept(first)
    await pages.wait(minutes=5)
    assert await pages.called() == ["UBOB", "UCAROL"]
    await pages.accept(await pages.page())
    await pages.tells(HeardKind.ACKNOWLEDGED, first)
    (said,) = await pages.said(PageAcknowledged)
    assert said.until == pages.world.clock.now() + timedelta(minutes=30)
    await pages.wait(minutes=6)
    assert await pages.called() == ["UBOB", "UCAROL"]


async def test_who_was_called_quietly_is_paged_when_it_becomes_bad(pages: Pages) -> None:
    bob = PersonRef(user_id="UBOB")
    await pages.know("UBOB")
    pages.world.change_policy(
        call=(
            CallRule(severity="sev1", call=(bob,)),
            CallRule(severity="sev2", call=(bob,), by=By.MESSAGE),
        )
    )
    pages.incident_id = await pages.world.declare("Slow", by=pages.alice, severity_key="sev2")
    assert await pages.rows() == []
    await pages.severity("sev1")
    assert await pages.stands() == [("goalert/bob", PageStatus.SENDING)]


async def test_moved_to_private_their_address_that_may_be_told_is_still_tried(
    pages: Pages,
) -> None:
    told = (PAGERS[0], PagerConfig(key="ntfy", kind=PagerKind.NTFY, tells_private=True))
    pages.world.change_policy(pagers=told)
    pages.incident_id = await pages.world.declare(
        "Leaked keys", by=pages.alice, severity_key="sev1"
    )
    await pages.escalate(target=BOB, is_urgent=True)
    page = await pages.page()
    await pages.commander(pages.alice)
    await pages.world.run(
        partial(move_to_private, ref=ById(pages.incident_id), wanted=MoveToPrivate()),
        by=pages.alice,
    )
    await refused(pages, page)
    assert dict(await pages.stands())["ntfy/bob"] == PageStatus.SENDING


async def test_who_is_put_out_of_a_private_incident_is_not_woken_for_it_any_more(
    pages: Pages,
) -> None:
    told = (
        PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="https://g", tells_private=True),
    )
    pages.world.change_policy(pagers=told)
    pages.incident_id = await pages.world.declare(
        "Leaked keys", by=pages.alice, severity_key="sev1", is_private=True
    )
    await pages.know("UBOB")
    pages.world.may_open_to = frozenset({"UBOB", "UCAROL", "UDAVE"})
    await pages.escalate(target=BOB, is_urgent=True)
    page = await pages.page()
    await pages.accept(page)
    ref = ById(pages.incident_id)
    await pages.world.run(partial(take_sight_back, ref=ref, person="UBOB"), by=pages.alice)
    assert await pages.stands() == [("goalert/bob", PageStatus.ENDED)]
