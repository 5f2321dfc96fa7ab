"""Help: six lines that fit, all families in thirteen lines, each verb with an example."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from bot.features import all_features
from bot.features.browse.fitting import LINES, fitting_lines
from bot.features.browse.help import FAMILIES, all_families, family_help, overview
from bot.framework.slash_commands import Grammar
from bot.slack.blocks.surfaces import MAX_TEXT
from incidents.core.people import Actor, ActorKind
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView, PersonView, RoleView
from tests.views import NOW, incident_view

GRAMMAR = Grammar(command for feature in all_features() for command in feature.commands)
MAYA = PersonView(uuid.UUID(int=1), "U1", "Maya", "UTC")
VIEWER = Actor(ActorKind.PERSON, MAYA.name, person_id=MAYA.id)
LEADS = (RoleView("commander", "Incident commander", MAYA, NOW),)
PLACES = [None, *(incident_view(status=status) for status in IncidentStatus)]
PLACES += [replace(one, is_drill=True) for one in PLACES if one is not None]
PLACES += [replace(one, roles=LEADS) for one in PLACES if one is not None]


@pytest.mark.parametrize("here", PLACES)
@pytest.mark.parametrize("viewer", [VIEWER, replace(VIEWER, person_id=uuid.uuid4())])
def test_help_shows_six_lines_that_can_be_sent(here: IncidentView | None, viewer: Actor) -> None:
    lines = fitting_lines(here, viewer)
    assert len({line for line, _ in lines}) == len(lines) == LINES
    for line, _ in lines:
        command, words = GRAMMAR.parse(line)
        assert command is not None
        assert not words.text or command.takes_words
    message = overview(here, lines, slash="/incident")
    assert [line for line, _ in lines if f"`/incident {line}`" not in message.text] == []


def test_help_fits_the_state_and_the_person() -> None:
    def first(viewer: Actor = VIEWER, **given: Any) -> str:
        return fitting_lines(incident_view(**given), viewer)[0][0]

    led: dict[str, Any] = {"roles": LEADS}
    assert first(status=IncidentStatus.TRIAGE) == "role commander me"
    assert first(status=IncidentStatus.TRIAGE, **led).startswith("update")
    other = replace(VIEWER, person_id=uuid.uuid4())
    assert first(other, status=IncidentStatus.TRIAGE, **led).startswith("note")
    assert first(status=IncidentStatus.RESOLVED) == "postmortem"
    assert first(status=IncidentStatus.TRIAGE, is_drill=True) == "learn check"
    mitigated = fitting_lines(incident_view(status=IncidentStatus.MITIGATED, **led), VIEWER)
    assert any(line.startswith("resolve") for line, _ in mitigated)


def test_all_verbs_are_thirteen_lines_and_none_is_left_out() -> None:
    message = all_families(GRAMMAR, slash="/incident")
    lines = message.text.splitlines()[:-1]
    assert [line.split("`")[1] for line in lines] == [f"/incident {name}" for name in FAMILIES]
    for name, line in zip(FAMILIES, lines, strict=True):
        words = line.partition(" With ")[2].split("`")[1::2]
        meant = [GRAMMAR.parse(f"{name} {word}")[0] for word in words]
        assert None not in meant
        assert [
            one.name for one in GRAMMAR.families[name] if one not in (*meant, GRAMMAR.find(name))
        ] == []
        assert [one.name for one in meant if one is not None and one.family != name] == []
    assert len(message.text) < MAX_TEXT


@pytest.mark.parametrize("family", [one for one in FAMILIES if GRAMMAR.families[one]])
def test_a_family_shows_its_members_with_an_example_that_works(family: str) -> None:
    text = family_help(family, GRAMMAR, slash="/incident").text
    members = GRAMMAR.families[family]
    examples = [part.partition("`")[0] for part in text.split("For example: `/incident ")[1:]]
    meant = [GRAMMAR.parse(one)[0] for one in examples]
    assert [one.name for one in members if one not in meant] == []
    shown = [line for line in text.splitlines() if line.startswith(f"`/incident {family}")]
    assert len(shown) >= len(members)
    assert len(text) < MAX_TEXT
