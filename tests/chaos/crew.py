"""The crew: people who declare, note, update, call and mark while things go wrong."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.pagers import Pagers
from tests.slack_server import Change, Channel, Message, Person, SlackServer

REQUESTS_PER_INCIDENT = 8
ALPHABET = "bcdfghjkmnpqrstvwxz"


@dataclass(slots=True)
class Promise:
    """One request with a word that occurs nowhere else; `promised_at` is None until it is acked.

    `seen_at` is when what people wait for was there: the call, the message, being in the channel.
    """

    word: str
    kind: str
    incident: str
    asked_at: float = field(default_factory=time.perf_counter)
    promised_at: float | None = None
    seen_at: float | None = None
    told: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the bot said that it did what was asked."""
        return self.promised_at is not None


@dataclass(slots=True)
class Crew:
    """People at work; every one of them leads their own incidents."""

    slack: SlackServer
    chance: random.Random
    people: list[Person]
    called: Person
    pagers: Pagers | None
    pause: float = 0.03
    promises: list[Promise] = field(default_factory=list)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.slack.on_change(self._see)

    @property
    def given(self) -> int:
        """How many promises were given."""
        return sum(promise.is_given for promise in self.promises)

    async def work(self) -> None:
        """Let everybody lead one incident after the other, until `is_over`."""
        await asyncio.gather(*(self._lead(person) for person in self.people))

    async def _lead(self, person: Person) -> None:
        while not self.is_over:
            room = await self._declare(person)
            for _ in range(REQUESTS_PER_INCIDENT):
                if room is None or self.is_over:
                    return
                await asyncio.sleep(self.pause * self.chance.uniform(0.2, 2))
                await self._ask(person, room)

    async def _declare(self, person: Person) -> Channel | None:
        """Declare until it is promised, and enter the channel; None if work is over before."""
        while not self.is_over:
            word = self._word()
            promise = self._begin(word, "declare", word)
            # For similar titles the bot would ask instead of declaring.
            title = f"{word} {self._word()} {self._word()}"
            await self._try(promise, person, f"declare sev2 {title}", "general")
            if promise.is_given:
                await self.slack.wait_for(partial(self._goes_on, word, person), timeout=120)
                promise.seen_at = time.perf_counter()
                return self._entered(word, person)
        return None

    def _goes_on(self, word: str, person: Person) -> bool:
        return self.is_over or self._entered(word, person) is not None

    def _entered(self, word: str, person: Person) -> Channel | None:
        found = next((c for c in self.slack.channels if f"-{word}" in c.name), None)
        return found if found is not None and person in found else None

    async def _ask(self, person: Person, room: Channel) -> None:
        ask = self.chance.choice((self._note, self._update, self._escalate, self._act, self._mark))
        await ask(person, room)

    async def _note(self, person: Person, room: Channel) -> None:
        await self._command(person, room, "note", "note Saw {}")

    async def _update(self, person: Person, room: Channel) -> None:
        await self._command(person, room, "update", "update Still {}")

    async def _escalate(self, person: Person, room: Channel) -> None:
        line = f"escalate @{self.called.name} Please look at {{}}"
        await self._command(person, room, "escalate", line)

    async def _act(self, person: Person, room: Channel) -> None:
        await self._command(person, room, "action", "action me Fix {}")

    async def _mark(self, person: Person, room: Channel) -> None:
        promise = self._begin(self._word(), "mark", _word_of(room))
        message = await person.says(f"Look: {promise.word}", channel=room)
        # Slack keeps an event for the bot and tries again, so a mark counts once it is delivered.
        before = len(self.slack.deliveries.log)
        await person.reacts(message, "pushpin")
        # Others react meanwhile, and the bot does: theirs say nothing about this one.
        mine = [
            one
            for one in self.slack.deliveries.log[before:]
            if one.type == "reaction_added"
            and one.event["user"] == person.id
            and one.event["item"].get("ts") == message.ts
        ]
        if any(delivery.acked for delivery in mine):
            promise.promised_at = time.perf_counter()

    async def _command(self, person: Person, room: Channel, kind: str, line: str) -> None:
        promise = self._begin(self._word(), kind, _word_of(room))
        await self._try(promise, person, line.format(promise.word), room)

    async def _try(self, promise: Promise, person: Person, line: str, place: Channel | str) -> None:
        outcome = await person.command(f"/incident {line}", channel=place)
        promise.told = outcome.rendered
        if outcome.acked and _is_promised(promise):
            promise.promised_at = time.perf_counter()
        else:
            await asyncio.sleep(self.pause * 4)

    def _begin(self, word: str, kind: str, incident: str) -> Promise:
        promise = Promise(word, kind, incident)
        self.promises.append(promise)
        return promise

    def _word(self) -> str:
        return "".join(self.chance.choice(ALPHABET) for _ in range(10))

    def _see(self, change: Change) -> None:
        message = change.message
        if message is None or not message.is_bot:
            return
        for promise in self.promises:
            if promise.seen_at is not None or promise.word not in message.text:
                continue
            if self._is_awaited(promise, message):
                promise.seen_at = time.perf_counter()

    def _is_awaited(self, promise: Promise, message: Message) -> bool:
        if promise.kind == "escalate":
            return message.channel is self.slack.dm(self.called)
        return promise.kind != "declare"


# What the private answer says when the request was carried out, if there is an answer.
SAID_DONE = {
    "declare": "is declared",
    "note": "Noted",
    "update": "is recorded",
    "escalate": "escalated",
    "action": "Added action item",
}
# Where the channel's line says it, a command that was carried out is acked without words.
ACKED_SILENTLY = {"update", "escalate"}


def _is_promised(promise: Promise) -> bool:
    is_silent = not promise.told and promise.kind in ACKED_SILENTLY
    return is_silent or SAID_DONE[promise.kind] in promise.told


def _word_of(room: Channel) -> str:
    return room.name.split("-")[2]
