"""Play the demo: the real bot, a real SQLite file, Slack's real protocol; only the clock jumps."""

import argparse
import asyncio
import io
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bot.operations.logs import configure_logs
from config.policy_loader import load_policy
from config.settings import LogFormat, LogLevel
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.clock import ManualClock
from tests.demo import drill, story
from tests.demo.results import entries_of, first_lines, keep_files, problems
from tests.demo.screen import Screen
from tests.demo.story import Cast, Scene, pause
from tests.pager_servers.goalert import GoAlertServer
from tests.scenario.conftest import Bot
from tests.slack_server import SlackServer

OUTPUT = Path("demo-output")
WIDTH = 100
POLICY = Path(__file__).parent / "policy.yaml"
TOLD = 10


def main() -> int:
    """Play the demo; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--full", action="store_true", help="show every message and change")
    parser.add_argument("--drill", action="store_true", help="play the drill instead")
    options = parser.parse_args()
    scenes = drill.SCENES if options.drill else story.SCENES
    terminal = Console(highlight=False)
    width = min(terminal.width, WIDTH + 20) if terminal.is_terminal else WIDTH
    console = Console(highlight=False, width=width)
    log = io.StringIO()
    configure_logs(level=LogLevel.WARNING, form=LogFormat.CONSOLE, stream=log)
    failures = asyncio.run(play(console, scenes, is_full=options.full))
    for failure in failures:
        console.print(f"✗ {failure}", style="bold red", markup=False)
    if failures and log.getvalue():
        console.print("What the bot logged:", style="bold")
        console.print(log.getvalue()[-4000:], markup=False)
    return 1 if failures else 0


async def play(
    console: Console, scenes: Sequence[tuple[str, Scene]], *, is_full: bool
) -> list[str]:
    """Play these scenes, keep the uploaded files, and return what went wrong."""
    started, clock = time.monotonic(), ManualClock()
    screen = Screen(console, clock=clock, is_full=is_full)
    key, door = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="sitrep-demo-") as name:
        folder = Path(name)
        async with (
            SlackServer(clock=clock.now, rate_limits=False) as slack,
            GoAlertServer(nora=key).serving() as goalert,
        ):
            environ = _environ(slack, folder)
            bot = Bot(slack, clock, {**environ, "SITREP_SECRETS": _secrets(folder, key, door)})
            bot.loaded = load_policy(POLICY)
            pager = PagerConfig(key="goalert", kind=PagerKind.GOALERT, url=goalert.url)
            bot.change_policy(pagers=(pager,))
            cast = Cast.of(bot, screen, goalert)
            await bot.start()
            goalert.webhook = f"{bot.app.url}/pagers/goalert/{door}"
            try:
                slack.on_change(screen.show)
                screen.say("Sitrep plays an incident. The bot is real, Slack is a stand-in, and")
                screen.say("the clock jumps between the steps.")
                failures = await _play_scenes(cast, scenes)
                return failures or await _finish(cast, scenes, started=started)
            finally:
                await bot.stop()


async def _play_scenes(cast: Cast, scenes: Sequence[tuple[str, Scene]]) -> list[str]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(None),
        TextColumn("{task.percentage:.0f} %"),
    )
    console = cast.screen.console
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=len(scenes))
        for number, (title, scene) in enumerate(scenes, 1):
            bar.update(task, description=title)
            cast.screen.scene(number, title)
            try:
                await scene(cast)
                await cast.bot.settle()
            except (AssertionError, LookupError) as error:
                return [f"scene {number}, {title}: {error}"]
            bar.advance(task)
            await pause()
    return []


async def _finish(cast: Cast, scenes: Sequence[tuple[str, Scene]], *, started: float) -> list[str]:
    kept = keep_files(cast.slack, OUTPUT)
    expected = drill.EXPECTED if scenes is drill.SCENES else story.EXPECTED
    failures = await problems(cast.bot, kept, expected)
    if failures:
        return failures
    say: Callable[..., None] = cast.screen.say
    say("")
    document = next(path for name, path in kept.items() if name.endswith("postmortem.md"))
    for line in first_lines(document, TOLD):
        say(f"  {line}", style="")
    say("  …")
    for path in sorted(kept.values()):
        say(f"  {path}  {path.stat().st_size / 1024:.1f} kB", style="")
    entries = (
        f"{entries_of(kept['timeline.json'])} entries" if "timeline.json" in kept else "Record"
    )
    seconds = time.monotonic() - started
    say(f"✓ {entries} verified, nothing lost, {seconds:.0f} seconds.", style="bold green")
    return []


def _secrets(folder: Path, key: str, door: str) -> str:
    file = folder / "secrets.yaml"
    file.write_text(
        f"pagers: {{goalert: {{addresses: {{nora: {key}}}, webhook_secret: {door}}}}}\n"
    )
    file.chmod(0o600)
    return str(file)


def _environ(slack: SlackServer, folder: Path) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'sitrep.db'}",
        "PORT": "0",
        "OPS_PORT": "0",
    }


if __name__ == "__main__":
    sys.exit(main())
