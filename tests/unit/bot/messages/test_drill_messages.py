"""Messages and forms of drills, for every scenario: complete, marked as practice, within limits."""

import uuid
from datetime import UTC, datetime

import pytest

from bot.features.drills.forms import act_form, check_form, start_form
from bot.features.drills.messages import mentor_notes, scenario_list
from bot.features.drills.scorecard import advice, praise, results_message, scorecard_message
from config.scenario_loader import load_scenarios
from incidents.drills.score import Question, ScoreFacts, make_scorecard
from incidents.drills.views import DrillView
from incidents.incident.views import PersonView
from incidents.scenarios.runs import RunEnd
from incidents.scenarios.scenario import Scenario
from tests.policies import built_in
from tests.unit.bot.messages.test_every_message import incident

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
JO = PersonView(uuid.uuid4(), "U0000001", "Jo", "UTC")
MAX = PersonView(uuid.uuid4(), "U0000002", "Max", "UTC")
SCENARIOS = load_scenarios()
ALL = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)


def view(scenario: Scenario, *, facts: ScoreFacts | None = None, alone: bool = False) -> DrillView:
    return DrillView(
        incident=incident(),
        scenario=scenario,
        junior=JO,
        mentor=None if alone else MAX,
        started_at=NOW,
        scorecard=make_scorecard(facts, built_in().policy.figures) if facts else None,
    )


@ALL
def test_forms_show_every_choice_with_its_risk(scenario: Scenario) -> None:
    shown = str(act_form(view(scenario)).to_dict())
    for action in scenario.actions:
        assert action.name.split("'")[0] in shown
        assert action.risk.split("'")[0] in shown
    checks = str(check_form(view(scenario)).to_dict())
    assert all(check.key in checks for check in scenario.checks)
    # No choice's name is cut.
    names = [action.name for action in scenario.actions]
    names += [check.name for check in scenario.checks]
    assert max(map(len, names)) <= 75


@ALL
def test_the_mentor_sees_the_whole_scenario(scenario: Scenario) -> None:
    text = mentor_notes(view(scenario)).text
    for said in ("for you alone", "What is going on", "A good first move", "afterwards"):
        assert said in text
    assert ("Expect an escalation" in text) is (scenario.escalation is not None)


def test_the_list_and_the_form_hold_every_scenario() -> None:
    listed = scenario_list(SCENARIOS, slash="/incident").text
    form = str(start_form(SCENARIOS).to_dict())
    for scenario in SCENARIOS:
        assert f"`{scenario.key}`" in listed
        assert scenario.key in form


@ALL
def test_a_scorecard_says_each_line_in_words(scenario: Scenario) -> None:
    facts = ScoreFacts(
        how=RunEnd.TIMED_OUT,
        lasted=2400,
        acknowledged_at=90,
        update_due_at=1800,
        updates_due=1,
        questions=(Question(asked_at=540, answered_at=None),),
        escalate_by=900,
        escalated_at=600,
        context=40,
        worse=tuple(action.key for action in scenario.actions[-1:]),
    )
    shown = view(scenario, facts=facts)
    assert shown.scorecard is not None
    text = scorecard_message(shown, shown.scorecard).text
    for said in (
        "ended by its time limit after 40 min",
        "✓ Acknowledged after 1 min",
        "○ First update: not yet at the end (aim: within 30 min)",
        "○ Updates sent when due: 0% (aim: 90%)",
        "○ Questions answered: not yet at the end (aim: within 10 min)",
        "✓ Escalated after 10 min (aim: within 15 min)",
        "○ Escalated with the facts: 40 of 100 (aim: 75)",
        f"○ Nothing made worse: no, by *{scenario.actions[-1].name}*",
        "– Resolved only once it was fixed: no occasion",
        "○ Impact written down in words: no",
        praise(shown.scorecard),
        advice(shown.scorecard),
    ):
        assert said in text
    assert "None" not in text
    summary = results_message((shown,), slash="/incident").text
    assert "2 of 10 aims met" in summary


def test_a_scorecard_of_a_drill_alone_says_so() -> None:
    facts = ScoreFacts(how=RunEnd.ABANDONED, lasted=60)
    shown = view(SCENARIOS[0], facts=facts, alone=True)
    assert shown.scorecard is not None
    text = scorecard_message(shown, shown.scorecard).text
    assert "For you alone: no timeline" in text
    assert "stopped after 1 min" in text
    assert praise(shown.scorecard).startswith("You went through")
