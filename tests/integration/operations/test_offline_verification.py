"""Exports and anchors, checked without the database as an auditor does."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from incidents.people.assignable import Named
from incidents.rights.stages import Stage
from incidents.supervision.stage_changes import StageChange, change_stage
from tests.program import environment, run
from tests.supervision import managed
from tests.world import World

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
PUBLIC_KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"


async def _exported(world: World, url: str, folder: Path, *command: str, **environ: str) -> Path:
    """Export as JSON to the folder, and return the file."""
    given = environment(DATABASE_URL=url, **environ)
    arguments = (*command, "--format", "json", "--output", str(folder))
    code, output = await run(*arguments, environ=given, folder=folder)
    assert code == 0, output
    return Path(output.split("Written to ")[1])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", [("export", "INC-1"), ("audit",)])
async def test_an_export_is_checked_offline_by_its_public_key(
    world: World, database_url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    await _set_stages(world)
    file = await _exported(world, database_url, tmp_path, *command, SITREP_SIGNING_KEY=KEY)
    # Without settings and without a database, as an auditor has it.
    nothing = environment(SITREP_POLICY=str(tmp_path / "none.yaml"))
    code, output = await run("verify", str(file), environ=nothing, folder=tmp_path)
    assert code == 0, output
    assert "entries are as they were recorded" in output
    assert f"signed with the key {PUBLIC_KEY}: is that yours?" in output
    arguments = ("verify", str(file), "--key", PUBLIC_KEY)
    code, output = await run(*arguments, environ=nothing, folder=tmp_path)
    assert (code, "It is signed with that key." in output) == (0, True)
    arguments = ("verify", str(file), "--key", "A" * 43)
    code, output = await run(*arguments, environ=nothing, folder=tmp_path)
    assert (code, "signed by another key" in output) == (1, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_export_without_a_signature_says_so_and_a_changed_one_is_noticed(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    file = await _exported(world, database_url, tmp_path, "export", "INC-1")
    code, output = await run("verify", str(file), environ=environment(), folder=tmp_path)
    assert (code, "It isn't signed" in output) == (0, True)
    arguments = ("verify", str(file), "--key", PUBLIC_KEY)
    code, output = await run(*arguments, environ=environment(), folder=tmp_path)
    assert (code, "signed by nobody" in output) == (1, True)

    def change() -> None:
        file.write_text(
            file.read_text().replace('"title": "Checkout errors"', '"title": "Nothing"')
        )

    await asyncio.to_thread(change)
    code, output = await run("verify", str(file), environ=environment(), folder=tmp_path)
    assert code == 1
    assert "this is not as it was recorded" in output


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "can't be read as an export: it is cut off, or another file"),
        ("# INC-1", "can't be read as an export"),
        ("[1, 2]", "can't be read as an export"),
        ('{"format": "sitrep.timeline/1", "entries": [', "can't be read as an export"),
        ('{"format": "sitrep.timeline/9"}', "doesn't know this format"),
    ],
)
async def test_what_is_no_export_is_said_without_a_crash(
    tmp_path: Path, content: str, expected: str
) -> None:
    file = tmp_path / "inc-1.json"
    await asyncio.to_thread(file.write_text, content)
    code, output = await run("verify", str(file), environ=environment(), folder=tmp_path)
    assert (code, expected in output, "Traceback" in output) == (1, True, False), output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_anchor_is_compared_with_the_database_and_with_a_file(
    world: World, database_url: str, tmp_path: Path
) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    (entry,) = await world.entries(incident_id)
    file = await _exported(world, database_url, tmp_path, "export", "INC-1")
    environ = environment(DATABASE_URL=database_url)
    for what in ("INC-1", str(file)):
        right, wrong = f"1:{entry.entry_hash[:32]}", f"1:{'0' * 32}"
        arguments = ("verify", what, "--anchor", right)
        code, output = await run(*arguments, environ=environ, folder=tmp_path)
        assert code == 0, output
        for anchor in (wrong, f"7:{entry.entry_hash}"):
            arguments = ("verify", what, "--anchor", anchor)
            code, output = await run(*arguments, environ=environ, folder=tmp_path)
            assert (code, "has no entry with that number" in output) == (1, True)
    code, output = await run("verify", "--anchor", "1:abc", environ=environ, folder=tmp_path)
    assert (code, "at least 32 characters" in output) == (1, True)


async def test_a_key_is_made_and_its_public_half_is_shown(tmp_path: Path) -> None:
    code, output = await run("signing-key", "--new", environ=environment(), folder=tmp_path)
    secret = output.split("SITREP_SIGNING_KEY=")[1].split()[0]
    assert code == 0
    environ = environment(SITREP_SIGNING_KEY=secret)
    code, shown = await run("signing-key", environ=environ, folder=tmp_path)
    assert (code, shown) == (0, output.splitlines()[-1])
    code, output = await run("signing-key", environ=environment(), folder=tmp_path)
    assert (code, "There is no key yet" in output) == (1, True)
    environ = environment(SITREP_SIGNING_KEY="not a key of ours")
    code, output = await run("signing-key", environ=environ, folder=tmp_path)
    assert (code, "SITREP_SIGNING_KEY isn't an Ed25519 key" in output) == (2, True)
    assert "not a key of ours" not in output


async def _set_stages(world: World) -> None:
    ana, jo = await world.person("ana"), await world.person("jo")
    managed(world)
    for stage in (Stage.OBSERVE, Stage.ASSIST):
        change = StageChange(person=Named(jo.external_id or ""), stage=stage, note="Keen eye.")
        await world.run(partial(change_stage, change=change), by=ana)
