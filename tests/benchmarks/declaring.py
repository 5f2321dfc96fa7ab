"""How long declaring takes, seen from Slack: to the answer, a usable channel, and all done."""

import asyncio
import statistics
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from tests.benchmarks.stand import Stand
from tests.slack_server import Channel, Person
from tests.slack_server.journal import ApiCall

# Best effort and last; the read-in follows from somebody joining, not from declaring.
ANCILLARY = frozenset(
    {
        *("pins.add", "conversations.info", "conversations.setTopic"),
        *("bookmarks.list", "bookmarks.add", "chat.postEphemeral", "users.info"),
    }
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration, in seconds from the moment it was submitted."""

    ack: float
    usable: float
    done: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Several declarations at once, in seconds from the moment they were submitted."""

    ack_median: float
    ack_p99: float
    all_usable: float
    all_done: float


async def declare_at_once(stand: Stand, people: list[Person]) -> list[Declared]:
    """Let these people declare at once, and wait until all their incidents are set up."""
    first = len(stand.slack.calls)
    started = time.perf_counter()
    answered = await asyncio.gather(*(_declare(person) for person in people))
    slugs = [slug for _, slug in answered]
    await stand.slack.wait_for(lambda: _are_furnished(stand, slugs), timeout=60)
    await stand.settle()
    calls = stand.slack.calls[first:]
    rooms = {channel.name.rpartition("-")[2]: channel for channel in stand.slack.channels}
    return [
        Declared(
            ack=took,
            usable=_usable_at(calls, rooms[slug], person) - started,
            done=_done_at(calls, rooms[slug]) - started,
        )
        for person, (took, slug) in zip(people, answered, strict=True)
    ]


def medians_of(declared: list[Declared]) -> Declared:
    """Return the median of each figure."""
    return Declared(
        ack=statistics.median(one.ack for one in declared),
        usable=statistics.median(one.usable for one in declared),
        done=statistics.median(one.done for one in declared),
    )


def crowd_of(declared: list[Declared]) -> Crowd:
    """Return what the crowd experienced."""
    acks = [one.ack for one in declared]
    return Crowd(
        ack_median=statistics.median(acks),
        ack_p99=percentile(acks, 0.99),
        all_usable=max(one.usable for one in declared),
        all_done=max(one.done for one in declared),
    )


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that this share of the values doesn't exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -int(-len(ordered) * share // 1)
    return ordered[max(rank, 1) - 1]


async def _declare(person: Person) -> tuple[float, str]:
    # For similar titles, the bot would ask instead of declaring.
    slug = uuid.uuid4().hex
    outcome = await person.command(f"/incident declare sev2 {slug}")
    if "is declared" not in outcome.text:
        raise AssertionError(f"not declared: {outcome.text!r}")
    return outcome.took, slug


def _are_furnished(stand: Stand, slugs: list[str]) -> bool:
    furnished = {c.name.rpartition("-")[2] for c in stand.slack.channels if c.pins and c.topic}
    return furnished.issuperset(slugs)


def _usable_at(calls: list[ApiCall], room: Channel, person: Person) -> float:
    """When the bot knew that the declarer was in the channel and the card was posted."""
    invited = next(
        call
        for call in calls
        if call.method == "conversations.invite"
        and call.args.get("channel") == room.id
        and person.id in str(call.args.get("users"))
    )
    card = next(
        call
        for call in calls
        if call.method == "chat.postMessage" and call.args.get("channel") == room.id
    )
    return max(_ended(invited), _ended(card))


def _done_at(calls: list[ApiCall], room: Channel) -> float:
    """When Slack answered the incident's last call, ancillary ones aside."""
    slug = room.name.rpartition("-")[2]
    return max(
        _ended(call)
        for call in calls
        if call.method not in ANCILLARY and (room.id in str(call.args) or slug in str(call.args))
    )


def _ended(call: ApiCall) -> float:
    if call.ended is None:
        raise AssertionError(f"{call.method} was never answered")
    return call.ended
