"""The facts of one incident that has everything: for the golden document."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from incidents.core.hash_chain import instant_text
from incidents.incident.entries import (
    ChannelOpened,
    Declared,
    MilestoneSet,
    SeverityChanged,
    StatusChanged,
    UpdateMissed,
    UpdatePosted,
)
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged, RoleAssigned
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.policy.postmortem import Section
from incidents.postmortem.action_items import ActionItemView
from incidents.postmortem.draft import PostmortemFacts
from incidents.postmortem.durations import RoleSpan
from incidents.postmortem.entries import PostmortemDrafted
from incidents.postmortem.postmortem import PostmortemView, WrittenSection
from incidents.record.entries import Marked, Note
from incidents.registry.entries import ENTRY_TYPES
from tests.policies import built_in
from tests.views import entry_view, incident_view

START = datetime(2026, 3, 2, 23, 40, tzinfo=UTC)

ALICE, BOB, CAROL = (
    PersonView(uuid.UUID(int=number), f"U{name.split()[0].upper()}", name, "UTC")
    for number, name in ((1, "Alice Doe"), (2, "Bob Roe"), (3, "Carol"))
)


def named(person: PersonView) -> dict[str, object]:
    return {"id": str(person.id), "name": person.name, "external_id": person.external_id}


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def entries() -> tuple[EntryView, ...]:
    """Return the record: it slips back once, is reopened once, and crosses midnight."""
    people = {"alice": ALICE, "bob": BOB, "carol": CAROL}
    rows: list[tuple[int, str, type[Payload], dict[str, object]]] = [
        (-8, "alice", MilestoneSet, {"name": "impact_started_at", "new": instant_text(at(-8))}),
        (0, "alice", Declared, {"title": "Checkout errors", "severity": "SEV3"}),
        (2, "alice", RoleAssigned, {"role_name": "Incident commander", "person": named(ALICE)}),
        (3, "alice", ChannelOpened, {"channel_name": "inc-12-checkout-errors"}),
        (5, "bob", Note, {"text": "5xx on /pay | since <b>23:31</b> @channel"}),
        (6, "alice", SeverityChanged, _raised()),
        (15, "alice", UpdatePosted, _update(1, 20, "Rolling back 1.42")),
        (18, "carol", Marked, _message("<@UALICE> look: =1+1", BOB)),
        (20, "alice", StatusChanged, {"old": "triage", "new": "mitigated"}),
        (31, "", UpdateMissed, {"count": 2, "due_at": instant_text(at(25))}),
        (32, "", UpdateMissed, {"is_bots": True, "due_at": instant_text(at(32))}),
        (33, "alice", StatusChanged, {"old": "mitigated", "new": "investigating"}),
        (40, "bob", CommanderChanged, _handed_over()),
        (50, "bob", UpdatePosted, _update(2, 45, "Second deploy is rolled back too")),
        (52, "bob", StatusChanged, {"old": "investigating", "new": "mitigated"}),
        (60, "bob", StatusChanged, {"old": "mitigated", "new": "resolved", "text": "Ok"}),
        (200, "carol", StatusChanged, _reopened()),
        (210, "bob", StatusChanged, {"old": "investigating", "new": "mitigated"}),
        (1_510, "bob", StatusChanged, {"old": "mitigated", "new": "resolved"}),
        (1_511, "", PostmortemDrafted, {}),
    ]
    made = []
    for sequence, (minute, who, kind, content) in enumerate(rows, start=1):
        person = people.get(who)
        late = timedelta(minutes=20) if kind is MilestoneSet else timedelta(0)
        made.append(
            entry_view(
                kind.kind,
                id=uuid.UUID(int=100 + sequence),
                sequence=sequence,
                occurred_at=at(minute),
                recorded_at=at(minute) + late,
                actor_kind="person" if person else "system",
                actor_id=person.id if person else None,
                actor_name=person.name if person else "Sitrep",
                content=content,
            )
        )
    return tuple(made)


def _message(text: str, author: PersonView) -> dict[str, object]:
    return {"text": text, "author": named(author)}


def _update(number: int, due: int, text: str) -> dict[str, object]:
    now: dict[str, object] = {"status": "investigating", "severity": "SEV1"}
    return {**now, "number": number, "text": text, "was_due_at": instant_text(at(due))}


def _raised() -> dict[str, object]:
    return {"old": "SEV3", "new": "SEV1", "is_worse": True, "reason": "all EU"}


def _handed_over() -> dict[str, object]:
    people = {"outgoing": named(ALICE), "incoming": named(BOB)}
    return {**people, "how": "accepted", "reason": "Alice Doe is off to sleep"}


def _reopened() -> dict[str, object]:
    moved: dict[str, object] = {"old": "resolved", "new": "investigating", "is_reopening": True}
    return {**moved, "reason": "Errors are back in Asia"}


def roles() -> tuple[RoleSpan, ...]:
    def span(role: tuple[str, str], person: PersonView, start: int, end: int | None) -> RoleSpan:
        return RoleSpan(
            role_key=role[0],
            role_name=role[1],
            person_id=person.id,
            person_name=person.name,
            started_at=at(start),
            ended_at=None if end is None else at(end),
        )

    commander = ("commander", "Incident commander")
    return (
        span(commander, ALICE, 2, 40),
        span(commander, BOB, 40, None),
        span(("scribe", "Scribe"), BOB, 4, 40),
    )


def incident(**changes: object) -> IncidentView:
    resolved = incident_view(
        title="Checkout errors | *EU*",
        summary="Paying failed for people in Europe.\nBob Roe saw it first.",
        impact="Every fifth payment failed",
        resolution="Rolled 1.42 and 1.41 back",
        services=("checkout", "payments"),
        severity_key="sev1",
        severity_name="SEV1",
        severity_rank=1,
        status=IncidentStatus.RESOLVED,
        declared_by=ALICE,
        impact_started_at=at(-8),
        impact_ended_at=at(1_500),
        detected_at=at(-2),
        declared_at=at(0),
        acknowledged_at=at(2),
        mitigated_at=at(210),
        resolved_at=at(1_510),
        last_update_at=at(50),
        channel_name="inc-12-checkout-errors",
    )
    return replace(resolved, **changes)  # type: ignore[arg-type]


@cache
def sections() -> tuple[Section, ...]:
    return built_in().policy.postmortem.sections


def facts(**changes: object) -> PostmortemFacts:
    postmortem = PostmortemView(
        id=uuid.UUID(int=60),
        version=2,
        is_published=False,
        owner_id=CAROL.id,
        due_on=date(2026, 3, 10),
        drafted_at=at(1_511),
        published_at=None,
        link="",
        written=(
            WrittenSection("contributing_factors", "Two deploys in one hour.\n- no canary", 3),
            WrittenSection("lucky", "[x](javascript:alert) It was night\nin Europe", 1),
        ),
    )
    items = (
        ActionItemView(
            id=uuid.UUID(int=70),
            number=1,
            text="Canary | for checkout",
            owner=BOB,
            due_on=date(2026, 4, 1),
            is_done=False,
            done_at=None,
        ),
        ActionItemView(
            id=uuid.UUID(int=71),
            number=2,
            text="Ask @bob roe about alerts",
            owner=None,
            due_on=None,
            is_done=True,
            done_at=at(1_600),
        ),
    )
    values: dict[str, object] = {
        "incident": incident(),
        "entries": entries(),
        "entry_types": ENTRY_TYPES,
        "roles": roles(),
        "people": (ALICE, BOB, CAROL),
        "action_items": items,
        "sections": sections(),
        "now": at(1_600),
        "postmortem": postmortem,
        "owner": CAROL,
        **changes,
    }
    return PostmortemFacts(**values)  # type: ignore[arg-type]
