"""The house: rooms import only lower floors, folders stay small, one table plans effects."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pytest

from tests.architecture.sources import Source, calls, imports, parsed, require

# From the ground up: a room imports only rooms on floors below its own.
FLOORS = (
    ("storage",),
    ("core",),
    ("policy",),
    ("incident",),
    ("rights",),
    ("engine",),
    ("record", "scenarios", "browse"),
    ("people", "paging"),
    ("on_call",),
    ("exports", "escalation", "postmortem", "checkins"),
    ("proposals", "roles", "guidance", "calling"),
    ("lifecycle", "learning"),
    ("updates", "channel", "drills", "supervision"),
    ("handover",),
    ("registry",),
)
FULL_FOLDER, SAME_WORD = 16, 2

_FLOOR: Mapping[str, int] = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def upward_imports(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find imports of a room that isn't on a floor below."""
    for source in sources:
        if not source.is_in("incidents/") or source.path.count("/") < 2:
            continue
        room = source.path.split("/")[1]
        if room not in _FLOOR:
            yield f"{source.path} is in a room without a floor"
            continue
        for node, name in imports(source):
            parts = name.split(".")
            if parts[0] != "incidents" or len(parts) < 3 or parts[1] == room:
                continue
            if _is_for_types(source, node) or _FLOOR.get(parts[1], len(FLOORS)) < _FLOOR[room]:
                continue
            yield f"{source.at(node)} {room} imports {parts[1]}"


def _is_for_types(source: Source, node: ast.AST) -> bool:
    return any(
        node in ast.walk(block)
        for block in source.tree.body
        if isinstance(block, ast.If)
        and isinstance(block.test, ast.Name)
        and block.test.id == "TYPE_CHECKING"
    )


def crowded_folders(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find folders with too many files, or too many that begin with the same word."""
    folders: dict[PurePosixPath, list[str]] = {}
    for source in sources:
        path = PurePosixPath(source.path)
        folders.setdefault(path.parent, []).append(path.stem)
    for folder, names in folders.items():
        if len(names) > FULL_FOLDER:
            yield f"{folder}/ holds {len(names)} files"
        words = Counter(
            name.split("_")[0] for name in names if not name.startswith(("test_", "__"))
        )
        for word, count in words.items():
            if count > SAME_WORD:
                yield f"{folder}/ holds {count} files that begin with {word}"


def unplanned_work(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find effects and reminders stored outside the engine."""
    for source in sources:
        if source.is_in("incidents/engine/", "tests/"):
            continue
        for call, name in calls(source):
            if name.endswith((".add_effects", "outbox.add", "apply_changes")):
                yield f"{source.at(call)} {name}(…)"


def test_only_reactions_plan_effects_and_reminders(program: tuple[Source, ...]) -> None:
    require(
        unplanned_work(program),
        rule="Effects and reminders follow from entries and events, by reactions.",
        instead="record an entry or emit an event, and add its line to registry/reactions.py.",
    )


def test_an_effect_planned_by_hand_is_found() -> None:
    text = "async def f(uow): await uow.add_effects([x])"
    assert list(unplanned_work((parsed("incidents/roles/assign.py", text),)))
    assert not list(unplanned_work((parsed("incidents/engine/unit_of_work.py", text),)))


def test_a_room_imports_only_rooms_below(program: tuple[Source, ...]) -> None:
    require(
        upward_imports(program),
        rule="A room of incidents/ imports only rooms on floors below its own.",
        instead="move what both need down, or pass it in through engine/rules.py.",
    )


def test_no_folder_is_crowded(program: tuple[Source, ...], tests: tuple[Source, ...]) -> None:
    require(
        crowded_folders(program + tests),
        rule=f"A folder holds at most {FULL_FOLDER} files, {SAME_WORD} that begin alike.",
        instead="group what belongs together, and name files for what is in them.",
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("incidents/core/ids.py", "from incidents.engine.outbox import add"),
        ("incidents/roles/tables.py", "def f():\n    from incidents.guidance import tables"),
        ("incidents/attic/tables.py", "import uuid"),
    ],
)
def test_an_import_upward_or_a_room_without_a_floor_is_found(path: str, text: str) -> None:
    assert list(upward_imports((parsed(path, text),)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("incidents/roles/tables.py", "from incidents.core.ids import new_id"),
        ("incidents/roles/assign.py", "from incidents.roles.tables import Role"),
        ("incidents/core/a.py", "if TYPE_CHECKING:\n    from incidents.engine import outbox"),
        ("bot/app.py", "from incidents.registry.rules import RULES"),
    ],
)
def test_an_import_downward_is_left_alone(path: str, text: str) -> None:
    assert not list(upward_imports((parsed(path, text),)))


def test_a_crowded_folder_is_found() -> None:
    many = tuple(parsed(f"bot/{chr(97 + number)}.py", "") for number in range(FULL_FOLDER + 1))
    alike = tuple(parsed(f"bot/role_{number}.py", "") for number in range(SAME_WORD + 1))
    assert len(list(crowded_folders(many))) == 1
    assert len(list(crowded_folders(alike))) == 1
    assert not list(crowded_folders(many[:FULL_FOLDER]))
