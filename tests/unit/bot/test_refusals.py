"""Refusals in words: what was refused, and what would help."""

import pytest

from bot.refusals import refusal_text
from incidents.errors import AlreadySo, IncidentNotFound, MayAgree, NotPermitted, Superseded


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
