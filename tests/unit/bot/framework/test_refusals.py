"""Refusals in words: what was refused, and what would help."""

import pytest

from bot.framework.refusals import refusal_text
from incidents.core.errors import (
    AlreadySo,
    IncidentNotFound,
    IncidentOver,
    InvalidInput,
    MayAgree,
    NotPermitted,
    Superseded,
)


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_what_comes_too_late_is_told_how_to_take_the_incident_up_again(status: str) -> None:
    text = refusal_text(AlreadySo("the incident", status), slash="/incident")
    assert f"already {status}" in text
    assert "`/incident reopen`" in text


def test_reopening_is_offered_only_where_it_helps() -> None:
    for error in (AlreadySo("the incident", "cancelled"), AlreadySo("incident", "private")):
        assert "reopen" not in refusal_text(error, slash="/incident")


def test_objecting_where_nobody_asks_is_no_hint_that_somebody_once_did() -> None:
    text = refusal_text(Superseded("objection_poll"), slash="/incident")
    assert "any more" not in text
    assert "Say it in the channel" in text


def test_who_may_not_set_a_stage_is_told_whom_to_ask() -> None:
    text = refusal_text(NotPermitted("set_stage", needs="senior"), slash="/incident")
    assert "somebody who works solo everywhere" in text
    assert "Ask one of them" in text
    assert "--mentor" not in text


def test_who_may_agree_is_pointed_to_agreeing() -> None:
    text = refusal_text(MayAgree(2), slash="/incident")
    assert "*Approve*" in text
    assert "`/incident proposal 2 approve`" in text


def test_a_command_outside_of_an_incident_is_shown_with_the_reference_in_its_place() -> None:
    def told(typed: str) -> str:
        return refusal_text(IncidentNotFound(None), slash="/incident", typed=typed)

    assert "`/incident INC-12 severity sev2`" in told("severity sev2")
    assert "`/incident INC-12 show`" in told("")
    long = told("update <@U1|bob> has `checkout`\nback " + "and all is well " * 9)
    assert "`/incident INC-12 update @" in long
    assert "bob has ˋcheckoutˋ back and all is well" in long
    assert "…`, or see `/incident list`." in long
    assert "<@U1" not in long


def test_what_cannot_be_reopened_is_not_said_to_be() -> None:
    assert "/incident reopen" in refusal_text(IncidentOver("closed"), slash="/incident")
    told = refusal_text(IncidentOver("cancelled"), slash="/incident")
    assert "reopen" not in told.lower()
    assert "`/incident declare`" in told


def test_an_example_of_a_command_is_the_whole_line_to_type() -> None:
    def told(typed: str, example: str = "note -10m Rolled back") -> str:
        error = InvalidInput("note", "empty", example)
        return refusal_text(error, slash="/incident", typed=typed)

    assert told("note -10m") == "The note is needed. For example: `/incident note -10m Rolled back`"
    assert "`/incident INC-7 note -10m Rolled back`" in told("inc-7  NOTE -10m")
    assert told("INC-7").endswith("For example: note -10m Rolled back")
    assert told("").endswith("For example: note -10m Rolled back")
    assert told("severity bad", "sev1, sev2").endswith("For example: sev1, sev2")


def test_who_may_not_sign_off_learns_whom_to_ask_and_not_about_themselves() -> None:
    text = refusal_text(NotPermitted("sign_off", needs="mentor"), slash="/incident")
    assert "the person sees with `/incident progress` who they are" in text
    assert "mentors you" not in text


def test_the_same_incident_as_a_duplicate_is_asked_for_the_other() -> None:
    text = refusal_text(InvalidInput("original", "same"), slash="/incident")
    assert text == "The other incident is this incident itself; name the other one."
