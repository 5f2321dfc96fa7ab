"""People left out when an incident moves to private hear no more of it, in any message."""

from incidents.policy.references import PersonRef
from incidents.policy.supervision import Stage
from tests.scenario.conftest import ROOM, Bot, declared, told
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Message

NEW_ROOM = "inc-1-checkout-errors-2"
SECRET = "the salaries of everybody"
PROPOSAL = "/incident propose Restart checkout risk: carts are lost undo: none --class change"


class Move:
    """Carol commands; Max supervises Jo, who has no role; the move leaves out all but Carol."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.carol, self.jo, self.max, self.eve = bot.slack.add_people("carol", "jo", "max", "eve")

    async def declare(self) -> "Move":
        self.bot.supervise(self.jo, mentor=self.max, stage=Stage.ASSIST)
        self.bot.change_ladder(PersonRef(user_id=self.eve.id))
        await self.bot.restart()
        await declared(self.bot, by=self.carol)
        await self.jo.joins(self.bot.slack.channel(ROOM))
        await self.max.command("/incident list")
        await self.carol.command("/incident role commander me", channel=ROOM)
        await self.bot.settle()
        return self

    async def hide(self) -> None:
        form = (await self.carol.command(f"/incident INC-1 private @carol {SECRET}")).get_view()
        answer = await self.carol.submit(form)
        assert "private now" in answer.get_view().rendered

    def direct(self, person: Person) -> list[Message]:
        return self.bot.slack.dm(person).messages


async def test_copies_of_a_proposal_hide_it_and_it_goes_on_in_the_private_channel(
    bot: Bot,
) -> None:
    move = await Move(bot).declare()
    await move.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    copies = [m for m in move.direct(move.max) if "*Class*" in m.rendered]
    assert copies
    await move.hide()
    await bot.settle()
    for copy in copies:
        assert "handled privately" in copy.rendered
        assert "Checkout errors" not in copy.rendered
        assert copy.buttons == []
    (card,) = [m for m in bot.slack.channel(NEW_ROOM).messages if "*Class*" in m.rendered]
    before = told(bot, move.max), len(move.direct(move.jo))
    form = (await move.carol.click(card, "proposal_decline_open")).get_view()
    await move.carol.submit(form, {"reason": SECRET})
    await bot.settle()
    assert SECRET in card.rendered
    assert (told(bot, move.max), len(move.direct(move.jo))) == before
    assert SECRET not in told(bot, move.jo)


async def test_the_author_of_an_escalation_hears_nothing_of_it_any_more(bot: Bot) -> None:
    move = await Move(bot).declare()
    await move.jo.command("/incident escalate @carol Is it safe?", channel=ROOM)
    await bot.settle()
    await move.hide()
    await bot.settle()
    before = len(move.direct(move.jo))
    await move.carol.command("/incident escalation take", channel=NEW_ROOM)
    await bot.settle()
    await bot.advance(minutes=20)
    assert [message.rendered for message in move.direct(move.jo)][before:] == []


async def test_an_invitation_that_still_waits_brings_nobody_into_the_private_channel(
    bot: Bot,
) -> None:
    move = await Move(bot).declare()
    bot.slack.fail("conversations.invite", error="ratelimited", retry_after=60)
    await move.jo.command("/incident escalate @eve Is it safe?", channel=ROOM)
    await bot.settle()
    await move.hide()
    await bot.settle()
    for _ in range(3):
        await bot.advance(minutes=2)
    room = bot.slack.channel(NEW_ROOM)
    assert move.carol in room
    assert move.eve not in room


async def test_a_handoff_to_somebody_left_out_ends_and_command_stays(bot: Bot) -> None:
    move = await Move(bot).declare()
    await move.eve.joins(bot.slack.channel(ROOM))
    await move.carol.command("/incident handoff @eve you know it best", channel=ROOM)
    await bot.settle()
    (offer,) = [m for m in move.direct(move.eve) if "handoff_accept" in str(m.blocks)]
    await move.hide()
    await bot.settle()
    assert "handled privately" in offer.rendered
    assert offer.buttons == []
    for _ in range(3):
        await bot.advance(minutes=2)
    assert move.eve not in bot.slack.channel(NEW_ROOM)
    shown = await move.carol.command("/incident INC-1 roles", channel=NEW_ROOM)
    assert "carol" in shown.text or move.carol.mention in shown.text
    assert "eve" not in shown.text
    assert move.eve.mention not in shown.text
