"""The locks and the image: exact versions, hashes, no addresses, no root."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, require

LOCKS = ("requirements.txt", "requirements-dev.txt")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==\S+( ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def faults_of_lock(text: str) -> Iterator[str]:
    """Find lines of a lock that aren't exact, carry no hash, or say where to download from."""
    for line in text.replace("\\\n", "").splitlines():
        requirement, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        if not requirement or requirement.startswith("#"):
            continue
        if "://" in line or " @ " in line or requirement.startswith("-"):
            yield f"carries an address or option: {requirement}"
        elif not _PINNED.fullmatch(requirement):
            yield f"isn't exact: {requirement}"
        elif not hashes or not all(_HASH.fullmatch(given.strip()) for given in hashes):
            yield f"has no hash: {requirement}"


def pins(text: str) -> set[str]:
    """Return a lock's requirements, name and version, without hashes."""
    return {
        found.group() for line in text.splitlines() if (found := _PINNED.match(line.rstrip(" \\")))
    }


def _pinned_names(text: str) -> set[str]:
    return {pin.partition("==")[0] for pin in pins(text)}


def _named(requirements: list[str]) -> set[str]:
    found = (_NAME.match(requirement.lower()) for requirement in requirements)
    return {match.group() for match in found if match}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_exact_hashed_and_carries_no_address(lock: str) -> None:
    require(
        faults_of_lock((ROOT / lock).read_text(encoding="utf-8")),
        rule=f"{lock} installs the same files everywhere, from any index.",
        instead="run `make lock`.",
    )


def test_the_locks_contain_every_dependency_of_the_project() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    run, development = ((ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS)

    assert _named(project["dependencies"]) <= _pinned_names(run)
    assert _named(project["optional-dependencies"]["dev"]) <= _pinned_names(development)


def test_development_uses_the_shipped_versions() -> None:
    run, development = ((ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS)

    assert pins(run)
    assert pins(run) <= pins(development)


def test_the_image_runs_without_root_and_never_migrates_by_itself() -> None:
    last_stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    instructions = dict(re.findall(r"^([A-Z]+) (.+)$", last_stage, flags=re.MULTILINE))

    assert instructions["USER"] == "10001:10001"
    assert (instructions["ENTRYPOINT"], instructions["CMD"]) == ('["sitrep"]', '["serve"]')
    assert "pip install" not in last_stage


def test_secrets_and_data_stay_out_of_git_and_out_of_the_image() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    offered = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {".env", "data/"} <= set(ignored)
    assert "*" in offered
    assert not any(line.startswith("!.env") or line == "!data/" for line in offered)


_SHA = "0" * 64


@pytest.mark.parametrize(
    "line",
    [
        f"aiohttp>=3 --hash=sha256:{_SHA}",
        "aiohttp==3.0",
        "aiohttp==3.0 --hash=md5:00",
        f"aiohttp @ https://example.com/aiohttp.whl --hash=sha256:{_SHA}",
        "--index-url https://example.com/simple",
        "--find-links ./wheels",
        "-e .",
    ],
)
def test_a_fault_of_a_lock_is_found(line: str) -> None:
    assert list(faults_of_lock(f"attrs==1.0 \\\n    --hash=sha256:{_SHA}\n{line}\n"))


def test_a_correct_lock_has_no_fault() -> None:
    marked = f"attrs==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{_SHA} \\\n"
    text = f"{marked}    --hash=sha256:{_SHA}\n"

    assert not list(faults_of_lock(text))
    assert pins(text) == {"attrs==1.0 ; sys_platform == 'win32'"}
