"""What being on call cost: one's own, to oneself; per person, to managers; private stays private.

Bob is on call and Alice calls him; Dana is the manager. Everybody lives in Berlin.
"""

from dataclasses import replace
from datetime import date, time, timedelta

from sqlalchemy import select

from incidents.policy.escalation import Service
from incidents.policy.references import PersonRef, RotationRef
from incidents.policy.waking.call import OnCallPolicy
from incidents.policy.waking.rotations import Handover, Rotation
from incidents.record.audit_log import AuditEntry, AuditKind
from tests.scenario.conftest import ROOM, Bot, declared
from tests.slack_server import Person

PRIVATE = "inc-2-payroll-leak"


class Shift:
    """Bob is called twice in one night, once privately, where he is removed; once in a drill."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.alice, self.bob, self.carol, self.dana = bot.slack.add_people(
            "alice", "bob", "carol", "dana"
        )
        yesterday = bot.clock.now().date() - timedelta(days=1)
        bot.change_policy(
            services=(
                Service(key="checkout", name="Checkout", tier=1, on_call=RotationRef("primary")),
                Service(key="search", name="Search", tier=1),
            ),
            on_call=OnCallPolicy(rotations=(daily(yesterday, self.bob, self.carol),)),
            escalation=replace(
                bot.loaded.policy.escalation, manager=PersonRef(user_id=self.dana.id)
            ),
        )

    async def called(self) -> "Shift":
        bot, alice, bob = self.bot, self.alice, self.bob
        await bot.restart()
        for one in (bob, self.carol, self.dana):
            await one.command("/incident list")
        await bot.advance(hours=13)  # 23:00 in Berlin
        await declared(bot, by=alice)
        await alice.command("/incident escalate @bob Help", channel=ROOM)
        await bot.settle()
        await bob.command("/incident INC-1 escalation take")
        await bot.advance(hours=2)
        await alice.command("/incident declare sev2 Payroll leak --private --no-call")
        await bot.settle()
        await alice.invites(bob, PRIVATE)
        await bot.settle()
        asked = await alice.command("/incident escalate @bob Help", channel=PRIVATE)
        assert "If nobody answers, this opens all of INC-2" in asked.text
        await alice.click(alice.ephemerals[-1], "open_private")
        await bot.settle()
        await bob.command("/incident INC-2 escalation take")
        await bot.settle()
        await bob.command("/incident declare sev2 Practice --drill")
        await bot.settle()
        await alice.command("/incident DRILL-1 escalate @bob Help")
        await bot.settle()
        return self


def daily(first: date, *people: Person) -> Rotation:
    return Rotation(
        key="primary",
        people=tuple(PersonRef(user_id=one.id) for one in people),
        handover=Handover(0, time(9)),
        every=timedelta(days=1),
        time_zone="UTC",
        starts_on=first,
        overrides=(),
    )


async def looked_at(bot: Bot) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.kind == AuditKind.LOAD_SHOWN)
    async with bot.app.services.database.reading() as session:
        return list((await session.execute(query)).scalars())


async def test_my_own_calls_and_nights_count_private_ones_unnamed_once_i_am_out(
    any_bot: Bot,
) -> None:
    shift = await Shift(any_bot).called()
    own = await shift.bob.command("/incident oncall mine")
    assert "2 calls and 0 pages" in own.text
    assert "1 night with" in own.text
    assert "24 hours on call" in own.text
    assert "You helped in 2 incidents: INC-1, INC-2" in own.text
    await shift.alice.command("/incident uninvite @bob His part is done", channel=PRIVATE)
    await any_bot.settle()
    own = await shift.bob.command("/incident oncall mine")
    assert "2 calls and 0 pages" in own.text
    assert "You helped in 2 incidents: INC-1, 1 private" in own.text
    carols = (await shift.carol.command("/incident oncall mine")).text
    assert "0 calls and 0 pages" in carols
    assert "You took part in no incident" in carols


async def test_a_manager_sees_the_load_per_person_without_what_is_private(bot: Bot) -> None:
    shift = await Shift(bot).called()
    for line in ("report", "report checkout"):
        refused = await shift.carol.command(f"/incident oncall {line}")
        assert "Only managers whom the policy names" in refused.text
        assert "/incident oncall mine" in refused.text
    assert await looked_at(bot) == []
    report = await shift.dana.command("/incident oncall report")
    assert "bob: 1 call, 0 pages, 1 night, 24 hours on call" in report.text
    assert "dana:" not in report.text
    (entry,) = await looked_at(bot)
    assert entry.actor_name == "dana"
    assert "bob: 0 calls" in (await shift.dana.command("/incident oncall report checkout")).text
    nobody = await shift.dana.command("/incident oncall report search")
    assert "Nobody was called" in nobody.text
    rota = await shift.dana.command("/incident oncall report rotation/primary")
    assert "bob: 1 call" in rota.text
    for named in ("@nobody", "nonsense"):
        refused = await shift.dana.command(f"/incident oncall report {named}")
        assert f"{named}` isn't" in refused.text.replace("\u2060", "")
    assert len(await looked_at(bot)) == 4
