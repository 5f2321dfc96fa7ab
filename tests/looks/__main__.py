"""Play the story against the real bot, draw it in light, dark and on phones, write down all texts.

`python -m tests.looks OUTDIR`; with `--texts` only the texts, which takes a second; with
`--pictures` the README's pictures instead, as `make pictures` does.
"""

import argparse
import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

from bot.operations.logs import configure_logs
from config.settings import LogFormat, LogLevel
from tests.clock import ManualClock
from tests.looks import pictures
from tests.looks.camera import Camera
from tests.looks.page import LOOKS, page
from tests.looks.sev2 import Sev2, Tally
from tests.looks.story import SCENES, Cast, Scene, policy_of
from tests.looks.texts import all_texts
from tests.scenario.conftest import PATIENCE_SECONDS, Bot
from tests.slack_server import CannotDoError, Person, SlackServer

_SHOTS_A_PAGE = 9
_HEIGHT = 1500
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def main() -> None:
    """Draw each scene as a page, and as a picture if Chromium is installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.looks", description=__doc__)
    parser.add_argument("outdir", type=Path, nargs="?")
    parser.add_argument("--texts", action="store_true", help="only write texts.txt")
    parser.add_argument("--pictures", action="store_true", help="draw the README's pictures")
    parser.add_argument("--sev2", action="store_true", help="count the lines of a SEV2 instead")
    options = parser.parse_args()
    if options.sev2:
        configure_logs(level=LogLevel.WARNING, form=LogFormat.CONSOLE)
        sys.stdout.write(f"{asyncio.run(count())}\n")
        return
    if options.outdir is None:
        parser.error("name a folder, or --sev2")
    outdir: Path = options.outdir
    outdir.mkdir(parents=True, exist_ok=True)
    if not options.pictures:
        (outdir / "texts.txt").write_text(all_texts(), encoding="utf-8")
    if options.texts:
        return
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if options.pictures and browser is None:
        parser.error(f"pictures need one of: {', '.join(_BROWSERS)}")
    configure_logs(level=LogLevel.WARNING, form=LogFormat.CONSOLE)
    broken: list[str] = []
    if options.pictures:
        asyncio.run(picture(outdir))
    else:
        broken = asyncio.run(play(outdir))
    if browser:
        _photograph_all(browser, outdir, is_for_readme=options.pictures)
    if broken:
        parser.error(f"these scenes broke off: {', '.join(broken)}")


def _photograph_all(browser: str, outdir: Path, *, is_for_readme: bool) -> None:
    height = _HEIGHT
    for drawn in sorted(outdir.glob("*.html")):
        look = drawn.stem.rpartition("-")[2]
        width = pictures.WIDTH if is_for_readme else LOOKS[look]
        if look != "light":  # dark comes before light, and is as high
            height = _height(browser, drawn, width=width)
        _photograph(browser, drawn, size=(width, height))
        if is_for_readme:
            drawn.unlink()


async def picture(outdir: Path) -> None:
    """Draw each picture of the README as a page."""
    async with _bot() as (bot, (maya, ben, nora, _)):
        cast = pictures.Cast(bot, maya=maya, ben=ben, nora=nora)
        for draw in pictures.PICTURES:
            file = outdir / f"{draw.__name__.replace('_', '-')}.html"
            text = await draw(cast)
            await asyncio.to_thread(file.write_text, text, encoding="utf-8")


async def play(outdir: Path) -> list[str]:
    """Play every scene; if one breaks, print why and go on. Return the names of those."""
    broken: list[str] = []
    async with _bot() as (bot, people):
        cast = Cast(bot, Camera(bot), people)
        for number, scene in enumerate(SCENES, 1):
            if not await _film(cast, scene, outdir / f"{number}-{scene.__name__}.html"):
                broken.append(scene.__name__)
    return broken


@contextlib.asynccontextmanager
async def _bot() -> AsyncIterator[tuple[Bot, list[Person]]]:
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        async with SlackServer(clock=clock.now, rate_limits=False) as slack:
            slack.deliveries.ack_timeout = PATIENCE_SECONDS + 5
            people = [slack.add_person(name) for name in ("maya", "ben", "nora")]
            people.append(slack.add_person("guest", guest=True))
            slack.add_channel("incidents", members=[slack.bot])
            slack.add_channel("general")
            group = slack.add_group("checkout-oncall", people[1:2])
            bot = Bot(slack, clock, _environ(slack, Path(folder) / "looks.db"))
            bot.change_policy(**policy_of(bot, people, group.id))
            await bot.start()
            try:
                yield bot, people
            finally:
                await bot.stop()


async def count() -> Tally:
    """Play the SEV2, and return its lines as Slack draws them."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        async with SlackServer(clock=clock.now, rate_limits=False) as slack:
            slack.deliveries.ack_timeout = PATIENCE_SECONDS + 5
            slack.add_channel("incidents", members=[slack.bot])
            slack.add_channel("general")
            bot = Bot(slack, clock, _environ(slack, Path(folder) / "looks.db"))
            await bot.start()
            try:
                return await Sev2(bot).play()
            finally:
                await bot.stop()


async def _film(cast: Cast, scene: Scene, drawn: Path) -> bool:
    is_whole = False
    cast.camera.parts.clear()
    try:
        await scene(cast)
        is_whole = True
    except (AssertionError, LookupError, CannotDoError):
        traceback.print_exc()  # the other scenes are still worth seeing
    shots = cast.camera.parts
    for number, start in enumerate(range(0, len(shots), _SHOTS_A_PAGE), 1):
        name = f"{drawn.stem}-{number:02}"
        for look in LOOKS:
            text = page(name, shots[start : start + _SHOTS_A_PAGE], look=look)
            written = drawn.with_name(f"{name}-{look}.html")
            await asyncio.to_thread(written.write_text, text, encoding="utf-8")
    return is_whole


def _environ(slack: SlackServer, database: Path) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "PORT": "0",
        "OPS_PORT": "0",
    }


def _height(browser: str, drawn: Path, *, width: int) -> int:
    """Return how high the page is; its script has written that into the title."""
    window = f"--window-size={width},100"
    page = _run(
        browser, window, "--virtual-time-budget=1000", "--dump-dom", drawn.absolute().as_uri()
    )
    found = re.search(r"<title>(\d+)</title>", page)
    return int(found[1]) if found else _HEIGHT


def _photograph(browser: str, drawn: Path, *, size: tuple[int, int]) -> None:
    shot = f"--screenshot={drawn.with_suffix('.png').absolute()}"
    _run(browser, shot, f"--window-size={size[0]},{size[1]}", drawn.absolute().as_uri())


def _run(browser: str, *arguments: str) -> str:
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *_CHROMIUM, f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, timeout=120)
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    main()
