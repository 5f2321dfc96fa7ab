"""For scenario tests: Alice, who escalates in her incident, and the people on the ladder."""

from incidents.policy.references import PersonRef
from tests.scenario.conftest import Bot, said
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel, Message

ASK = "Is it safe to fail over the orders database?"


class Crew:
    """Alice and Bob, with Carol and Dave as the steps of every ladder; SEV2 waits five minutes."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.alice, self.bob, self.carol, self.dave = bot.slack.add_people(
            "alice", "bob", "carol", "dave"
        )

    async def declare(self, words: str) -> None:
        self.bot.change_ladder(PersonRef(user_id=self.carol.id), PersonRef(user_id=self.dave.id))
        await self.bot.restart()
        await self.alice.command(f"/incident declare {words}")
        await self.bot.settle()

    async def escalate(self, words: str = f"@bob {ASK}") -> None:
        """Let Alice escalate by command, and wait until Sitrep has called people."""
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
        """What Sitrep told somebody directly, as text."""
        return [message.text for message in self.bot.slack.dm(person).messages]

    def call_of(self, person: Person) -> Message:
        """The first message that gave somebody the packet."""
        return next(m for m in self.bot.slack.dm(person).messages if "*INC-1* SEV" in m.text)

    def was_called(self, person: Person) -> bool:
        """Tell whether Sitrep called somebody by direct message."""
        return any("*INC-1* SEV" in text for text in self.told(person))

    def question(self) -> Message:
        """The newest question to Alice about her packet."""
        return said(self.bot.slack.dm(self.alice), "What would help them next")[-1]


async def crew_of(bot: Bot, words: str = "sev2 Checkout errors") -> Crew:
    """Let Alice declare an incident in which she can escalate."""
    crew = Crew(bot)
    await crew.declare(words)
    return crew
