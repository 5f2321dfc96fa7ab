"""Buttons and forms carry a verb's arguments there and back, and refuse foreign values."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.framework.arguments import (
    NOBODY,
    OnIncident,
    from_value,
    from_view,
    to_metadata,
    to_value,
)
from incidents.core.errors import IncidentNotFound, InvalidInput, Superseded
from incidents.incident.incident import ById
from incidents.people.assignable import Named

INCIDENT = ById(uuid.UUID(int=7))


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


class Answering(OnIncident, gone="proposal"):
    question_id: uuid.UUID | None = None
    answer: Answer = Answer.YES
    words: str = ""
    is_urgent: bool = False
    until: datetime | None = None
    person: Named = NOBODY
    services: tuple[str, ...] = ()
    revisions: Mapping[str, int] = field(default_factory=dict)


EVERYTHING = Answering(
    INCIDENT,
    3,
    question_id=uuid.UUID(int=9),
    answer=Answer.NO,
    words="50 % | or more",
    is_urgent=True,
    until=datetime(2026, 3, 1, 12, tzinfo=UTC),
    person=Named("U1"),
)


def view(metadata: str, **elements: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: {name: element} for name, element in elements.items()}
    return {"private_metadata": metadata, "state": {"values": values}}


def test_a_value_holds_the_fields_in_order_without_trailing_defaults() -> None:
    assert to_value(OnIncident(INCIDENT, 3)) == f"{INCIDENT.id}|3"
    assert to_value(OnIncident(INCIDENT)) == str(INCIDENT.id)
    assert to_value(Answering(INCIDENT, answer=Answer.NO)) == f"{INCIDENT.id}|0||no"


def test_arguments_are_read_back_from_a_buttons_value() -> None:
    assert from_value(Answering, to_value(EVERYTHING)) == EVERYTHING


@given(st.text())
def test_any_text_is_read_back(words: str) -> None:
    asked = Answering(INCIDENT, words=words)
    assert from_value(Answering, to_value(asked)) == asked


def test_the_value_of_a_shorter_verb_fits_a_longer_one() -> None:
    assert from_value(Answering, to_value(OnIncident(INCIDENT, 3))) == Answering(INCIDENT, 3)


@pytest.mark.parametrize("value", ["", "x", "|3", "INC-1|2"])
def test_a_value_without_an_incident_is_refused_as_not_found(value: str) -> None:
    with pytest.raises(IncidentNotFound):
        from_value(Answering, value)


@pytest.mark.parametrize("rest", ["x", "0|x", "0||maybe", "0||no||1||U1||1|too|many"])
def test_a_garbled_value_is_refused_as_outdated(rest: str) -> None:
    with pytest.raises(Superseded) as refused:
        from_value(Answering, f"{INCIDENT.id}|{rest}")
    assert refused.value.what == "proposal"


def test_a_form_keeps_the_arguments_that_it_has_no_input_for() -> None:
    asked = Answering(INCIDENT, answer=Answer.NO, words="so far", revisions={"a": 1})
    metadata = to_metadata(asked, entered={"words"})
    assert json.loads(metadata) == {
        "ref": str(INCIDENT.id),
        "answer": "no",
        "revisions": {"a": 1},
    }
    chosen = {"selected_user": "U1"}
    submitted = view(metadata, words={"value": " later "}, person=chosen)
    assert from_view(Answering, submitted) == Answering(
        INCIDENT, answer=Answer.NO, words="later", person=Named("U1"), revisions={"a": 1}
    )


def test_every_kind_of_input_is_read() -> None:
    submitted = view(
        to_metadata(OnIncident(INCIDENT)),
        answer={"selected_option": {"value": "no"}},
        is_urgent={"selected_options": [{"value": "urgent"}]},
        until={"selected_date_time": 1_772_366_400},
        person={"selected_user": "U1"},
        services={"selected_options": [{"value": "a"}, {"value": "b"}]},
    )
    assert from_view(Answering, submitted) == Answering(
        INCIDENT,
        answer=Answer.NO,
        is_urgent=True,
        until=datetime(2026, 3, 1, 12, tzinfo=UTC),
        person=Named("U1"),
        services=("a", "b"),
    )


def test_an_empty_input_has_its_default_but_a_person_must_be_chosen() -> None:
    empty: dict[str, Any] = {
        "answer": {"selected_option": None},
        "services": {"selected_options": []},
    }
    metadata = to_metadata(OnIncident(INCIDENT))
    assert from_view(Answering, view(metadata, **empty)) == Answering(INCIDENT)
    with pytest.raises(InvalidInput) as refused:
        from_view(Answering, view(metadata, person={"selected_user": None}))
    assert (refused.value.field, refused.value.problem) == ("person", "not_a_person")
