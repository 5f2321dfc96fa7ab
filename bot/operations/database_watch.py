"""Says in the log once a minute, not with each failure, that the database can't be used."""

import time

import structlog

from incidents.storage.availability import why_unusable

SAY_EVERY_SECONDS = 60.0
# One part may still work, such as reading from a full disk: not before nothing failed for so long.
BACK_AFTER_SECONDS = 10.0

log = structlog.get_logger(__name__)


class DatabaseWatch:
    """Remembers why the database can't be used, as the parts that use it have found."""

    def __init__(self) -> None:
        """Begin with a database that works."""
        self.why: str | None = None
        self.failures = 0
        self._failed_at = 0.0
        self._since = 0.0
        self._said_at = -SAY_EVERY_SECONDS

    def failed(self, error: BaseException) -> str | None:
        """Return why the database can't be used; None if the error comes from something else."""
        why = why_unusable(error)
        if why is None:
            return None
        now = time.monotonic()
        if self.why is None:
            self._since, self.failures = now, 0
        self.why, self._failed_at = why, now
        self.failures += 1
        if now - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = now
            log.error(
                "database_unusable",
                reason=why,
                error=type(getattr(error, "orig", None) or error).__name__,
                failures=self.failures,
                seconds=round(now - self._since, 1),
            )
        return why

    def works(self) -> None:
        """Take note that it was just used with success."""
        now = time.monotonic()
        if self.why is None or now - self._failed_at < BACK_AFTER_SECONDS:
            return
        log.info("database_usable", failures=self.failures, seconds=round(now - self._since, 1))
        self.why = None
