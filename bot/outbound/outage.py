"""An outage of Slack: at its end, what waits after failures needn't wait any longer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.framework.effect_context import Done
from bot.outbound.attempts import Ended, Postponed

# Shorter failures are over before their effects have waited long.
OUTAGE_AFTER = timedelta(seconds=2)


class Outage:
    """Notices when calls work again after a while in which none did."""

    def __init__(self) -> None:
        """Begin without an outage."""
        self._since: datetime | None = None

    def is_over(self, ended: Sequence[Ended], *, now: datetime) -> bool:
        """Tell whether these ends are the first success after an outage."""
        was_out = self._since is not None and now - self._since >= OUTAGE_AFTER
        return was_out and _works(ended)

    def note(self, ended: Sequence[Ended], *, now: datetime) -> None:
        """Take note of these ends, once they are settled."""
        fails = any(isinstance(one.end, Postponed) and not one.end.is_paced for one in ended)
        if _works(ended):
            self._since = None
        elif fails and self._since is None:
            self._since = now


def _works(ended: Sequence[Ended]) -> bool:
    return any(isinstance(one.end, Done) for one in ended)
