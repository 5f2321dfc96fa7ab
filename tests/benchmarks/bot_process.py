"""Run the bot as `sitrep serve` does until SIGTERM, for benchmarks and trials.

It has no rate limits of its own unless `OWN_LIMITS` is set. `WRONG_CLOCK` names a file that says by
how many seconds this process's clock is wrong; it may change at any time.
"""

import asyncio
import gc
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path

from bot.app import running
from bot.operations.logs import configure_logs
from bot.slack.rate_limits import RateLimits
from config.policy_loader import load_policy
from config.settings import load_settings
from incidents.core.clock import SystemClock


class WrongClock(SystemClock):
    """A clock that somebody sets while the bot runs."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def now(self) -> datetime:
        """Return the instant, wrong by as many seconds as the file says."""
        return super().now() + timedelta(seconds=float(self._file.read_text() or 0))


async def main() -> None:
    """Run the bot from the environment."""
    settings = load_settings()
    configure_logs(level=settings.log_level, form=settings.log_format)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    wrong = os.environ.get("WRONG_CLOCK")
    clock = WrongClock(Path(wrong)) if wrong else SystemClock()
    limits = None if os.environ.get("OWN_LIMITS") else RateLimits.disabled(clock)
    loaded = load_policy(settings.sitrep_policy)
    async with running(settings, loaded, clock=clock, limits=limits):
        gc.freeze()
        await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main())
