"""Checks, at the end of every scenario, that what people learn stays with them and their mentors.

It takes every text in the tables of learning (answers to prompts, debriefs, notes of a sign-off,
scorecards) and searches everything that reached Slack, the record, the outbox, the reminders and
the log. Only the owner and their mentors may see it. Words that belong to learning alone may
appear in no channel, record or file.
"""

import json
import re
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Person
from incidents.engine.outbox import EffectRow
from incidents.engine.prompts import Prompt
from incidents.engine.reminders import Reminder
from incidents.escalation.tables import Escalation
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.learning.tables import Debrief, Observation
from incidents.policy.policy import Policy
from incidents.rights.stages import StageRecord, mentors_of
from incidents.scenarios.runs import DrillRun
from tests.slack_server import SlackServer
from tests.slack_server.state import Kind

_WORKED_IN = frozenset({Kind.PUBLIC, Kind.PRIVATE})
# Shorter texts may appear elsewhere by chance.
_SHORTEST = 12
# Words of learning alone: nobody needs them where people work on an incident.
_WORDS = re.compile(
    r"\b(supervis\w+|debrief\w*|sign(ed)?[- ]off|re-?certif\w+|below solo|scorecard|"
    r"stage of (?:a|the) (?:person|junior)|first fifteen minutes)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text of learning, and the Slack ids of everybody who may read it."""

    text: str
    readers: frozenset[str]
    where: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A text that people can read: where, who, and whether they work on the incident there."""

    where: str
    text: str
    readers: frozenset[str]
    is_public: bool


async def check_learning(
    session: AsyncSession, slack: SlackServer, *, policy: Policy, log: str = ""
) -> list[str]:
    """Return every place where somebody could read what isn't theirs."""
    secrets = [secret async for secret in _secrets(session, policy)]
    found: list[str] = []
    for sighting in _sightings(slack):
        found += _leaks(sighting, secrets, ours=slack.bot_user_id)
    for where, text in await _kept(session):
        found += [f"{secret.where} in {where}" for secret in secrets if secret.text in text]
    found += [f"{secret.where} in the log" for secret in secrets if secret.text in log]
    entries = list((await session.execute(select(TimelineEntry))).scalars())
    found += [leak async for leak in _named_in_calls(session, slack, entries, policy)]
    for entry in entries:
        found += _in_record(f"timeline entry {entry.kind}", _flat(entry.content), secrets)
    return found


def _leaks(sighting: Sighting, secrets: Iterable[Secret], *, ours: str) -> Iterator[str]:
    strangers = sighting.readers - {ours} | ({"everybody"} if sighting.is_public else set())
    for secret in secrets:
        if secret.text in sighting.text and not strangers <= secret.readers:
            yield f"{secret.where} in {sighting.where}"
    if sighting.is_public and (word := _WORDS.search(sighting.text)):
        yield f"{word[0]!r} in {sighting.where}: {sighting.text[:200]!r}"


def _in_record(where: str, text: str, secrets: Iterable[Secret]) -> Iterator[str]:
    for secret in secrets:
        if secret.text in text:
            yield f"{secret.where} in {where}"
    if word := _WORDS.search(text):
        yield f"{word[0]!r} in {where}"


# -- on whose behalf the bot escalates --------------------------------------------------------


async def _named_in_calls(
    session: AsyncSession, slack: SlackServer, entries: Iterable[TimelineEntry], policy: Policy
) -> Any:
    """Yield where the bot's own escalation says for whom it is: they may be supervised."""
    query = select(Escalation, Incident, Person).where(
        Escalation.incident_id == Incident.id,
        Escalation.author_id == Person.id,
        Escalation.is_automatic,
    )
    for row, incident, person in (await session.execute(query)).all():
        mentors = await mentors_of(
            session, workspace_id=person.workspace_id, person_id=person.id, policy=policy
        )
        query_names = select(Person.external_id).where(Person.id.in_(mentors))
        mine = {person.external_id, slack.bot_user_id}
        mine |= set((await session.execute(query_names)).scalars())
        for entry in entries:
            content = entry.content or {}
            is_named = str(person.id) in _flat(content) or "is_automatic" in content
            if content.get("escalation_id") == str(row.id) and is_named:
                yield f"for whom the bot escalates in timeline entry {entry.kind}"
        head = re.compile(
            rf"\*Escalation {row.number}\*[^\\\n]*<@{person.external_id}"
            rf"|<@{person.external_id}> needs you"
        )
        for sighting in _sightings(slack):
            is_theirs = not sighting.is_public and sighting.readers <= mine
            is_about = str(incident.reference) in sighting.text
            if not is_theirs and is_about and head.search(sighting.text) is not None:
                yield f"for whom the bot escalates in {sighting.where}"


# -- what is secret ---------------------------------------------------------------------------


async def _secrets(session: AsyncSession, policy: Policy) -> Any:
    people = {row.id: row for row in (await session.execute(select(Person))).scalars()}

    async def readers(owner: uuid.UUID, others: Collection[uuid.UUID | None]) -> frozenset[str]:
        workspace_id = people[owner].workspace_id
        mentors = await mentors_of(
            session, workspace_id=workspace_id, person_id=owner, policy=policy
        )
        ids = {owner, *mentors, *(other for other in others if other is not None)}
        return frozenset(people[one].external_id for one in ids)

    observed = {row.id: row for row in (await session.execute(select(Observation))).scalars()}
    guides = {(row.incident_id, row.person_id): row.mentor_id for row in observed.values()}
    for prompt in (await session.execute(select(Prompt))).scalars():
        guide = guides.get((prompt.incident_id, prompt.person_id))
        seen_by = await readers(prompt.person_id, [guide])
        for text in _texts([prompt.text, prompt.data]):
            yield Secret(text, seen_by, f"a prompt's text ({prompt.kind})")
    for debrief in (await session.execute(select(Debrief))).scalars():
        observation = observed[debrief.observation_id]
        shared = [uuid.UUID(one) for one in debrief.shared_with]
        seen_by = await readers(debrief.owner_id, [observation.mentor_id, *shared])
        for answer in debrief.answers:
            for text in _texts(answer.get("answer")):
                yield Secret(text, seen_by, "a debrief's answer")
    for record in (await session.execute(select(StageRecord))).scalars():
        seen_by = await readers(record.person_id, [record.set_by_id])
        for text in _texts(record.note):
            yield Secret(text, seen_by, "a note on a stage")
    for run in (await session.execute(select(DrillRun))).scalars():
        seen_by = await readers(run.junior_id, [run.mentor_id])
        for text in _texts(run.score):
            yield Secret(text, seen_by, "a scorecard")


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str() if len(value) >= _SHORTEST and " " in value.strip():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


# -- where it must not be ---------------------------------------------------------------------


def _sightings(slack: SlackServer) -> Iterator[Sighting]:
    """Yield everything ever sent, even if edited or deleted since."""
    channels = slack.ws.channels
    for call in slack.calls_of("chat.postMessage", "chat.update", "chat.postEphemeral"):
        place = str(call.args.get("channel"))
        channel = channels.get(place) or slack.ws.open_dm(place)
        whispered = call.args.get("user") if call.method == "chat.postEphemeral" else None
        yield Sighting(
            where=f"{call.method} to {channel.name or channel.id}",
            text=_flat(call.args),
            readers=frozenset({str(whispered)} if whispered else channel.members),
            is_public=channel.kind in _WORKED_IN and not whispered,
        )
    for view in (*slack.ws.views.values(), *slack.ws.homes.values()):
        yield Sighting(
            where=f"the view {view.title or view.type!r}",
            text=_flat(view.payload),
            readers=frozenset({view.user_id}),
            is_public=False,
        )
    for file in slack.files:
        for channel in (channels[channel_id] for channel_id in file.channels):
            yield Sighting(
                where=f"the file {file.name} in {channel.name or channel.id}",
                text=file.content.decode(errors="replace"),
                readers=frozenset(channel.members),
                is_public=channel.kind in _WORKED_IN,
            )


async def _kept(session: AsyncSession) -> list[tuple[str, str]]:
    """Return pending effects and reminders, and the incidents' own texts."""
    effects = (await session.execute(select(EffectRow))).scalars()
    reminders = (await session.execute(select(Reminder))).scalars()
    incidents = (await session.execute(select(Incident))).scalars()
    return [
        *((f"the effect {row.kind}", _flat([row.payload, row.progress])) for row in effects),
        *((f"the reminder {row.kind}", _flat(row.data)) for row in reminders),
        *(
            (f"incident {row.number}", _flat([row.title, row.summary, row.impact, row.resolution]))
            for row in incidents
        ),
    ]


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if value is not None else ""
