"""Every failure of a Slack call, as exactly one of three kinds: wait, give up, or ask for help."""

from datetime import timedelta
from http import HTTPStatus

# Slack says of some of these that part of the operation may have succeeded, so we look first.
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
    """A call that Slack didn't carry out, or may not have; `error` is Slack's code or ours."""

    def __init__(self, error: str, *, method: str = "") -> None:
        super().__init__(f"{method or 'slack'}: {error}")
        self.error = error
        self.method = method


class SlackTemporary(SlackFailure):
    """The same call may succeed later; when `uncertain`, it may have taken effect already."""

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
    """Slack no longer takes our token, for any call."""


def failure_of(
    error: str, *, method: str, status: int = 200, retry_after: timedelta | None = None
) -> SlackFailure:
    """Return the failure that an answer with this code and HTTP status means."""
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
