"""Rotations wake whoever is on call at the moment of the call."""

from datetime import date, datetime, time, timedelta

from incidents.policy.escalation import LadderStep, Relation, Service
from incidents.policy.references import PersonRef, RotationRef
from incidents.policy.waking.call import CallRule, OnCallPolicy
from incidents.policy.waking.rotations import Handover, Rotation
from tests.scenario.conftest import Bot, said
from tests.slack_server.interaction.people import Person


class Rota:
    """Kim and Ben take turns for Checkout, day by day; Sam stands second, day by day with Lee."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.alice, self.kim, self.ben, self.sam, self.lee = bot.slack.add_people(
            "alice", "kim", "ben", "sam", "lee"
        )
        today = bot.clock.now().date()
        bot.change_policy(
            services=(
                Service(
                    key="checkout",
                    name="Checkout",
                    tier=1,
                    on_call=RotationRef("primary"),
                    steps=(LadderStep(who=(RotationRef("secondary"),), wait=timedelta(minutes=5)),),
                ),
            ),
            on_call=OnCallPolicy(
                fallback=RotationRef("secondary"),
                rotations=(
                    daily("primary", today, self.kim, self.ben),
                    daily("secondary", today, self.sam, self.lee),
                ),
            ),
            call=(CallRule(severity="sev1", call=(Relation.ON_CALL,)),),
        )

    async def known(self) -> "Rota":
        await self.bot.restart()
        for one in (self.kim, self.ben, self.sam, self.lee):
            await one.command("/incident list")
        return self

    async def declare(self, title: str) -> None:
        form = (await self.alice.command("/incident declare")).get_view()
        values = {"title": title, "severity": "sev1", "services": ["checkout"]}
        assert (await self.alice.submit(form, values)).acked
        await self.bot.settle()

    def calls(self, person: Person, number: int) -> int:
        return len(said(self.bot.slack.dm(person), f"*INC-{number}* SEV1"))


def daily(key: str, first: date, *people: Person) -> Rotation:
    """A rotation that hands over each day at 18:00 in UTC; the first began yesterday."""
    yesterday = first - timedelta(days=1)
    return Rotation(
        key=key,
        people=tuple(PersonRef(user_id=one.id) for one in people),
        handover=Handover(yesterday.weekday(), time(18)),
        every=timedelta(days=1),
        time_zone="UTC",
        starts_on=yesterday,
    )


def before_handover(now: datetime) -> timedelta:
    return datetime.combine(now.date(), time(18), now.tzinfo) - now


async def test_a_sev1_calls_who_is_on_call_now_and_after_the_handover_the_next(
    any_bot: Bot,
) -> None:
    rota = await Rota(any_bot).known()
    assert before_handover(any_bot.clock.now()) > timedelta(minutes=10)
    await rota.declare("Checkout is down")
    assert (rota.calls(rota.kim, 1), rota.calls(rota.ben, 1)) == (1, 0)
    (call,) = said(any_bot.slack.dm(rota.kim), "*INC-1* SEV1")
    await rota.kim.click(call, "escalation_why")
    await any_bot.settle()
    assert (
        "Rule 1 under `call` in the policy names rotation/primary" in rota.kim.ephemerals[-1].text
    )
    assert "You're on call for Checkout" in rota.kim.ephemerals[-1].text
    await rota.kim.click(call, "escalation_take")
    await any_bot.advance(hours=before_handover(any_bot.clock.now()).total_seconds() / 3600)
    await rota.declare("Payments fail in every shop")
    assert (rota.calls(rota.kim, 2), rota.calls(rota.ben, 2)) == (0, 1)


async def test_a_later_step_calls_who_is_on_call_when_its_turn_comes(bot: Bot) -> None:
    rota = await Rota(bot).known()
    wait = before_handover(bot.clock.now()) - timedelta(minutes=1)
    await bot.advance(seconds=wait.total_seconds())
    await rota.declare("Checkout is down")
    assert (rota.calls(rota.kim, 1), rota.calls(rota.sam, 1)) == (1, 0)
    await bot.advance(minutes=10)
    assert (rota.calls(rota.sam, 1), rota.calls(rota.lee, 1)) == (0, 1)
