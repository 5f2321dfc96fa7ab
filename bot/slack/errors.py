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

    @property
    def cause(self) -> str:
        """Return the error as the record keeps it."""
        return self.error


class SlackTemporary(SlackFailure):
    """The same call may succeed later; if `uncertain`, it may already have taken effect.

    It is `settled` if what it did can be seen at once: Slack itself answered, or had time enough.
    After a lost connection or a proxy's page, it may still be under way.
    """

    def __init__(
        self,
        error: str,
        *,
        method: str = "",
        retry_after: timedelta | None = None,
        uncertain: bool = False,
        settled: bool = False,
    ) -> None:
        super().__init__(error, method=method)
        self.retry_after = retry_after
        self.uncertain = uncertain
        self.settled = settled


class Paced(SlackTemporary):
    """Our own rate limit: nothing was sent, and `retry_after` says when there is room."""

    def __init__(self, *, method: str, retry_after: timedelta) -> None:
        super().__init__("ratelimited", method=method, retry_after=retry_after)


class SlackPermanent(SlackFailure):
    """The same call will be refused again; `needed` are the scopes that it needs, if it says so."""

    def __init__(self, error: str, *, method: str = "", needed: str = "") -> None:
        super().__init__(error, method=method)
        self.needed = needed

    @property
    def cause(self) -> str:
        """Return the error as the record keeps it, with the scopes that are missing."""
        return f"{self.error}: {self.needed}" if self.needed else self.error


class SlackUnauthorized(SlackFailure):
    """Slack no longer accepts our token for any call."""


def failure_of(
    error: str,
    *,
    method: str,
    status: int = 200,
    retry_after: timedelta | None = None,
    needed: str = "",
) -> SlackFailure:
    """Return the failure for an answer with this error code and HTTP status.

    Without a code the answer isn't Slack's, whatever its status: proxies invent all of them.
    """
    if error in _UNAUTHORIZED:
        return SlackUnauthorized(error, method=method)
    if status == HTTPStatus.TOO_MANY_REQUESTS or error in _BUSY:
        return SlackTemporary(error or "ratelimited", method=method, retry_after=retry_after)
    if not error:
        name = "unreadable_answer" if status == HTTPStatus.OK else f"http_{status}"
        return SlackTemporary(name, method=method, retry_after=retry_after, uncertain=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or error in _UNCERTAIN:
        return SlackTemporary(
            error, method=method, retry_after=retry_after, uncertain=True, settled=True
        )
    return SlackPermanent(error, method=method, needed=needed)
