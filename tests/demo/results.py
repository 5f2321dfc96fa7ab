"""What the demo leaves behind, and the check that nothing is missing or wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

from bot.app import Sitrep
from incidents.engine import outbox
from incidents.engine.outbox import EffectStatus
from incidents.exports.offline import verify_export
from tests.slack_server import SlackServer, UploadedFile

EXPECTED_ENTRIES = (
    "declared",
    "channel_opened",
    "commander_missing",
    "role_assigned",
    "note",
    "marked",
    "pinned",
    "status_changed",
    "checkin_asked",
    "checkin_understood",
    "checkin_answered",
    "update_reminded",
    "update_posted",
    "severity_changed",
    "handoff_offered",
    "commander_changed",
    "postmortem_drafted",
    "action_item_added",
    "postmortem_published",
)


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


async def problems(app: Sitrep, slack: SlackServer, kept: dict[str, Path]) -> list[str]:
    """Return what is wrong, one sentence each."""
    found = [f"Slack would have refused: {text}" for text in slack.violations]
    wanted = (
        "timeline.md",
        "timeline.csv",
        "timeline.json",
        "postmortem.md",
        "drill-postmortem.md",
    )
    found += [f"{name} was not uploaded" for name in wanted if name not in kept]
    found += await _undelivered(app)
    if "timeline.json" in kept:
        found += _record_flaws(kept["timeline.json"].read_bytes())
    return found


async def _undelivered(app: Sitrep) -> list[str]:
    statuses = (EffectStatus.DEAD, EffectStatus.BLOCKED, EffectStatus.PENDING, EffectStatus.CLAIMED)
    async with app.services.database.reading() as session:
        counts = await outbox.count_by_status(
            session, workspace_id=app.services.workspace.id, statuses=statuses
        )
    return [f"{count} effects are {status}" for status, count in counts.items() if count]


def _record_flaws(data: bytes) -> Iterator[str]:
    for flaw in verify_export(data):
        yield f"the record's chain is broken: {flaw.problem} at entry {flaw.sequence}"
    kinds = {entry["kind"] for entry in json.loads(data)["entries"]}
    for kind in EXPECTED_ENTRIES:
        if kind not in kinds:
            yield f"no entry of kind {kind} on the timeline"


def entries_of(path: Path) -> int:
    """Return how many entries an exported timeline has."""
    return len(json.loads(path.read_bytes())["entries"])
