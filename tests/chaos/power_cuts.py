"""Cut the power at random moments: rebuild the disk from what was synced, and start on it."""

import asyncio
import random
import shutil
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.chaos.crew import Crew
from tests.chaos.disk import Disk, Record, read_records
from tests.chaos.stand import Bots, a_slack, end, settle
from tests.chaos.verdict import Verdict, judge

PEOPLE = 4
SHORTEST, LONGEST = 0.1, 2.0  # seconds between being ready and the cut
CUTS_PER_LIFE = 10  # further moments of each life, whose disk is only read
_RECORDER = Path(__file__).with_name("recorder.c")


def build_recorder(folder: Path) -> Path:
    """Compile the recorder. Raises: FileNotFoundError without a C compiler."""
    library = folder / "recorder.so"
    if shutil.which("cc") is None:
        raise FileNotFoundError("power cuts need a C compiler, called cc")
    given = ("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_RECORDER), "-ldl")
    subprocess.run(given, check=True)
    return library


async def cut_power(template: Path, folder: Path, *, seed: int, cuts: int) -> Verdict:
    """Cut the power again and again while people work; the last start completes what was left."""
    chance = random.Random(seed)
    library, disk = build_recorder(folder), folder / "disk"
    disk.mkdir()
    shutil.copy(template, disk / "sitrep.db")
    url = f"sqlite+aiosqlite:///{disk}/sitrep.db"
    verdict = Verdict()
    async with a_slack(rate_limits=False) as slack:
        slack.latency = 0.005
        people = [slack.add_person(f"lead{number}") for number in range(PEOPLE)]
        crew = Crew(slack, chance, people, slack.add_person("called"))
        bots = Bots(slack, url, folder)
        work = asyncio.create_task(crew.work(incidents=10_000))
        for cut in range(cuts):
            before = _files(disk)
            log = folder / f"disk-{cut}.log"
            recording = {
                "LD_PRELOAD": str(library),
                "RECORD_FOLDER": str(disk),
                "RECORD_LOG": str(log),
            }
            process = await bots.start(recording)
            await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
            await end(process)
            records = read_records(log)
            verdict.add(await _look_at_other_moments(crew, before, records, folder, chance))
            _lay(disk, _after(before, records, chance))
        process = await bots.start()
        await asyncio.sleep(1)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await settle(slack, url)
        await end(process)
        verdict.add(await judge(crew, url))
    return verdict


async def _look_at_other_moments(
    crew: Crew, before: dict[str, bytes], records: list[Record], folder: Path, chance: random.Random
) -> Verdict:
    """Rebuild the disk as of other moments of this life, and read the record there."""
    verdict, place = Verdict(), folder / "moment"
    for _ in range(min(CUTS_PER_LIFE, len(records))):
        end_at = chance.randrange(1, len(records) + 1)
        place.mkdir(exist_ok=True)
        moved = {
            str(place / Path(path).name): content
            for path, content in _after(before, records[:end_at], chance).items()
        }
        _lay(place, moved)
        promised_by = records[end_at].at if end_at < len(records) else None
        url = f"sqlite+aiosqlite:///{place}/{_name(before)}"
        verdict.add(await judge(crew, url, in_slack=False, promised_by=promised_by))
        shutil.rmtree(place)
    return verdict


def _after(
    before: dict[str, bytes], records: list[Record], chance: random.Random
) -> dict[str, bytes]:
    disk = Disk(before)
    disk.play(records)
    return disk.after_power_cut(chance)


def _name(files: dict[str, bytes]) -> str:
    return next(Path(path).name for path in files if path.endswith(".db"))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.iterdir()
        if not path.name.endswith("-shm")
    }


def _lay(folder: Path, files: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        Path(name).write_bytes(content)
