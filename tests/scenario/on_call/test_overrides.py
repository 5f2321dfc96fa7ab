"""Overrides: somebody stands in for a while, hears of it, and is called instead."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from incidents.paging.pages import Page
from incidents.policy.references import Address, GroupRef, PersonRef
from incidents.policy.waking.paging import PagerConfig, PagerKind, ReachedPerson
from incidents.record.audit_log import AuditKind
from tests.scenario.conftest import Bot, said
from tests.scenario.on_call.test_rotations import Rota


async def test_who_stands_in_is_told_and_called_until_the_end(any_bot: Bot) -> None:
    rota = await Rota(any_bot).known()
    answer = await rota.kim.command("/incident oncall override @lee until 11:30")
    assert "@lee is on call for `rotation/primary` until" in answer.rendered
    assert "instead of kim" in answer.rendered
    await any_bot.settle()
    (told,) = said(any_bot.slack.dm(rota.lee), "You're on call for `rotation/primary`")
    assert "kim arranged it" in told.rendered
    assert said(any_bot.slack.dm(rota.kim), "is on call for") == []
    shown = (await rota.alice.command("/incident oncall checkout")).rendered
    assert "Checkout: @lee until" in shown
    assert "then @kim (an override, `rotation/primary`)" in shown
    await rota.declare("Checkout is down")
    assert (rota.calls(rota.lee, 1), rota.calls(rota.kim, 1)) == (1, 0)
    entry = (await any_bot.audit_entries())[-1]
    assert (entry.kind, entry.actor_name) == (AuditKind.ON_CALL_OVERRIDDEN, "kim")
    assert any_bot.clock.now().hour < 11
    await any_bot.advance(hours=3)
    assert (
        "Checkout: @kim until" in (await rota.alice.command("/incident oncall checkout")).rendered
    )


async def test_an_override_changes_the_next_call_of_a_running_incident(bot: Bot) -> None:
    rota = await Rota(bot).known()
    await rota.declare("Checkout is down")
    line = "/incident oncall override @ben for 2h secondary"
    assert "`rotation/secondary`" in (await rota.sam.command(line)).rendered
    await bot.advance(minutes=10)
    assert (rota.calls(rota.ben, 1), rota.calls(rota.sam, 1)) == (1, 0)
    assert rota.calls(rota.kim, 1) == 1


async def test_it_can_be_stopped_and_the_same_twice_changes_nothing(bot: Bot) -> None:
    rota = await Rota(bot).known()
    line = "/incident oncall override @ben until tomorrow 9:00 checkout"
    await rota.kim.command(line)
    again = await rota.kim.command(line)
    assert "ben is already on call until then" in again.rendered
    stopped = await rota.ben.command("/incident oncall override stop")
    assert "The override for `rotation/primary` has ended. kim is on call." in stopped.rendered
    await bot.settle()
    assert said(bot.slack.dm(rota.kim), "ben no longer stands in for `rotation/primary`")
    assert said(bot.slack.dm(rota.ben), "stand in for") == []
    again = await rota.ben.command("/incident oncall override stop primary")
    assert "There's no override for rotation/primary" in again.rendered
    kinds = [one.kind for one in await bot.audit_entries() if one.kind.startswith("on_call")]
    assert kinds == [AuditKind.ON_CALL_OVERRIDDEN, AuditKind.ON_CALL_OVERRIDE_STOPPED]


async def test_only_those_concerned_may_say_who_stands_in(bot: Bot) -> None:
    rota = Rota(bot)
    (checkout,) = bot.loaded.policy.services
    owned = replace(checkout, owner=PersonRef(user_id=rota.lee.id))
    bot.change_policy(services=(owned,))
    await rota.known()
    line = "/incident oncall override @ben until 18:00"
    refused = (await rota.alice.command(f"{line} checkout")).rendered
    assert "Only the people in `rotation/primary`, its owners and its managers" in refused
    assert "/incident oncall rotation/primary" in refused
    assert "@ben is on call for" in (await rota.lee.command(f"{line} checkout")).rendered


async def test_a_service_without_a_rotation_is_overridden_itself(bot: Bot) -> None:
    rota = Rota(bot)
    group = bot.slack.add_group("checkout-oncall", [rota.kim])
    (checkout,) = bot.loaded.policy.services
    bot.change_policy(services=(replace(checkout, on_call=GroupRef(group_id=group.id)),))
    await rota.known()
    await rota.declare("Payments fail everywhere")
    assert rota.calls(rota.kim, 1) == 1
    line = "/incident oncall override @ben 3h checkout"
    assert "@ben is on call for `Checkout` until" in (await rota.kim.command(line)).rendered
    await rota.declare("Checkout is down")
    assert (rota.calls(rota.ben, 2), rota.calls(rota.kim, 2)) == (1, 0)


async def test_refusals_name_what_was_typed_and_give_the_next_line(bot: Bot) -> None:
    rota = await Rota(bot).known()
    for line, *parts in (
        ("ben until 18:00", "a person, not `ben`", "/incident oncall override @ben until 18:00"),
        (
            "@ben",
            "The end of the override is missing",
            "/incident oncall override @ben until 18:00",
        ),
        ("@ben until soonish", "`soonish` isn't clear", "override @ben until 18:00"),
        ("@ben until Friday", "`Friday` needs a time of day", "override @ben until 18:00"),
        ("@ben until 2026-01-02 09:00", "is over already", "override @ben until 18:00"),
        ("@ben until 18:00 chekout", "`chekout` isn't in the policy", "oncall checkout"),
        ("stop", "There's no override"),
    ):
        answer = (await rota.kim.command(f"/incident oncall override {line}")).rendered.replace(
            "\u2060", ""
        )
        assert all(part in answer for part in parts), answer
    unclear = (
        await rota.alice.command("/incident oncall override @ben until 18:00")
    ).rendered.replace("\u2060", "")
    assert "The rotation or service has to be named" in unclear
    assert "/incident oncall override @ben until 18:00 rotation/primary" in unclear


async def test_who_stands_in_is_paged_by_their_own_addresses(bot: Bot) -> None:
    rota = Rota(bot)
    (checkout,) = bot.loaded.policy.services
    reached = ReachedPerson(who=PersonRef(user_id=rota.ben.id), reach=(Address("goalert", "ben"),))
    bot.change_policy(
        services=(replace(checkout, reach=(Address("goalert", "checkout"),)),),
        people=(reached,),
        pagers=(PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="http://127.0.0.1:9"),),
    )
    await rota.known()
    await rota.declare("Payments fail everywhere")
    assert await paged(bot) == ["checkout"]
    await rota.kim.command("/incident oncall override @ben until 18:00 checkout")
    await rota.declare("Search is down")
    assert await paged(bot) == ["ben", "checkout"]
    (call,) = said(bot.slack.dm(rota.ben), "*INC-2* SEV1")
    await rota.ben.click(call, "escalation_why")
    await bot.settle()
    assert "An override puts you on call for Checkout" in rota.ben.ephemerals[-1].text
    bot.clock.advance(timedelta(seconds=1))  # of two, the newer one counts
    await rota.kim.command("/incident oncall override @lee until 18:00 checkout")
    await rota.declare("Mails bounce everywhere")
    assert await paged(bot) == ["ben", "checkout", "checkout"]


async def paged(bot: Bot) -> list[str]:
    """The addresses paged so far, sorted: the clock stands still between them."""
    async with bot.app.services.database.reading() as session:
        return sorted((await session.execute(select(Page.address))).scalars())
