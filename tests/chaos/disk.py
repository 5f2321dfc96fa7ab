"""A disk after a power cut: what was synced is there, the rest perhaps, and sectors may be torn."""

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

SECTOR = 512
HAPPENED, TORN = 0.6, 0.5  # shares of what wasn't synced
_HEAD = struct.Struct("=cqqII")


class Op(StrEnum):
    """What the recorder logs."""

    WRITE = "W"
    TRUNCATE = "T"
    SYNC = "S"
    CREATE = "C"
    UNLINK = "U"


@dataclass(frozen=True, slots=True)
class Record:
    """One operation; `at` in monotonic seconds, `offset` in bytes (a truncate's size)."""

    op: Op
    at: float
    path: str
    offset: int
    data: bytes


@dataclass(slots=True)
class _File:
    """Content and name are synced apart: a file's by itself, a name with its folder."""

    content: bytearray
    is_named: bool
    unsynced: list[Record] = field(default_factory=list)
    unsynced_names: list[bool] = field(default_factory=list)


def read_records(log: Path) -> list[Record]:
    """Read a recorder's log; a last record that the kill cut short is left out."""
    return list(_parse(log.read_bytes()))


def _parse(raw: bytes) -> Iterator[Record]:
    start = 0
    while start + _HEAD.size <= len(raw):
        op, at, offset, path_length, data_length = _HEAD.unpack_from(raw, start)
        path_start = start + _HEAD.size
        data_start = path_start + path_length
        start = data_start + data_length
        if start > len(raw):
            return
        path = raw[path_start:data_start].decode()
        yield Record(Op(op.decode()), at / 1e9, path, offset, raw[data_start:start])


class Disk:
    """The files of one folder as a disk keeps them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {
            path: _File(bytearray(content), is_named=True) for path, content in files.items()
        }

    def play(self, records: Sequence[Record]) -> None:
        """Carry out these operations."""
        for record in records:
            if record.op is Op.SYNC and record.path not in self._files:
                self._sync_names()
                continue
            file = self._files.setdefault(record.path, _File(bytearray(), is_named=False))
            match record.op:
                case Op.SYNC:
                    for earlier in file.unsynced:
                        _apply(earlier, file.content, None)
                    file.unsynced.clear()
                case Op.CREATE | Op.UNLINK:
                    file.unsynced_names.append(record.op is Op.CREATE)
                    file.unsynced.append(replace(record, op=Op.TRUNCATE, offset=0))
                case _:
                    file.unsynced.append(record)

    def after_power_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return the files after a power cut: what wasn't synced happened, or not, or half."""
        left = {}
        for path, file in self._files.items():
            if not chance.choice([file.is_named, *file.unsynced_names]):
                continue
            content = bytearray(file.content)
            for record in file.unsynced:
                if chance.random() < HAPPENED:
                    _apply(record, content, chance)
            left[path] = bytes(content)
        return left

    def _sync_names(self) -> None:
        for file in self._files.values():
            if file.unsynced_names:
                file.is_named = file.unsynced_names[-1]
                file.unsynced_names.clear()


def _apply(record: Record, content: bytearray, chance: random.Random | None) -> None:
    if record.op is Op.TRUNCATE:
        del content[record.offset :]
        content.extend(b"\0" * (record.offset - len(content)))
        return
    is_torn = chance is not None and chance.random() < TORN
    for start in range(0, len(record.data), SECTOR):
        if chance is not None and is_torn and chance.random() < TORN:
            continue
        piece = record.data[start : start + SECTOR]
        place = record.offset + start
        content.extend(b"\0" * (place - len(content)))
        content[place : place + len(piece)] = piece
