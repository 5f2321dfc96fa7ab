"""Play the demo: the real bot, a real SQLite file, Slack's real protocol; nothing is canned."""

import argparse
import asyncio
import io
import re
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from bot.app import Sitrep, running
from bot.operations.logs import configure_logs
from bot.slack.rate_limits import Limits, RateLimits
from config.policy_loader import load_policy
from config.settings import LogFormat, LogLevel, load_settings
from incidents.core.clock import SystemClock
from tests.demo import drill, story
from tests.demo.results import entries_of, keep_files, problems
from tests.demo.screen import Screen
from tests.demo.story import Cast, pause
from tests.slack_server import SlackServer

SCENES = (*story.SCENES, *drill.SCENES)
OUTPUT = Path("demo-output")
WIDTH = 100
# Rich's own format, but with installed fonts instead of one from the network.
_FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_SVG = _FONT_FACES.sub("", CONSOLE_SVG_FORMAT).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
)
POLICY = Path(__file__).parent / "policy.yaml"


def main() -> int:
    """Play the demo; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also write a picture of it")
    options = parser.parse_args()
    terminal = Console(highlight=False)
    width = min(terminal.width, WIDTH + 20) if terminal.is_terminal else WIDTH
    console = Console(highlight=False, width=width)
    picture = None
    if options.svg:
        picture = Console(
            record=True,
            file=io.StringIO(),
            width=WIDTH,
            force_terminal=True,
            color_system="truecolor",
            highlight=False,
        )
    log = io.StringIO()
    configure_logs(level=LogLevel.WARNING, form=LogFormat.CONSOLE, stream=log)
    failures = asyncio.run(play(Screen(console, picture)))
    if picture is not None:
        options.svg.write_text(
            picture.export_svg(title="make demo", theme=MONOKAI, code_format=_SVG), encoding="utf-8"
        )
    for failure in failures:
        console.print(f"✗ {failure}", style="bold red", markup=False)
    if failures and log.getvalue():
        console.print("What the bot logged:", style="bold")
        console.print(log.getvalue()[-4000:], markup=False)
    return 1 if failures else 0


async def play(screen: Screen) -> list[str]:
    """Play all scenes, keep the uploaded files, and return what went wrong."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sitrep-demo-") as folder:
        async with SlackServer(rate_limits=False) as slack:
            cast = Cast.of(slack)
            settings = load_settings(_environ(slack, Path(folder)))
            # Minutes are seconds here, so a minute's calls to Slack come within ten.
            limits = RateLimits(SystemClock(), limits=Limits(window=timedelta(seconds=10)))
            async with running(settings, load_policy(POLICY), limits=limits) as app:
                await slack.connected()
                slack.on_change(screen.show)
                screen.is_pictured = True
                screen.title(
                    "Sitrep: one incident, from the first alarm to the postmortem",
                    under="The real bot on an embedded Slack. Minutes are seconds here.",
                )
                screen.is_pictured = False
                failures = await _play_scenes(cast, screen)
                return failures or await _finish(app, slack, screen, started=started)


async def _play_scenes(cast: Cast, screen: Screen) -> list[str]:
    for number, (title, scene, mark) in enumerate(SCENES, 1):
        screen.is_pictured = bool(mark)
        screen.scene(number, title)
        try:
            await scene(cast)
            await cast.slack.quiet()
        except (AssertionError, LookupError) as error:
            return [f"scene {number}, {title}: {error}"]
        await pause()
    screen.is_pictured = True
    return []


async def _finish(app: Sitrep, slack: SlackServer, screen: Screen, *, started: float) -> list[str]:
    await app.settle(timeout=30)
    await slack.quiet()
    kept = keep_files(slack, OUTPUT)
    failures = await problems(app, slack, kept)
    if failures:
        return failures
    entries = entries_of(kept["timeline.json"])
    seconds = time.monotonic() - started
    screen.say("")
    screen.say(
        f"✓ {entries} entries on the timeline, their chain proven; nothing lost, "
        f"{len(slack.calls)} calls to Slack, {seconds:.0f} seconds.",
        style="bold green",
    )
    for path in sorted(kept.values()):
        screen.say(f"  {path}  {path.stat().st_size / 1024:.1f} kB", style="")
    return []


def _environ(slack: SlackServer, folder: Path) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'sitrep.db'}",
        "SITREP_SCENARIOS": str(drill.quicker_scenario(folder / "scenarios")),
        "PORT": "0",
        "OPS_PORT": "0",
    }


if __name__ == "__main__":
    sys.exit(main())
