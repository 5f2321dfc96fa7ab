"""A SEV2 of twenty minutes, counted line by line as Slack draws it: `python -m tests.looks --sev2`.

A line of the channel is a message of the bot (a reply in a thread only if it is broadcast), a topic,
a pin, or people whom the bot brings in; Slack draws those who come together as one line. Edits make
no line. A private line is an answer that one person sees, or a direct message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.scenario.conftest import Bot
from tests.slack_server import Change, ChangeKind, Channel, Message, Person, View

ROOM = "inc-1-checkout-errors-in-the-eu"


_NOTICES = {ChangeKind.TOPIC, ChangeKind.PINNED, ChangeKind.JOINED}


@dataclass(slots=True)
class Tally:
    """The bot's lines and people's own, in the order in which they were drawn."""

    public: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    human: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return all lines, numbered, under their counts."""
        kinds = (
            ("public", self.public),
            ("private", self.private),
            ("in threads", self.threads),
            ("human", self.human),
        )
        parts = [f"{len(lines)} {name}\n{_numbered(lines)}" for name, lines in kinds]
        return "\n\n".join(parts)


def _numbered(lines: list[str]) -> str:
    shown = (line.replace("\n", "\n     ") for line in lines)
    return "\n".join(f"{number:3}. {line}" for number, line in enumerate(shown, 1))


class Counter:
    """Counts what becomes visible in the incident's channel and to single people."""

    def __init__(self, bot: Bot) -> None:
        """Watch the Slack of a running bot."""
        self.tally = Tally()
        self._bot = bot.slack.bot.id
        # The handles of those who come in by themselves.
        self.arriving: set[str] = set()
        self._last: tuple[object, ...] = ()
        bot.slack.on_change(self._look)

    def _look(self, change: Change) -> None:
        channel, message = change.channel, change.message
        here = channel is not None and channel.name == ROOM
        if change.kind is ChangeKind.EPHEMERAL:
            self.tally.private.append(f"[{change.where}] {change.text}")
        elif change.kind is ChangeKind.MESSAGE and message is not None:
            self._count_message(change, message, here=here)
        elif here and change.kind in _NOTICES and not self._is_own_doing(change):
            if change.kind is ChangeKind.JOINED and self._last == (ChangeKind.JOINED,):
                self.tally.public[-1] += f", {change.who}"
                return
            self.tally.public.append(f"({change.kind}) {change.who} {change.text}")
        else:
            return
        self._last = (change.kind,) if here else self._last

    def _is_own_doing(self, change: Change) -> bool:
        """Tell whether somebody came in by themselves, and not by the bot."""
        return change.kind is ChangeKind.JOINED and change.who in self.arriving

    def _count_message(self, change: Change, message: Message, *, here: bool) -> None:
        if message.user_id != self._bot:
            if here:
                self.tally.human.append(f"{change.who}: {message.rendered}")
        elif here and not message.in_channel:
            self.tally.threads.append(message.rendered)
        elif here:
            self.tally.public.append(message.rendered)
        elif message.channel.kind.value in {"im", "mpim"}:
            self.tally.private.append(f"[{change.where}] {message.rendered}")


class Sev2:
    """The people and the course of the incident."""

    def __init__(self, bot: Bot) -> None:
        """Bring the people to the workspace, which is quiet."""
        self.bot = bot
        names = ("alice", "ben", "nora", "carla", "dave")
        self.alice, self.ben, self.nora, self.carla, self.dave = bot.slack.add_people(*names)
        self.counter = Counter(bot)

    @property
    def room(self) -> Channel:
        """Return the incident's channel."""
        return self.bot.slack.channel(ROOM)

    async def play(self) -> Tally:
        """Play the twenty minutes, and return what was drawn."""
        for act in (self._begin, self._work, self._bring_in, self._agree, self._end):
            await act()
        return self.counter.tally

    async def _types(self, who: Person, words: str, *, at: Channel | str = "") -> None:
        await who.command(f"/incident {words}", channel=at or self.room)
        await self.bot.settle()

    async def _presses(self, who: Person, where: Message, label: str) -> None:
        await who.click(where, label)
        await self.bot.settle()

    async def _opens(self, who: Person, words: str) -> View:
        return (await who.command(f"/incident {words}", channel=self.room)).get_view()

    async def _submits(self, who: Person, form: View, values: Mapping[str, object]) -> None:
        await who.submit(form, dict(values))
        await self.bot.settle()

    def _said(self, words: str, at: Channel | None = None) -> Message:
        return [one for one in (at or self.room).everything if words in one.rendered][-1]

    async def _begin(self) -> None:
        form = (await self.alice.command("/incident declare", channel="general")).get_view()
        given = {"title": "Checkout errors in the EU", "severity": "sev2"}
        await self._submits(self.alice, form, given)
        # They heard of it in #incidents.
        for person in (self.ben, self.nora, self.carla, self.dave):
            self.counter.arriving.add(repr(person))
            await person.joins(self.room)
        await self.bot.advance(minutes=1)
        await self._presses(self.ben, self.room.pins[0], "Take command")
        await self.bot.advance(minutes=1)
        for role, who in (("communications_lead", self.nora), ("scribe", self.carla)):
            form = await self._opens(self.ben, "role")
            await self._submits(self.ben, form, {"role": role, "person": who.id})
        await self.ben.says("The error rate jumped at 10:02, just after the deploy", self.room)

    async def _work(self) -> None:
        await self.bot.advance(minutes=2)
        await self._types(self.ben, "status identified Bad deploy of checkout 1.42")
        await self._types(self.nora, "update EU customers can't pay by card; we're on it")
        await self._types(self.alice, "note The error rate is 31 %")
        said = await self.alice.says("5xx only on the nodes with 1.42", self.room)
        await self.carla.reacts(said, "pushpin")
        await self.bot.advance(minutes=2)
        await self._types(self.ben, "severity sev1 Card payments fail everywhere")

    async def _bring_in(self) -> None:
        await self._types(self.alice, "escalate @dave Is it safe to roll back with the migration?")
        await self.bot.advance(minutes=1)
        call = self.bot.slack.dm(self.dave).messages[-1]
        await self._presses(self.dave, call, "I'm on it")
        await self.dave.says("Looking: the migration only adds a column", self.room)

    async def _agree(self) -> None:
        await self.bot.advance(minutes=2)
        words = "Roll back to 1.41 risk: carts are lost undo: redeploy check: 5xx --class change"
        await self._types(self.dave, f"propose {words}")
        await self._presses(self.ben, self._said("Proposal 1"), "Approve")
        await self.bot.advance(minutes=2)
        card = self._said("Proposal 1*")
        form = (await self.dave.click(card, "Carried out…")).get_view()
        await self._submits(self.dave, form, {"reason": "Rolled back, 5xx is falling"})
        form = await self._opens(self.ben, "checkin")
        asked = {"person": self.alice.id, "question": "Is the web tier healthy?", "minutes": "5m"}
        await self._submits(self.ben, form, asked)
        await self._presses(self.alice, self._said("Is the web tier healthy?"), "Understood")
        await self.bot.advance(minutes=5)
        await self._presses(self.alice, self._said("How did it go?"), "Done")

    async def _end(self) -> None:
        await self.bot.advance(minutes=2)
        await self._types(self.nora, "update Rolled back; payments work again. Watching for 10m")
        await self.bot.advance(minutes=2)
        form = await self._opens(self.ben, "resolve Rolled back to 1.41")
        await self._submits(self.ben, form, {})
