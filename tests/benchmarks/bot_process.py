"""Run the bot as `sitrep serve` does, but without its own rate limits, until SIGTERM."""

import asyncio
import gc
import signal

from bot.app import running
from bot.operations.logs import configure_logs
from bot.slack.rate_limits import RateLimits
from config.policy_loader import load_policy
from config.settings import load_settings
from incidents.core.clock import SystemClock


async def main() -> None:
    """Run the bot from the environment."""
    settings = load_settings()
    configure_logs(level=settings.log_level, form=settings.log_format)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    clock = SystemClock()
    loaded = load_policy(settings.sitrep_policy)
    async with running(settings, loaded, clock=clock, limits=RateLimits.disabled(clock)):
        gc.freeze()
        await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main())
