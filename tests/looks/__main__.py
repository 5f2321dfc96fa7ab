"""Play the story against the real bot, draw it and write down all texts.

`python -m tests.looks OUTDIR`; with `--texts` only the texts, which takes a second.
"""

import argparse
import asyncio
import shutil
import subprocess
import tempfile
import traceback
from pathlib import Path

from tests.clock import ManualClock
from tests.looks.camera import Camera
from tests.looks.page import page
from tests.looks.story import SCENES, Cast, Scene, policy_of
from tests.looks.texts import all_texts
from tests.scenario.conftest import PATIENCE_SECONDS, Bot
from tests.slack_server import CannotDoError, SlackServer

_SHOTS_A_PAGE = 9
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
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--texts", action="store_true", help="only write texts.txt")
    given = parser.parse_args()
    outdir: Path = given.outdir
    outdir.mkdir(parents=True, exist_ok=True)
    (outdir / "texts.txt").write_text(all_texts(), encoding="utf-8")
    if given.texts:
        return
    asyncio.run(play(outdir))
    if browser := shutil.which("chromium"):
        for drawn in sorted(outdir.glob("*.html")):
            _photograph(browser, drawn)


async def play(outdir: Path) -> None:
    """Play every scene; if one breaks, print why and go on."""
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
                cast = Cast(bot, Camera(bot), people)
                for number, scene in enumerate(SCENES, 1):
                    await _film(cast, scene, outdir / f"{number}-{scene.__name__}.html")
            finally:
                await bot.stop()


async def _film(cast: Cast, scene: Scene, drawn: Path) -> None:
    cast.camera.parts.clear()
    try:
        await scene(cast)
    except (AssertionError, LookupError, CannotDoError):
        traceback.print_exc()  # the other scenes are still worth seeing
    shots = cast.camera.parts
    for number, start in enumerate(range(0, len(shots), _SHOTS_A_PAGE), 1):
        name = f"{drawn.stem}-{number:02}"
        text = page(name, shots[start : start + _SHOTS_A_PAGE])
        written = drawn.with_name(f"{name}.html")
        await asyncio.to_thread(written.write_text, text, encoding="utf-8")


def _environ(slack: SlackServer, database: Path) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "PORT": "0",
        "OPS_PORT": "0",
    }


def _photograph(browser: str, drawn: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        picture = drawn.with_suffix(".png").absolute()
        size = "--window-size=1400,1500"
        where = (f"--user-data-dir={profile}", f"--screenshot={picture}", size)
        command = [browser, *_CHROMIUM, *where, drawn.absolute().as_uri()]
        subprocess.run(command, check=False, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
