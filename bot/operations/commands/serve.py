"""`sitrep serve`: runs the bot until a signal stops it."""

import asyncio
import gc
import importlib
import os
import signal
import sys

import typer

from bot.operations.commands.configuration import Configuration, load_configuration

KILLED = 128


def serve() -> None:
    """Run the bot until it is stopped.

    SIGTERM and Ctrl-C shut it down cleanly; a second one stops it at once. SIGHUP reads the policy
    again.
    """
    # Startup creates almost no garbage, yet collecting took an eighth of its time.
    gc.disable()
    _skip_rich_import()
    configuration = load_configuration(serving=True)
    from bot.operations.logs import configure_logs  # noqa: PLC0415

    settings = configuration.settings
    configure_logs(level=settings.log_level, form=settings.log_format)
    raise typer.Exit(asyncio.run(_run(configuration)))


async def _run(configuration: Configuration) -> int:
    from bot.app import running  # noqa: PLC0415
    from bot.operations.identity import StartRefused  # noqa: PLC0415

    stop = Stop()
    try:
        async with running(configuration.settings, configuration.loaded) as sitrep:
            stop.is_started = True
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, sitrep.reload.ask)
            _freeze_startup_objects()
            await stop.told.wait()
    except StartRefused as refused:
        typer.echo(f"Sitrep didn't start. {refused}", err=True)
        return 1
    except asyncio.CancelledError:
        if not stop.was_told:
            raise
    return 0


def _skip_rich_import() -> None:
    """Stop structlog from importing rich, which we don't use; saves 70 ms and 3 MB."""
    if "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment]
        importlib.import_module("structlog")
        del sys.modules["rich"]


def _freeze_startup_objects() -> None:
    """Exclude startup objects from later collections; each full one paused the bot for 60 ms.

    Don't collect first: that would delay the first requests and free almost nothing.
    """
    gc.freeze()
    gc.enable()


class Stop:
    """Handles stop signals: the first shuts down cleanly, the second exits at once."""

    def __init__(self) -> None:
        """Install handlers for SIGTERM and SIGINT on the running loop."""
        self.told = asyncio.Event()
        self.was_told = False
        self.is_started = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        # Nothing to read again yet.
        loop.add_signal_handler(signal.SIGHUP, bool)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._hear, number)

    def _hear(self, number: int) -> None:
        if self.was_told:
            sys.stdout.flush()
            os._exit(KILLED + number)
        self.was_told = True
        self.told.set()
        if not self.is_started and self._task is not None:
            self._task.cancel()
