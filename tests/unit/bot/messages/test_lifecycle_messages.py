"""How steps, severities, edits, milestones and refusals read: complete, and harmless."""

import uuid
from typing import Any

import pytest

from bot.features.lifecycle.edit import Editing, edited_entry, touched
from bot.features.lifecycle.milestones import milestone_entry
from bot.features.lifecycle.severity import severity_entry
from bot.features.lifecycle.status import status_entry
from bot.framework.refusals import refusal_text
from bot.slack.blocks import Message
from incidents.core.errors import TransitionRefused
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.edit import fingerprint
from tests.views import NOW, entry_view, incident_view

NASTY = "<!channel> @here `x <@U1> ``` " + "y" * 40_000


def entry(kind: str, **content: Any) -> EntryView:
    return entry_view(kind, actor_name="Alice <!here>", content=content)


def incident() -> IncidentView:
    return incident_view(severity_key="sev1", severity_name="SEV1", severity_rank=1)


def every_message(text: str) -> list[Message]:
    here = incident()
    pair = {"old": text, "new": text}
    return [
        status_entry(entry("status_changed", old="triage", new="identified", text=text), here),
        status_entry(entry("status_changed", old="x", new="resolved", resolution=text), here),
        status_entry(entry("status_changed", old="resolved", new="closed", text=text), here),
        status_entry(entry("status_changed", old="x", new="cancelled", reason=text), here),
        status_entry(
            entry("status_changed", old="x", new="cancelled", is_duplicate=True, duplicate_of=text),
            here,
        ),
        severity_entry(entry("severity_changed", old=text, new=text, reason=text), here),
        edited_entry(entry("edited", changes={"title": pair, "summary": pair}), here),
        milestone_entry(entry("milestone_set", name=text, old=None, new=None), here),
    ]


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


def test_steps_read_as_what_they_are() -> None:
    here = incident()
    reopened = entry("status_changed", old="closed", new="investigating", is_reopening=True)
    hidden = entry("status_changed", old="triage", new="cancelled", is_duplicate=True)
    calm = entry(
        "status_changed", old="triage", new="resolved", resolution="x", has_customer_impact=False
    )
    assert "*Reopened* by" in status_entry(reopened, here).text
    assert "duplicate of another incident" in status_entry(hidden, here).text
    assert "without customer impact" in status_entry(calm, here).text


def test_a_removed_milestone_says_what_stood_there() -> None:
    text = milestone_entry(
        entry("milestone_set", name="impact_ended_at", old="2026-03-02T09:00:00.000000Z", new=None),
        incident(),
    ).text
    assert "*Impact ended*: removed (was <!date^" in text


def test_a_refused_step_names_who_was_first_and_what_is_possible() -> None:
    same = TransitionRefused("resolved", "resolved", ("closed",), by="Bob <!here>", at=NOW)
    told = refusal_text(same, slash="/incident")
    assert "already resolved (Bob &lt;!here&gt;, <!date^" in told
    other = TransitionRefused("triage", "closed", ("investigating", "resolved"))
    told = refusal_text(other, slash="/incident")
    assert told.endswith("Possible now: investigating, resolved.")
    over = TransitionRefused("cancelled", "reopened", ())
    assert "/incident declare" in refusal_text(over, slash="/incident")


def test_only_the_fields_that_were_touched_are_edited() -> None:
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
