"""Progress: what a person has done towards the next stage, and what the policy still requires.

The person, their mentors and people the policy names may see it. There is no view of several
people, so nobody can build a ranking. Drills count separately. Missing requirements are shown but
never block a sign-off: the mentor decides.
"""

import statistics
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, Person
from incidents.policy.policy import Policy
from incidents.policy.supervision import StageRequirement
from incidents.rights.stages import (
    Scope,
    Stage,
    StageRecord,
    levels_from,
    may_see_progress,
    mentors_of,
    stage_records,
)
from incidents.supervision.facts import (
    Asked,
    Part,
    Participation,
    ProgressFacts,
    SentEscalation,
    gather_facts_of,
)
from incidents.supervision.mentors import mentor_since
from incidents.supervision.recertification import latest_by_scope, renewal_due_at


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of incidents by what the person did in them."""

    observed: int = 0
    assisted: int = 0
    led: int = 0

    @property
    def total(self) -> int:
        """Return the number of all incidents."""
        return self.observed + self.assisted + self.led


@dataclass(frozen=True, slots=True)
class Tally:
    """Incidents overall, by severity and by service; one with several services counts in each."""

    overall: Counts
    by_severity: tuple[tuple[str, Counts], ...] = ()
    by_service: tuple[tuple[str, Counts], ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a stage; `key` is the policy's."""

    key: str
    wanted: int
    have: int

    @property
    def is_met(self) -> bool:
        """Tell whether the requirement is met."""
        return self.have >= self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """A person's stage in one scope and the needs of the next; `since` None: from the policy."""

    scope: Scope
    stage: Stage
    up_to: str = ""
    since: datetime | None = None
    set_by: str = ""
    set_by_id: uuid.UUID | None = None
    note: str = ""
    is_sign_off: bool = False
    renewal_due_at: datetime | None = None
    is_renewal_due: bool = False
    needs: tuple[Need, ...] = ()

    @property
    def following(self) -> Stage:
        """Return the stage that a sign-off would set: the next one, or solo again."""
        return self.stage.following or Stage.SOLO

    @property
    def missing(self) -> tuple[Need, ...]:
        """Return the requirements of the next stage that aren't met."""
        return tuple(need for need in self.needs if not need.is_met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month's figures; None if there is nothing to calculate from."""

    name: str  # as 2026-11, in UTC
    escalations: int
    completeness: int | None
    to_evidence: timedelta | None
    prompts: int
    answered: int
    debriefs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """A person's progress as one viewer sees it."""

    person_id: uuid.UUID
    external_id: str
    name: str
    is_own: bool
    mentors: tuple[str, ...]
    stages: tuple[StageLine, ...]
    real: Tally
    drills: Tally
    escalations: int
    completeness: int | None
    to_evidence: timedelta | None
    prompts: int
    answered: int
    debriefs_asked: int
    debriefs: int
    months: tuple[Month, ...]
    parts: tuple[Part, ...]


async def find_progress(
    session: AsyncSession,
    person_id: uuid.UUID,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    policy: Policy,
    now: datetime,
) -> ProgressView | None:
    """Return a person's progress; None for a viewer who may not see it."""
    may_see = await may_see_progress(
        session, viewer, person_id=person_id, workspace_id=workspace_id, policy=policy
    )
    person = await session.get(Person, person_id) if may_see else None
    if person is None or person.workspace_id != workspace_id:
        return None
    records = await stage_records(session, workspace_id=workspace_id, person_id=person_id)
    facts = await gather_facts_of(session, person, records, viewer=viewer, policy=policy)
    view = summarise(facts)
    stages = stage_lines(person, records, facts, policy=policy, now=now)
    since = await mentor_since(
        session, person_id=person_id, mentor_id=viewer.person_id, policy=policy
    )
    return replace(
        view,
        person_id=person.id,
        external_id=person.external_id,
        name=person.name,
        is_own=person.id == viewer.person_id,
        mentors=await _mentor_names(session, person, policy=policy),
        stages=tuple(_without_earlier_note(line, viewer, since=since) for line in stages),
    )


def _without_earlier_note(line: StageLine, viewer: Actor, *, since: datetime | None) -> StageLine:
    """Leave out a note from before the viewer became a mentor, unless it is their own."""
    is_earlier = since is not None and line.since is not None and line.since < since
    return replace(line, note="") if is_earlier and line.set_by_id != viewer.person_id else line


def summarise(facts: ProgressFacts) -> ProgressView:
    """Return the figures of these facts, without the person's own fields."""
    real = real_facts(facts)
    debriefs = [one for one in real.debriefs if one.is_answered]
    return ProgressView(
        person_id=uuid.UUID(int=0),
        external_id="",
        name="",
        is_own=False,
        mentors=(),
        stages=(),
        real=tally(real.parts),
        drills=tally([part for part in facts.parts if part.is_drill]),
        escalations=len(real.escalations),
        completeness=_average(real.escalations),
        to_evidence=_median(real.parts),
        prompts=len(real.prompts),
        answered=_answered(real.prompts),
        debriefs_asked=len(real.debriefs),
        debriefs=len(debriefs),
        months=months(real),
        parts=facts.parts,
    )


def real_facts(facts: ProgressFacts, *, service_key: str = "") -> ProgressFacts:
    """Return the facts without drills and, if a service is given, only of its incidents."""
    of_service = {
        incident_id
        for incident_id, services in facts.services
        if not service_key or service_key in services
    }
    counted = of_service - facts.drills
    return replace(
        facts,
        parts=tuple(part for part in facts.parts if part.incident_id in counted),
        escalations=tuple(one for one in facts.escalations if one.incident_id in counted),
        prompts=tuple(one for one in facts.prompts if one.incident_id in counted),
        debriefs=tuple(one for one in facts.debriefs if one.incident_id in counted),
    )


def tally(parts: Sequence[Part]) -> Tally:
    """Count the incidents overall, by severity and by service."""
    severities = sorted({part.severity_key for part in parts})
    services = sorted({service for part in parts for service in part.services})
    return Tally(
        counts(parts),
        tuple((key, counts(p for p in parts if p.severity_key == key)) for key in severities),
        tuple((key, counts(p for p in parts if key in p.services)) for key in services),
    )


def counts(parts: Iterable[Part], *, role_key: str = "") -> Counts:
    """Count the incidents observed, assisted and led (in this role, else in command)."""
    found = Counter(part.participation(role_key) for part in parts)
    return Counts(
        found[Participation.OBSERVED], found[Participation.ASSISTED], found[Participation.LED]
    )


def stage_lines(
    person: Person,
    records: Sequence[StageRecord],
    facts: ProgressFacts,
    *,
    policy: Policy,
    now: datetime,
) -> tuple[StageLine, ...]:
    """Return a line for each scope that has its own stage, widest first."""
    latest = latest_by_scope(records)
    levels = levels_from(person, records, policy=policy)
    lines: list[StageLine] = []
    for scope, stage in sorted(levels.by_scope.items()):
        record = latest.get(scope)
        due_at = renewal_due_at(record, policy.supervision) if record else None
        lines.append(
            StageLine(
                scope=scope,
                stage=stage,
                up_to=levels.up_to.get(scope, ""),
                since=record.set_at if record else None,
                set_by=record.set_by_name if record else "",
                set_by_id=record.set_by_id if record else None,
                note=record.note if record else "",
                is_sign_off=record.is_sign_off if record else False,
                renewal_due_at=due_at,
                is_renewal_due=due_at is not None and due_at <= now,
                needs=_needs(stage, scope, facts, policy=policy),
            )
        )
    return tuple(lines)


def _needs(stage: Stage, scope: Scope, facts: ProgressFacts, *, policy: Policy) -> tuple[Need, ...]:
    requirement = policy.supervision.find_requirement(stage.following) if stage.following else None
    return needs_of(requirement, scope, facts) if requirement else ()


def needs_of(requirement: StageRequirement, scope: Scope, facts: ProgressFacts) -> tuple[Need, ...]:
    """Return each requirement and how far it is met, in the scope's role and service."""
    real = real_facts(facts, service_key=scope.service_key)
    done = counts(real.parts, role_key=scope.role_key)
    average = _average(real.escalations)
    asked = len(real.prompts)
    have = {
        "observed": done.observed,
        "assisted": done.assisted,
        "led": done.led,
        "drills": sum(1 for part in facts.parts if part.is_drill and part.held),
        "escalations": len(real.escalations),
        # Without escalations or prompts, nothing is missing.
        "completeness": 100 if average is None else average,
        "answered": 100 * _answered(real.prompts) // asked if asked else 100,
        "debriefs": sum(1 for one in real.debriefs if one.is_answered),
    }
    wanted = {key: int(getattr(requirement, key)) for key in have}
    return tuple(Need(key, wanted[key], have[key]) for key in have if wanted[key])


def months(facts: ProgressFacts) -> tuple[Month, ...]:
    """Return the figures by month, earliest first, without months in which nothing happened."""
    names = sorted(
        {_month(part.declared_at) for part in facts.parts}
        | {_month(one.at) for one in facts.escalations}
        | {_month(one.at) for one in (*facts.prompts, *facts.debriefs)}
    )
    return tuple(_figures(name, facts) for name in names)


def _figures(name: str, facts: ProgressFacts) -> Month:
    escalations = [one for one in facts.escalations if _month(one.at) == name]
    prompts = [one for one in facts.prompts if _month(one.at) == name]
    debriefs = [one for one in facts.debriefs if _month(one.at) == name]
    return Month(
        name=name,
        escalations=len(escalations),
        completeness=_average(escalations),
        to_evidence=_median([part for part in facts.parts if _month(part.declared_at) == name]),
        prompts=len(prompts),
        answered=_answered(prompts),
        debriefs=_answered(debriefs),
    )


def _month(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m")


def _average(escalations: Sequence[SentEscalation]) -> int | None:
    scores = [one.score for one in escalations]
    return sum(scores) // len(scores) if scores else None


def _answered(asked: Sequence[Asked]) -> int:
    return sum(1 for one in asked if one.is_answered)


def _median(parts: Sequence[Part]) -> timedelta | None:
    """Return the median time to evidence where the person held a role, in whole seconds."""
    known = [
        part.to_evidence.total_seconds()
        for part in parts
        if part.held and part.to_evidence is not None
    ]
    return timedelta(seconds=int(statistics.median(known))) if known else None


async def _mentor_names(
    session: AsyncSession, person: Person, *, policy: Policy
) -> tuple[str, ...]:
    ids = await mentors_of(
        session, workspace_id=person.workspace_id, person_id=person.id, policy=policy
    )
    query = select(Person).where(Person.id.in_(ids))
    names = {one.id: one.name for one in (await session.execute(query)).scalars()}
    return tuple(names[mentor_id] for mentor_id in ids)
