"""What a failed call to Slack is called, and what to do about it."""

import pytest

from bot.framework.slack_refusals import (
    TRIED_FOR_A_DAY,
    failure_text,
    refusal_text,
    what_to_do_first,
)
from bot.slack.errors import failure_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("missing_scope", ("lacks the scope channels:read", "install it again")),
        ("not_allowed_token_type", ("isn't a bot token", "xoxb-")),
        ("restricted_action", ("a workspace setting", "An admin of your Slack workspace")),
        ("is_archived", ("the channel is archived", "Unarchive the channel")),
        ("something_new", ("something_new", "the people who run Sitrep")),
    ],
)
def test_a_refusal_for_good_is_named_with_what_to_do(error: str, words: tuple[str, ...]) -> None:
    needed = "channels:read" if error == "missing_scope" else ""
    text = failure_text(failure_of(error, method="conversations.info", needed=needed))
    assert text.startswith("Nothing was changed: Slack refused to show me the channel. ")
    assert error in text
    assert "Please try again" not in text
    for part in words:
        assert part.casefold() in text.casefold()


def test_only_what_may_work_later_is_answered_with_try_again() -> None:
    assert "try again" in failure_text(failure_of("ratelimited", method="conversations.info"))
    assert "token" in failure_text(failure_of("token_revoked", method="conversations.info"))


def test_a_refusal_with_scopes_names_each() -> None:
    assert "groups:read or im:read" in refusal_text("missing_scope: groups:read,im:read")


def test_retry_is_advised_only_where_it_can_help() -> None:
    assert what_to_do_first("user_disabled") == "Name somebody else."
    given_up = what_to_do_first(f"http_500 {TRIED_FOR_A_DAY}")
    assert given_up == "Check that Slack works again. Then press *Retry*."
