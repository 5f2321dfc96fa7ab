"""What became of the promises: each is in the record and in Slack, once, and in order."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from incidents.core.people import Workspace
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.incident.timeline import TimelineEntry
from incidents.registry.verification import prove_everything
from incidents.storage.database import open_database
from tests.chaos.crew import Crew, Promise
from tests.slack_server import Message

ENTRY_KIND = {
    "declare": "declared",
    "note": "note",
    "update": "update_posted",
    "escalate": "escalated",
    "action": "action_item_added",
    "mark": "marked",
}
# A message with these words in the incident's channel, or in a thread there, tells of the request,
# and only one does.
SAID_IN_ROOM = {"note": "*Note*", "update": "*Update ", "action": "added action item"}


@dataclass(slots=True)
class Verdict:
    """Figures of one trial; `delays` by kind, in seconds from the request to what it is for."""

    promised: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    delays: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.disordered or self.flaws)

    @property
    def problems(self) -> list[str]:
        """Everything that went wrong, a line each."""
        return [*self.lost, *self.doubled, *self.disordered, *self.flaws]

    def add(self, other: "Verdict") -> None:
        """Add another trial's figures."""
        self.promised += other.promised
        for name in ("lost", "doubled", "disordered", "flaws"):
            getattr(self, name).extend(getattr(other, name))
        for kind, delays in other.delays.items():
            self.delays[kind].extend(delays)


async def judge(
    crew: Crew, database_url: str, *, in_slack: bool = True, promised_by: float | None = None
) -> Verdict:
    """Compare what was promised with the record and, unless told otherwise, with Slack.

    `promised_by`, in monotonic seconds, leaves out what was promised later.
    """
    verdict = Verdict()
    entries = await _read_record(database_url, verdict, is_finished=in_slack)
    order: dict[str, int] = {}
    for promise in crew.promises:
        found = [place for place, kind, text in entries if _tells(promise, kind, text)]
        if promised_by is not None and (promise.promised_at or promised_by) >= promised_by:
            continue
        if promise.kind == "mark" and not in_slack:
            continue  # an effect until its message was read
        verdict.promised += promise.is_given
        _count(verdict, promise, "entries", len(found))
        if found:
            order[promise.word] = found[0]
    if in_slack:
        _judge_slack(crew, order, verdict)
    return verdict


def _tells(promise: Promise, kind: str, text: str) -> bool:
    return kind == ENTRY_KIND[promise.kind] and promise.word in text


def _count(verdict: Verdict, promise: Promise, what: str, found: int) -> None:
    line = f"{promise.kind} {promise.word}: {found} {what}"
    if found > 1:
        verdict.doubled.append(line)
    elif not found and promise.is_given:
        verdict.lost.append(line)


async def _read_record(
    database_url: str, verdict: Verdict, *, is_finished: bool
) -> list[tuple[int, str, str]]:
    database = open_database(database_url)
    try:
        async with database.reading() as session:
            for workspace_id in (await session.execute(select(Workspace.id))).scalars().all():
                async for proof in prove_everything(session, workspace_id=workspace_id):
                    verdict.flaws.extend(f"{proof.name}: {flaw.problem}" for flaw in proof.flaws)
            unfinished = select(EffectRow).where(
                EffectRow.status.not_in((EffectStatus.DONE, EffectStatus.DROPPED))
            )
            for effect in (await session.execute(unfinished)).scalars() if is_finished else ():
                verdict.lost.append(f"effect {effect.kind} is {effect.status}: {effect.error}")
            query = select(TimelineEntry.sequence, TimelineEntry.kind, TimelineEntry.content)
            rows = (await session.execute(query)).all()
    except DBAPIError as error:
        verdict.flaws.append(f"the database can't be read: {error.orig}")
        return []
    finally:
        await database.close()
    return [(sequence, kind, json.dumps(content)) for sequence, kind, content in rows]


def _judge_slack(crew: Crew, order: dict[str, int], verdict: Verdict) -> None:
    _judge_effects(crew, verdict)
    read_together = defaultdict(list)  # a channel's lines, and those of each thread
    for channel in crew.slack.channels:
        for message in channel.everything:
            is_reply = message.thread_ts not in ("", message.ts)
            if message.in_channel:
                read_together[channel.name].append(message)
            if is_reply:
                read_together[f"{channel.name}, thread {message.thread_ts}"].append(message)
    # Only an incident's own channel counts: the announcement's thread tells of updates, too.
    everywhere = [m for c in crew.slack.channels if c.name != "incidents" for m in c.everything]
    for promise in crew.promises:
        if promise.word not in order:
            continue  # judged already: it isn't in the record
        if words := SAID_IN_ROOM.get(promise.kind):
            _count(verdict, promise, "messages", _telling(everywhere, promise, words))
        elif promise.kind == "escalate":
            _judge_called(crew, promise, verdict)
        elif promise.kind == "declare":
            _judge_declared(crew, promise, verdict)
        if promise.is_given and promise.seen_at is not None:
            verdict.delays[promise.kind].append(promise.seen_at - promise.asked_at)
    for name, messages in read_together.items():
        _judge_order(crew, name, messages, order, verdict)


def _judge_effects(crew: Crew, verdict: Verdict) -> None:
    posted = Counter(
        (message.metadata or {}).get("event_payload", {}).get("effect_id")
        for message in crew.slack.messages
        if message.is_bot
    )
    twice = [effect for effect, count in posted.items() if effect and count > 1]
    verdict.doubled.extend(f"effect {effect}: {posted[effect]} messages" for effect in twice)


def _judge_called(crew: Crew, promise: Promise, verdict: Verdict) -> None:
    direct = crew.slack.dm(crew.called).messages
    _count(verdict, promise, "calls", _telling(direct, promise, "needs you"))
    if crew.pagers:
        _count(verdict, promise, "pages", crew.pagers.alerts_about(promise.word))


def _judge_declared(crew: Crew, promise: Promise, verdict: Verdict) -> None:
    rooms = [c for c in crew.slack.channels if f"-{promise.word}" in c.name]
    _count(verdict, promise, "channels", len(rooms))
    announced = crew.slack.channel("incidents").messages
    _count(verdict, promise, "announcements", _telling(announced, promise, ""))
    if crew.pagers:  # without a key, a page rather arrives twice than never
        _count(verdict, promise, "pages", min(1, crew.pagers.pushes_about(promise.word)))
    for room in rooms:
        _count(verdict, promise, "pinned cards", len(room.pins))


def _judge_order(
    crew: Crew, name: str, messages: list[Message], order: dict[str, int], verdict: Verdict
) -> None:
    shown = [
        (order[promise.word], promise.word)
        for message in messages
        for promise in crew.promises
        if promise.kind in SAID_IN_ROOM
        and promise.word in order
        and promise.word in message.text
        and SAID_IN_ROOM[promise.kind] in message.text
    ]
    for (earlier, one), (later, other) in pairwise(shown):
        if earlier > later:
            verdict.disordered.append(f"{name}: {other} is shown after {one}")


def _telling(messages: list[Message], promise: Promise, words: str) -> int:
    return sum(promise.word in message.text and words in message.text for message in messages)
