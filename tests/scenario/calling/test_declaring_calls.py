"""Declaring calls people by the policy's rules: who, when not, and how it is stopped."""

from incidents.policy.escalation import Relation, Service
from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule, OnCallPolicy
from tests.scenario.conftest import Bot, said
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel

DECLARE = "/incident declare sev1 Checkout is down"


class Crew:
    """Alice declares; Kim is on call for Checkout, Sam is the fallback, Lee the manager."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.alice, self.kim, self.sam, self.lee = bot.slack.add_people(
            "alice", "kim", "sam", "lee"
        )
        ref = {one.name: PersonRef(user_id=one.id) for one in (self.kim, self.sam, self.lee)}
        bot.change_policy(
            services=(
                Service(
                    key="checkout",
                    name="Checkout",
                    tier=1,
                    on_call=ref["kim"],
                    manager=ref["lee"],
                ),
            ),
            on_call=OnCallPolicy(fallback=ref["sam"]),
            call=(
                CallRule(severity="sev2", call=(Relation.ON_CALL,)),
                CallRule(severity="sev1", services=("checkout",), call=(Relation.MANAGER,)),
            ),
        )

    async def known(self) -> "Crew":
        await self.bot.restart()
        for one in (self.kim, self.sam, self.lee):
            await one.command("/incident list")
        return self

    def was_called(self, person: Person) -> bool:
        return bool(said(self.bot.slack.dm(person), "*INC-1* SEV"))

    @property
    def room(self) -> Channel:
        return next(one for one in self.bot.slack.channels if one.name.startswith("inc-1-"))


async def test_a_bad_incident_calls_the_fallback_at_once_and_the_answer_says_so(
    any_bot: Bot,
) -> None:
    crew = await Crew(any_bot).known()
    outcome = await crew.alice.command(DECLARE)
    assert "I'm calling sam." in outcome.text
    assert "call_stop" in crew.alice.ephemerals[-1].buttons
    await any_bot.settle()
    assert crew.was_called(crew.sam)
    assert not crew.was_called(crew.kim)
    (call,) = said(any_bot.slack.dm(crew.sam), "*INC-1* SEV")
    assert "SEV1 Checkout is down *needs you:* Please come" in call.rendered
    why = await crew.sam.click(call, "escalation_why")
    await any_bot.settle()
    assert why.acked
    assert "Rule 1 under `call` in the policy" in crew.sam.ephemerals[-1].text


async def test_the_one_who_declares_can_stop_the_calling(bot: Bot) -> None:
    crew = await Crew(bot).known()
    await crew.alice.command(DECLARE)
    await bot.settle()
    answer = next(one for one in crew.alice.ephemerals if "call_stop" in one.buttons)
    await crew.alice.click(answer, "call_stop")
    await bot.settle()
    assert "Withdrawn" in said(crew.room, "*Escalation 1*")[0].rendered
    (call,) = said(bot.slack.dm(crew.sam), "*INC-1* SEV")
    assert call.buttons == []


async def test_nobody_is_called_by_a_flag_a_drill_or_a_small_incident(bot: Bot) -> None:
    crew = await Crew(bot).known()
    outcome = await crew.alice.command(f"{DECLARE} --no-call")
    assert "I'm calling nobody, as you asked." in outcome.text
    outcome = await crew.alice.command("/incident declare sev3 Search is slow")
    assert "calling" not in outcome.text
    await crew.alice.command("/incident declare sev1 Practice makes perfect --drill")
    await bot.settle()
    assert not crew.was_called(crew.sam)


async def test_the_form_says_who_would_be_called_and_lets_it_be(bot: Bot) -> None:
    crew = await Crew(bot).known()
    form = (await crew.alice.command("/incident declare")).get_view()
    assert "Don't call" not in str(form.blocks)  # a SEV3 calls nobody
    values = {"title": "Checkout is down", "severity": "sev1"}
    answer = await crew.alice.submit(form, values)
    assert answer.acked
    await bot.settle()
    assert crew.was_called(crew.sam)


async def test_whoever_is_there_already_is_not_called(bot: Bot) -> None:
    crew = await Crew(bot).known()
    await crew.sam.command(DECLARE)
    await bot.settle()
    assert not crew.was_called(crew.sam)
    assert said(crew.room, "*Escalation 1*") == []


async def test_raising_the_severity_calls_those_who_are_not_there_yet(bot: Bot) -> None:
    crew = await Crew(bot).known()
    await crew.alice.command("/incident declare sev3 Checkout is slow")
    await bot.settle()
    await crew.alice.command("/incident severity sev2", channel=crew.room)
    await bot.settle()
    assert crew.was_called(crew.sam)
    await crew.alice.command("/incident severity sev1", channel=crew.room)
    await bot.settle()
    assert len(said(crew.room, "*Escalation")) == 1


async def test_a_message_in_the_channel_ends_a_call_that_the_rules_made(any_bot: Bot) -> None:
    crew = await Crew(any_bot).known()
    await crew.alice.command(DECLARE)
    await any_bot.settle()
    # That we invited them is no sign that they are awake.
    assert crew.sam in crew.room
    await crew.sam.says("I am looking", crew.room)
    await any_bot.settle()
    (card,) = said(crew.room, "*Escalation 1*")
    assert f"{crew.sam.mention} is on it" in card.text
    await any_bot.advance(minutes=10)
    assert not crew.was_called(crew.lee)
