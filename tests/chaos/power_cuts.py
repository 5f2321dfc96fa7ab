"""Cut the power at random moments: rebuild the disk from what was synced, and start on it."""

import random
import shutil
import subprocess
from pathlib import Path

from tests.chaos.disk import Disk, Record, read_records
from tests.chaos.scene import Conditions, Scene, at_work
from tests.chaos.verdict import Verdict, judge

PEOPLE = 4
MOMENTS_PER_LIFE = 10  # further moments of each life, whose disk is only read
_RECORDER = Path(__file__).with_name("recorder.c")


def build_recorder(folder: Path) -> Path:
    """Compile the recorder. Raises: FileNotFoundError without a C compiler."""
    library = folder / "recorder.so"
    if shutil.which("cc") is None:
        raise FileNotFoundError("power cuts need a C compiler, called cc")
    given = ("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_RECORDER), "-ldl")
    subprocess.run(given, check=True)
    return library


async def cut_power(template: Path, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Cut the power again and again while people work; the last start completes what was left."""
    library, disk = build_recorder(folder), folder / "disk"
    disk.mkdir()
    shutil.copy(template, disk / "sitrep.db")
    url = f"sqlite+aiosqlite:///{disk}/sitrep.db"
    async with at_work(url, folder, seed=seed, under=Conditions(people=PEOPLE)) as scene:
        for case in range(cases):
            before, log = _files(disk), folder / f"disk-{case}.log"
            process = await scene.start(
                {
                    "LD_PRELOAD": str(library),
                    "RECORD_FOLDER": str(disk),
                    "RECORD_LOG": str(log),
                }
            )
            await scene.work(most=20, longest=4)
            await scene.kill(process)
            records = read_records(log)
            log.unlink()
            await _look_at_other_moments(scene, before, records, folder)
            _lay(disk, _after(before, records, scene.chance))
    return scene.verdict


async def _look_at_other_moments(
    scene: Scene, before: dict[str, bytes], records: list[Record], folder: Path
) -> None:
    """Rebuild the disk as of other moments of this life, and read the record there."""
    place = folder / "moment"
    for _ in range(min(MOMENTS_PER_LIFE, len(records))):
        end_at = scene.chance.randrange(1, len(records) + 1)
        place.mkdir()
        found = _after(before, records[:end_at], scene.chance)
        _lay(place, {str(place / Path(path).name): found[path] for path in found})
        promised_by = records[end_at].at if end_at < len(records) else None
        url = f"sqlite+aiosqlite:///{place}/sitrep.db"
        scene.verdict.add(await judge(scene.crew, url, in_slack=False, promised_by=promised_by))
        shutil.rmtree(place)


def _after(
    before: dict[str, bytes], records: list[Record], chance: random.Random
) -> dict[str, bytes]:
    disk = Disk(before)
    disk.play(records)
    return disk.after_power_cut(chance)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")
    }


def _lay(folder: Path, files: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        Path(name).write_bytes(content)
