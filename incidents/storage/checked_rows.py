"""Reads rows one by one for verification: a malformed row becomes a finding, not a failure."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    select,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType

from incidents.storage.database import Base, UtcDateTime

EntityT = TypeVar("EntityT", bound=Base)


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that holds what its class can't hold; `position` is where it stood in the order."""

    position: int
    column: str


async def read_rows(
    session: AsyncSession, entity: type[EntityT], *conditions: ColumnElement[bool], order_by: Any
) -> list[EntityT | UnreadableRow]:
    """Return the rows as detached objects; SQLite stores anything in any column, so look first."""
    table = cast("Table", entity.__table__)
    dialect = session.get_bind().dialect
    read = [_reader(column, dialect) for column in table.columns]
    query = select(*(_raw(column, dialect) for column in table.columns))
    order = order_by if isinstance(order_by, tuple) else (order_by,)
    rows = (await session.execute(query.where(*conditions).order_by(*order))).all()
    return [
        _made(entity, dict(zip(table.columns.keys(), row, strict=True)), read, position)
        for position, row in enumerate(rows, start=1)
    ]


_Reader = Callable[[Any], Any]


def _made(
    entity: type[EntityT], raw: Mapping[str, Any], readers: list[_Reader], position: int
) -> EntityT | UnreadableRow:
    values: dict[str, Any] = {}
    for (name, value), read in zip(raw.items(), readers, strict=True):
        try:
            values[name] = read(value)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError, AttributeError):
            return UnreadableRow(position, name)
    return entity(**values)


def _raw(column: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    """Select the stored value itself; on SQLite as bytes, since the text may be no UTF-8."""
    if dialect.name == "sqlite" and not isinstance(column.type, Integer | Boolean):
        return type_coerce(sql_cast(column, LargeBinary), NullType()).label(column.key)
    return type_coerce(column, NullType()).label(column.key)


def _reader(column: Column[Any], dialect: Dialect) -> _Reader:
    """Return what makes a value of the column's type; it raises what `_made` expects."""
    convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
    wanted = next((kept for kind, kept in _TYPES.items() if isinstance(column.type, kind)), object)

    def read(value: Any) -> Any:
        if value is None and column.nullable:
            return None
        stored = value.decode() if isinstance(value, bytes) else value
        made = convert(stored) if convert is not None else stored
        if not isinstance(made, wanted):
            raise TypeError(column.key)
        return made

    return read


_TYPES: Final[Mapping[type[Any], type[Any]]] = MappingProxyType(
    {Uuid: uuid.UUID, Integer: int, Boolean: bool, UtcDateTime: datetime, Date: date, String: str}
)
