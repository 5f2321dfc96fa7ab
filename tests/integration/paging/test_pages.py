"""Pages: who is woken, what an acknowledgement means, and what happens when paging fails."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from incidents.calling.arrivals import come
from incidents.calling.entries import CalledPersonCame, PageAcknowledged, PageFailed
from incidents.calling.failures import refuse_page
from incidents.calling.hear import hear, note_accepted
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.engine.effects import Effect
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.answers import decline, redirect, take
from incidents.escalation.entries import EscalationCalled
from incidents.escalation.tables import EscalationStatus
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById
from incidents.paging.effects import AcknowledgePage, ResolvePage, TriggerPage, UpdatePage
from incidents.paging.pages import Page, PageStatus
from incidents.paging.port import Heard, HeardKind
from incidents.policy.escalation import LadderStep
from incidents.policy.references import Address, PersonRef
from incidents.policy.waking.paging import PagerConfig, PagerKind, ReachedPerson
from incidents.roles.departures import save_people
from tests.escalation_world import Escalations
from tests.world import World

BOB = PersonTarget(external_id="UBOB")
PAGERS = (
    PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="https://goalert.example.com"),
    PagerConfig(key="ntfy", kind=PagerKind.NTFY),
)


class Pages(Escalations):
    """Alice escalates to Bob, whom GoAlert reaches and then ntfy; Carol is the next step."""

    async def rows(self) -> list[Page]:
        async with self.world.database.reading() as session:
            query = select(Page).order_by(Page.created_at, Page.place, Page.id)
            return list((await session.execute(query)).scalars())

    async def page(self) -> Page:
        """The newest page."""
        return (await self.rows())[-1]

    async def stands(self) -> list[tuple[str, str]]:
        return [(one.written, one.status) for one in await self.rows()]

    async def accept(self, page: Page) -> None:
        await self.world.run(
            partial(note_accepted, page_id=page.id, remote_id=f"R-{page.address}", url="")
        )

    async def tells(self, kind: HeardKind, page: Page, **given: Any) -> Outcome:
        heard = Heard(
            pager=page.pager, delivery_id=str(uuid.uuid4()), kind=kind, key=str(page.id), **given
        )
        return await self.world.run(partial(hear, heard=heard))

    async def asked(self, effect: type[Effect]) -> int:
        return len(await self.world.effects(effect))

    async def know_by_email(self, *external_ids: str) -> None:
        """Know these members, each by the email `<id>@example.com`."""
        facts = [
            PersonFacts(one, name=one, email=f"{one.lower()}@example.com", kind=PersonKind.MEMBER)
            for one in external_ids
        ]

        async def run(uow: UnitOfWork) -> Outcome:
            await save_people(uow, facts)
            return Outcome("known")

        await self.world.run(run)

    async def comes(self, person: Actor) -> None:
        async def run(uow: UnitOfWork) -> Outcome:
            await come(uow, await uow.get_incident(ById(self.incident_id)))
            return Outcome("came")

        await self.world.run(run, by=person)


async def paged(world: World, **policy: Any) -> Pages:
    """Let Alice declare a SEV1; `policy` adds to how people are reached."""
    alice = await world.person("alice")
    bob = (Address("goalert", "bob"), Address("ntfy", "bob"))
    world.change_policy(
        pagers=PAGERS,
        people=(
            ReachedPerson(who=PersonRef(user_id="UBOB"), reach=bob),
            ReachedPerson(who=PersonRef(user_id="UCAROL"), reach=(Address("ntfy", "carol"),)),
        ),
        **policy,
    )
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev1")
    play = Pages(world, incident_id, alice)
    play.steps("UCAROL", "UDAVE", wait=timedelta(minutes=5))
    return play


@pytest.fixture
async def pages(world: World) -> Pages:
    return await paged(world)


async def test_somebody_called_in_a_bad_incident_is_paged_by_their_first_address(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB)
    assert await pages.stands() == [("goalert/bob", PageStatus.SENDING)]
    assert await pages.asked(TriggerPage) == 1


async def test_a_small_incident_wakes_nobody_unless_it_is_urgent(pages: Pages) -> None:
    await pages.severity("sev3")
    await pages.escalate(target=BOB)
    assert await pages.rows() == []
    await pages.escalate(target=BOB, is_urgent=True)
    assert await pages.stands() == [("goalert/bob", PageStatus.SENDING)]


async def test_an_acknowledgement_pauses_the_ladder_and_is_not_taken_for_help(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB)
    await pages.accept(await pages.page())
    await pages.wait(minutes=2)
    await pages.tells(HeardKind.ACKNOWLEDGED, await pages.page())
    (said,) = await pages.said(PageAcknowledged)
    assert said.person.name == "UBOB"
    assert said.until == pages.world.clock.now() + timedelta(minutes=3)
    await pages.wait(minutes=2)
    assert await pages.called() == ["UBOB"]
    assert (await pages.view()).status is EscalationStatus.CALLING


async def test_a_step_may_ask_for_more_than_one_acknowledgement(pages: Pages) -> None:
    both = (PersonRef(user_id="UBOB"), PersonRef(user_id="UCAROL"))
    step = LadderStep(who=both, wait=timedelta(minutes=5), acknowledgements=2)
    pages.change(steps=(step, LadderStep(who=(PersonRef(user_id="UDAVE"),))))
    await pages.escalate()
    first, second = await pages.rows()
    for page in (first, second):
        await pages.accept(page)
    await pages.wait(minutes=4)
    await pages.tells(HeardKind.ACKNOWLEDGED, first)
    assert [one.until for one in await pages.said(PageAcknowledged)] == [None]
    await pages.tells(HeardKind.ACKNOWLEDGED, second)
    await pages.wait(minutes=2)
    assert set(await pages.called()) == {"UBOB", "UCAROL"}
    await pages.wait(minutes=3)
    assert set(await pages.called()) == {"UBOB", "UCAROL", "UDAVE"}


async def test_passing_it_on_ends_it_for_them_and_pages_the_next(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    to_carol = PersonTarget(external_id="UCAROL")
    bob = await pages.world.person("bob")
    await pages.answer(redirect, by=bob, target=to_carol, reason="She knows it")
    assert dict(await pages.stands()) == {
        "goalert/bob": PageStatus.ENDED,
        "ntfy/carol": PageStatus.SENDING,
    }


async def test_without_a_sign_of_work_the_ladder_goes_on_and_pages_that_person_again(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB)
    first = await pages.page()
    await pages.accept(first)
    await pages.tells(HeardKind.ACKNOWLEDGED, first)
    await pages.wait(minutes=5)
    assert await pages.called() == ["UBOB", "UCAROL"]
    assert (await pages.said(EscalationCalled))[-1].because == "no_sign"
    again = [one for one in await pages.rows() if one.is_open]
    assert {one.written for one in again} == {"goalert/bob", "ntfy/carol"}
    assert first.id not in {one.id for one in again}


async def test_somebody_who_comes_after_acknowledging_is_not_paged_again(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    page = await pages.page()
    await pages.accept(page)
    await pages.tells(HeardKind.ACKNOWLEDGED, page)
    await pages.wait(minutes=2)
    await pages.comes(await pages.world.person("bob"))
    (came,) = await pages.said(CalledPersonCame)
    assert came.person.name == "bob"
    await pages.wait(minutes=3)  # the ladder goes on, as nobody has said to be on it
    assert [one.written for one in await pages.rows()] == ["goalert/bob", "ntfy/carol"]


async def test_coming_falls_silent_the_pager_of_that_person(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    await pages.accept(await pages.page())
    bob = await pages.world.person("bob")
    await pages.comes(bob)
    await pages.comes(bob)
    assert (await pages.page()).status == PageStatus.ACKNOWLEDGED
    assert await pages.asked(AcknowledgePage) == 1
    assert len(await pages.said(CalledPersonCame)) == 1


async def test_being_on_it_acknowledges_there_and_ends_the_pages_of_the_others(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB)
    await pages.accept(await pages.page())
    await pages.wait(minutes=5)
    await pages.answer(take, by=await pages.world.person("bob"))
    stands = dict(await pages.stands())
    assert stands == {"goalert/bob": PageStatus.ACKNOWLEDGED, "ntfy/carol": PageStatus.ENDED}
    assert await pages.asked(AcknowledgePage) == 1
    assert await pages.asked(ResolvePage) == 1
    await pages.cancel()
    assert (await pages.rows())[0].status == PageStatus.ENDED
    assert await pages.asked(ResolvePage) == 2


async def test_declining_ends_it_for_them_and_pages_the_next(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    await pages.answer(decline, by=await pages.world.person("bob"), reason="On a plane")
    assert dict(await pages.stands()) == {
        "goalert/bob": PageStatus.ENDED,
        "ntfy/carol": PageStatus.SENDING,
    }


async def test_declining_in_the_pager_does_the_same(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    await pages.tells(HeardKind.DECLINED, await pages.page())
    assert await pages.called() == ["UBOB", "UCAROL"]


async def test_only_the_person_paged_declines_their_page_and_it_ends_there(pages: Pages) -> None:
    await pages.know_by_email("UBOB", "UEVE")
    await pages.escalate(target=BOB)
    page = await pages.page()
    for email in ("ueve@example.com", "stranger@example.com"):
        assert (await pages.tells(HeardKind.DECLINED, page, email=email)).kind == "known"
    assert await pages.called() == ["UBOB"]
    await pages.tells(HeardKind.DECLINED, page, email="ubob@example.com")
    assert await pages.called() == ["UBOB", "UCAROL"]
    assert await pages.asked(ResolvePage) == 1


@pytest.mark.parametrize("kind", [HeardKind.UNACKNOWLEDGED, HeardKind.REASSIGNED])
async def test_a_page_that_wakes_somebody_again_is_not_acknowledged_any_more(
    pages: Pages, kind: HeardKind
) -> None:
    await pages.escalate(target=BOB)
    page = await pages.page()
    await pages.accept(page)
    assert (await pages.tells(kind, page)).kind == "known"
    await pages.tells(HeardKind.ACKNOWLEDGED, page)
    await pages.tells(kind, page)
    assert await pages.stands() == [("goalert/bob", PageStatus.ACCEPTED)]
    await pages.wait(minutes=5)  # the page still wakes people there: no second one
    assert await pages.stands() == [
        ("goalert/bob", PageStatus.ACCEPTED),
        ("ntfy/carol", PageStatus.SENDING),
    ]


async def test_what_sitrep_did_itself_and_the_pager_tells_back_is_no_news(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    page = await pages.page()
    await pages.accept(page)
    await pages.answer(take, by=await pages.world.person("bob"))
    assert (await pages.tells(HeardKind.ACKNOWLEDGED, page)).kind == "known"
    await pages.cancel()
    assert (await pages.tells(HeardKind.RESOLVED, page)).kind == "known"
    # The acknowledgement arrives after the end.
    assert (await pages.tells(HeardKind.ACKNOWLEDGED, page)).kind == "known"
    assert await pages.said(PageAcknowledged) == []


async def test_a_page_refused_for_good_tries_the_next_address_and_calls_the_next_step_once(
    pages: Pages,
) -> None:
    await pages.escalate(target=BOB)
    await pages.world.run(partial(refuse_page, page_id=(await pages.page()).id, error="no service"))
    assert dict(await pages.stands()) == {
        "goalert/bob": PageStatus.FAILED,
        "ntfy/bob": PageStatus.SENDING,
        "ntfy/carol": PageStatus.SENDING,
    }
    (said,) = await pages.said(PageFailed)
    assert (said.problem, said.then) == ("no service", "ntfy/bob")
    assert (await pages.said(EscalationCalled))[-1].because == "paging_failed"


async def test_an_outage_of_the_pager_does_not_wake_everybody_on_the_ladder(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    await pages.wait(seconds=61)  # nothing accepts: bob's second address and carol are tried
    await pages.wait(seconds=61)  # these fail as well
    assert await pages.called() == ["UBOB", "UCAROL"]
    assert {one.written for one in await pages.rows()} == {"goalert/bob", "ntfy/bob", "ntfy/carol"}
    assert len(await pages.said(PageFailed)) == 3
    await pages.wait(minutes=5)  # the ladder keeps its pace
    assert await pages.called() == ["UBOB", "UCAROL", "UDAVE"]


async def test_a_late_acceptance_after_the_alarm_still_counts(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    page = await pages.page()
    await pages.wait(seconds=61)
    await pages.accept(page)
    first = (await pages.rows())[0]
    assert first.status == PageStatus.ACCEPTED
    outcome = await pages.tells(HeardKind.ACKNOWLEDGED, first)
    assert outcome.kind == "page_acknowledged"


async def test_what_a_pager_says_twice_or_of_strangers_changes_nothing(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    page = await pages.page()
    await pages.tells(HeardKind.ACKNOWLEDGED, page)
    assert (await pages.tells(HeardKind.ACKNOWLEDGED, page)).kind == "known"
    assert len(await pages.said(PageAcknowledged)) == 1
    for key in (str(uuid.uuid4()), "nonsense", "'; drop table pages"):
        heard = Heard(pager="goalert", delivery_id="1", kind=HeardKind.RESOLVED, key=key)
        assert (await pages.world.run(partial(hear, heard=heard))).kind == "unknown"
    # Another pager's secret says nothing of this page.
    heard = Heard(pager="ntfy", delivery_id="1", kind=HeardKind.RESOLVED, key=str(page.id))
    assert (await pages.world.run(partial(hear, heard=heard))).kind == "unknown"


async def test_a_private_incident_leaves_by_no_door_that_the_policy_does_not_name(
    pages: Pages,
) -> None:
    alice = pages.alice
    pages.incident_id = await pages.world.declare(
        "Leaked keys", by=alice, severity_key="sev1", is_private=True
    )
    await pages.know("UBOB")
    pages.world.may_open_to = frozenset({"UBOB", "UCAROL", "UDAVE"})
    await pages.escalate(target=BOB)
    assert await pages.rows() == []
    told = (PAGERS[0], PagerConfig(key="ntfy", kind=PagerKind.NTFY, tells_private=True))
    pages.world.change_policy(pagers=told)
    await pages.escalate(target=BOB)
    assert await pages.stands() == [("ntfy/bob", PageStatus.SENDING)]


async def test_a_changed_severity_is_told_without_paging_again(pages: Pages) -> None:
    await pages.escalate(target=BOB)
    await pages.severity("sev2")
    assert await pages.asked(UpdatePage) == 1
    assert await pages.asked(TriggerPage) == 1


async def test_an_acknowledgement_by_somebody_else_names_them(pages: Pages) -> None:
    await pages.know_by_email("UEVE")
    await pages.escalate(target=BOB)
    await pages.tells(HeardKind.ACKNOWLEDGED, await pages.page(), email="ueve@example.com")
    (said,) = await pages.said(PageAcknowledged)
    assert said.person.name == "UEVE"


async def test_an_incident_declared_from_a_pagerduty_page_adopts_it(pages: Pages) -> None:
    duty = PagerConfig(key="duty", kind=PagerKind.PAGERDUTY)
    reach = (Address("duty", "bob"),)
    bob = ReachedPerson(who=PersonRef(user_id="UBOB"), reach=reach)
    pages.world.change_policy(pagers=(duty,), people=(bob,))
    link = "https://example.pagerduty.com/incidents/Q1ABCDEF2"
    pages.incident_id = await pages.world.declare(
        f"Checkout fails {link}", by=pages.alice, severity_key="sev1"
    )
    await pages.escalate(target=BOB)
    page = await pages.page()
    assert (page.remote_id, page.is_adopted) == ("Q1ABCDEF2", True)
    assert await pages.asked(TriggerPage) == 1  # which looks whether it is still open
    heard = Heard(
        pager="duty",
        delivery_id="1",
        kind=HeardKind.ACKNOWLEDGED,
        key="monitor/checkout",
        remote_id="Q1ABCDEF2",
    )
    assert (await pages.world.run(partial(hear, heard=heard))).kind == "page_acknowledged"
