"""How steps, severities, edits, milestones and refusals read: complete, and harmless."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.features.lifecycle.edit import Editing, touched
from bot.framework.refusals import refusal_text
from bot.slack.blocks import Message
from bot.slack.mentions import date
from incidents.core.errors import TransitionRefused
from incidents.incident.entries import MilestoneSet, SeverityChanged, StatusChanged
from incidents.incident.incident import ById
from incidents.incident.payload import Payload
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.edit import fingerprint
from tests.views import NOW, entry_view, incident_view, said_in_channel

LATER = NOW + timedelta(hours=1)
NASTY = "<!channel> @here `x <@U1> ``` " + "y" * 40_000


def moment(at: datetime) -> str:
    return date(at, "{date_short_pretty} {time}")


def entry(kind: str, **content: Any) -> EntryView:
    return entry_view(kind, actor_name="Alice <!here>", content=content)


def incident() -> IncidentView:
    return incident_view(severity_key="sev1", severity_name="SEV1", severity_rank=1)


def every_message(text: str) -> list[Message]:
    pair = {"old": text, "new": text}
    entries = [
        entry("status_changed", old="triage", new="identified", text=text),
        entry("status_changed", old="x", new="resolved", resolution=text),
        entry("status_changed", old="resolved", new="closed", text=text),
        entry("status_changed", old="x", new="cancelled", reason=text),
        entry("status_changed", old="x", new="cancelled", is_duplicate=True, duplicate_of=text),
        entry("severity_changed", old=text, new=text, reason=text),
        entry("edited", changes={"title": pair, "summary": pair}),
        entry("milestone_set", name=text, old=None, new=None),
    ]
    return [said_in_channel(one, incident()) for one in entries]


@pytest.mark.parametrize("number", range(8))
def test_nothing_that_people_wrote_can_ping(number: int) -> None:
    message = every_message(NASTY)[number]
    shown = message.text + str(message.payload()["blocks"])
    assert "<!channel>" not in shown
    assert "<!here>" not in shown
    assert "<@U1>" not in shown
    assert "@here" not in shown


@pytest.mark.parametrize("number", range(8))
def test_the_fallback_names_incident_and_person(number: int) -> None:
    text = every_message("Bad deploy")[number].text
    assert "INC-1" in text
    assert "Alice" in text
    assert "Bad deploy" in text


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (
            StatusChanged(old="closed", new="investigating", is_reopening=True, reason="Back"),
            "*Alice* reopened the incident: closed → investigating.\nBack",
        ),
        (
            StatusChanged(old="triage", new="cancelled", is_duplicate=True),
            "*Alice* cancelled the incident as a duplicate of another incident: triage → cancelled.",
        ),
        (
            StatusChanged(old="triage", new="resolved", resolution="x", has_customer_impact=False),
            "*Alice* resolved the incident: triage → resolved.\nNo customer impact\n*What fixed it* x",
        ),
        (
            SeverityChanged(old="SEV3", new="SEV1", is_worse=True, reason="All of Asia"),
            "*Alice* raised the severity: SEV3 → SEV1.\nAll of Asia",
        ),
        (
            MilestoneSet(name="impact_ended_at", old=NOW),
            f"*Alice* removed the end of the impact, which was {moment(NOW)}.",
        ),
        (
            MilestoneSet(name="impact_ended_at", old=NOW, new=LATER),
            f"*Alice* corrected the end of the impact: {moment(NOW)} → {moment(LATER)}.",
        ),
    ],
)
def test_each_step_has_its_own_words(payload: Payload, told: str) -> None:
    assert said_in_channel(entry_view(payload), incident()).text == f"INC-12: {told}"


def test_a_refused_step_names_who_was_first_and_what_is_possible() -> None:
    same = TransitionRefused("resolved", "resolved", ("closed",), by="Bob <!here>", at=NOW)
    told = refusal_text(same, slash="/incident")
    assert "already resolved (Bob &lt;!here&gt;, <!date^" in told
    other = TransitionRefused("triage", "closed", ("investigating", "resolved"))
    told = refusal_text(other, slash="/incident")
    assert told.endswith("can't be closed yet. Resolve it first: `/incident resolve`")
    other = TransitionRefused("triage", "mitigated", ("investigating", "resolved"))
    told = refusal_text(other, slash="/incident")
    assert told.endswith("Possible now: investigating or resolved.")
    over = TransitionRefused("cancelled", "reopened", ())
    assert "/incident declare" in refusal_text(over, slash="/incident")


def test_only_changed_fields_are_edited() -> None:
    shown: dict[str, str] = {
        "title": fingerprint("Checkout errors"),
        "summary": fingerprint("Old"),
        "impact": fingerprint(""),
        "services": fingerprint(("web", "db")),
    }
    entered = Editing(
        ById(uuid.uuid4()),
        seen=shown,
        shown=shown,
        title="Checkout errors",
        summary="New",
        services=("web ", " db"),
    )
    wanted = touched(entered)
    assert wanted.changes == {"summary": "New"}
    assert wanted.seen == shown
