"""Failures of Slack calls, each of exactly one kind: temporary, permanent or unauthorized."""

from datetime import timedelta
from http import HTTPStatus

# For some of these, Slack documents that part of the operation may have succeeded: look first.
_UNCERTAIN = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "unknown_error"}
)
_BUSY = frozenset(
    {"ratelimited", "rate_limited", "too_many_requests", "team_added_to_org", "org_login_required"}
)
_UNAUTHORIZED = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
)


class SlackFailure(Exception):
    """Slack didn't carry out a call, or may not have; `error` is Slack's code or ours."""

    def __init__(self, error: str, *, method: str = "") -> None:
        super().__init__(f"{method or 'slack'}: {error}")
        self.error = error
        self.method = method


class SlackTemporary(SlackFailure):
    """The same call may succeed later; if `uncertain`, it may already have taken effect."""

    def __init__(
        self,
        error: str,
        *,
        method: str = "",
        retry_after: timedelta | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(error, method=method)
        self.retry_after = retry_after
        self.uncertain = uncertain


class SlackPermanent(SlackFailure):
    """The same call will be refused again."""


class SlackUnauthorized(SlackFailure):
    """Slack no longer accepts our token for any call."""


def failure_of(
    error: str, *, method: str, status: int = 200, retry_after: timedelta | None = None
) -> SlackFailure:
    """Return the failure for an answer with this error code and HTTP status."""
    if error in _UNAUTHORIZED:
        return SlackUnauthorized(error, method=method)
    if status == HTTPStatus.TOO_MANY_REQUESTS or error in _BUSY:
        return SlackTemporary(error or "ratelimited", method=method, retry_after=retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or error in _UNCERTAIN:
        name = error or f"http_{status}"
        return SlackTemporary(name, method=method, retry_after=retry_after, uncertain=True)
    if not error and status == HTTPStatus.OK:
        return SlackTemporary("unreadable_answer", method=method, uncertain=True)
    return SlackPermanent(error or f"http_{status}", method=method)
