"""Alice, who escalates in her incident, and the people of the ladder: for scenario tests."""

from dataclasses import replace

from incidents.policy.escalation import LadderStep
from incidents.policy.references import PersonRef
from tests.scenario.conftest import Bot
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel, Message

ROOM = "inc-1-checkout-errors"
ASK = "Is it safe to fail over the orders database?"


class Crew:
    """Alice and Bob, and Carol and Dave, who end every ladder; SEV2 waits five minutes."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.alice, self.bob, self.carol, self.dave = (
            bot.slack.add_person(name) for name in ("alice", "bob", "carol", "dave")
        )

    async def declare(self, words: str) -> None:
        steps = (
            LadderStep(who=(PersonRef(user_id=self.carol.id),)),
            LadderStep(who=(PersonRef(user_id=self.dave.id),)),
        )
        escalation = replace(self.bot.loaded.policy.escalation, steps=steps)
        self.bot.change_policy(escalation=escalation)
        await self.bot.restart()
        await self.alice.command(f"/incident declare {words}")
        await self.bot.settle()

    async def escalate(self, words: str = f"@bob {ASK}") -> None:
        """Let Alice escalate by command, and everybody be called."""
        outcome = await self.alice.command(f"/incident escalate {words}", channel=self.room)
        assert outcome.acked
        await self.bot.settle()

    @property
    def room(self) -> Channel:
        return next(place for place in self.bot.slack.channels if place.name.startswith("inc-1-"))

    @property
    def card(self) -> Message:
        """The escalation's one card in the channel."""
        (card,) = said(self.room, "*Escalation 1*")
        return card

    def told(self, person: Person) -> list[str]:
        """What somebody was told directly, as text."""
        return [message.text for message in self.bot.slack.dm(person).messages]

    def call_of(self, person: Person) -> Message:
        """The first message to somebody with the packet."""
        return next(m for m in self.bot.slack.dm(person).messages if "*INC-1* SEV" in m.text)

    def was_called(self, person: Person) -> bool:
        """Tell whether somebody was called by direct message."""
        return any("*INC-1* SEV" in text for text in self.told(person))

    def question(self) -> Message:
        """The newest question to Alice about her packet."""
        return said(self.bot.slack.dm(self.alice), "What would help them next")[-1]


def said(place: Channel, words: str) -> list[Message]:
    """Return the messages of a place that say this."""
    return [message for message in place.messages if words in message.text]


def buttons(message: Message) -> list[str]:
    """Return the action ids of a message's buttons."""
    return [
        element["action_id"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def crew_of(bot: Bot, words: str = "sev2 Checkout errors") -> Crew:
    """Let Alice declare an incident in which she can escalate."""
    crew = Crew(bot)
    await crew.declare(words)
    return crew
