"""Refusals in words: what was refused, and what would help."""

import pytest

from bot.framework.refusals import refusal_text
from incidents.core.errors import (
    AlreadySo,
    DomainError,
    IncidentNotFound,
    IncidentOver,
    InvalidInput,
    MayAgree,
    NotPermitted,
    Superseded,
)


@pytest.mark.parametrize(
    ("error", "says", "omits"),
    [
        (
            AlreadySo("the incident", "resolved"),
            ["already resolved", "`/incident reopen what is wrong`"],
            "",
        ),
        (
            AlreadySo("the incident", "closed"),
            ["already closed", "`/incident reopen what is wrong`"],
            "",
        ),
        (
            AlreadySo("the incident", "cancelled"),
            ["stays cancelled", "`/incident declare`"],
            "reopen",
        ),
        (AlreadySo("incident", "private"), [], "reopen"),
        (IncidentOver("closed"), ["/incident reopen"], ""),
        (IncidentOver("cancelled"), ["`/incident declare`"], "reopen"),
        (MayAgree(2), ["*Approve*", "`/incident proposal 2 approve`"], ""),
        # There may never have been a poll.
        (Superseded("objection_poll"), ["Say it in the channel"], "any more"),
        (
            NotPermitted("set_stage", needs="peer"),
            ["somebody who works solo everywhere", "Ask one of them"],
            "--mentor",
        ),
        (
            NotPermitted("take_over", needs="responder, senior, mentor"),
            ["Join the incident channel", "`/incident role`", "`/incident takeover why`"],
            "Ask them",
        ),
        (
            NotPermitted("sign_off", needs="mentor"),
            ["Ask the person who that is: `/incident progress`"],
            "mentors you",
        ),
        (
            InvalidInput("original", "same"),
            ["The other incident is this incident itself. Name the other one."],
            "",
        ),
    ],
)
def test_a_refusal_says_what_would_help(error: DomainError, says: list[str], omits: str) -> None:
    text = refusal_text(error, slash="/incident")
    assert all(part in text for part in says)
    assert not omits or omits not in text.lower()


def test_a_command_outside_an_incident_shows_where_the_reference_goes() -> None:
    def told(typed: str) -> str:
        return refusal_text(IncidentNotFound(None), slash="/incident", typed=typed)

    assert "`/incident INC-12 severity sev2`" in told("severity sev2")
    assert "`/incident INC-12 show`" in told("")
    long = told("update <@U1|bob> has `checkout`\nback " + "and all is well " * 9)
    assert "`/incident INC-12 update @" in long
    assert "bob has ˋcheckoutˋ back and all is well" in long
    assert "…`, or find it with `/incident list`" in long
    assert "<@U1" not in long


def test_an_example_of_a_command_is_the_whole_line_to_type() -> None:
    def told(typed: str, example: str = "note -10m Rolled back") -> str:
        error = InvalidInput("note", "empty", example)
        return refusal_text(error, slash="/incident", typed=typed)

    assert (
        told("note -10m") == "The note is missing. For example: `/incident note -10m Rolled back`"
    )
    assert "`/incident INC-7 note -10m Rolled back`" in told("inc-7  NOTE -10m")
    assert told("INC-7").endswith("For example: note -10m Rolled back")
    assert told("").endswith("For example: note -10m Rolled back")
    assert told("severity bad", "sev1, sev2").endswith("For example: sev1, sev2")


def test_a_value_that_does_not_exist_is_named_with_the_whole_line_that_works() -> None:
    def told(typed: str, value: str) -> str:
        error = InvalidInput("severity", "unknown", "sev1, sev2, sev3", value)
        return refusal_text(error, slash="/incident", typed=typed)

    assert told("severity critical pods crash", "critical") == (
        "There's no severity `critical`. Use sev1, sev2 or sev3: `/incident severity sev1 pods crash`"
    )
    assert told("INC-7 severity sev22", "sev22").endswith("`/incident INC-7 severity sev2`")
    assert told("", "critical") == "There's no severity `critical`. Use sev1, sev2 or sev3."
    assert "<!here>" not in told("severity <!here>", "<!here>")


def test_the_only_service_is_offered_in_the_whole_line() -> None:
    error = InvalidInput("service", "unknown", "checkout", "chekout")
    typed = "declare sev1 It is down --service chekout"
    assert refusal_text(error, slash="/incident", typed=typed) == (
        "There's no service `chekout`. Use checkout: "
        "`/incident declare sev1 It is down --service checkout`"
    )
