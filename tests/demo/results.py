"""What the demo leaves behind, and the check that nothing is missing or wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.app import Sitrep
from incidents.engine import outbox
from incidents.engine.outbox import EffectStatus
from incidents.exports.offline import verify_export
from tests.scenario.conftest import Bot
from tests.slack_server import SlackServer, UploadedFile


def keep_files(slack: SlackServer, folder: Path) -> dict[str, Path]:
    """Write the bot's uploads into the folder under short names; the latest of each wins."""
    folder.mkdir(exist_ok=True)
    kept: dict[str, Path] = {}
    for file in slack.files:
        name = _short_name(file)
        kept[name] = folder / name
        kept[name].write_bytes(file.content)
    return kept


def _short_name(file: UploadedFile) -> str:
    kind = "postmortem" if "postmortem" in file.name else "timeline"
    drill = "drill-" if file.name.startswith("drill-") else ""
    return f"{drill}{kind}{Path(file.name).suffix}"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a story leaves behind: files, and kinds of entries on the exported timeline."""

    files: tuple[str, ...]
    entries: tuple[str, ...] = ()


async def problems(bot: Bot, kept: dict[str, Path], expected: Expected) -> list[str]:
    """Return what is wrong, one sentence each."""
    found = [f"Slack would have refused: {text}" for text in bot.slack.violations]
    found += [f"{name} was not uploaded" for name in expected.files if name not in kept]
    found += await _undelivered(bot.app)
    found += [f"the record of {where} is wrong: {what}" for where, _, what in await bot.flaws()]
    if "timeline.json" in kept:
        found += _record_flaws(kept["timeline.json"].read_bytes(), expected)
    return found


async def _undelivered(app: Sitrep) -> list[str]:
    statuses = (EffectStatus.DEAD, EffectStatus.BLOCKED, EffectStatus.PENDING, EffectStatus.CLAIMED)
    async with app.services.database.reading() as session:
        counts = await outbox.count_by_status(
            session, workspace_id=app.services.workspace.id, statuses=statuses
        )
    return [f"{count} effects are {status}" for status, count in counts.items() if count]


def _record_flaws(data: bytes, expected: Expected) -> Iterator[str]:
    for flaw in verify_export(data):
        yield f"the record's chain is broken: {flaw.problem} at entry {flaw.sequence}"
    kinds = {entry["kind"] for entry in json.loads(data)["entries"]}
    for kind in expected.entries:
        if kind not in kinds:
            yield f"no entry of kind {kind} on the timeline"


def entries_of(path: Path) -> int:
    """Return how many entries an exported timeline has."""
    return len(json.loads(path.read_bytes())["entries"])


def first_lines(path: Path, most: int) -> list[str]:
    """Return a document's title, and the first lines of its text, without the table of facts."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    start = next((at for at, line in enumerate(lines) if line.startswith("## ")), 1)
    return [lines[0], *lines[start : start + most]]
