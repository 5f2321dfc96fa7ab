"""Whether the database can be used now, asked for `/readyz`."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bot.framework.requests import Services
from incidents.storage.availability import SILENT, passes_soon, why_unusable
from migrations.columns import missing_columns

ANSWER_WITHIN_SECONDS = 2.0

T = TypeVar("T")


async def database_faults(services: Services) -> dict[str, str]:
    """Return what is wrong with the database and its schema, by check; {} if nothing is.

    Asking may work while using fails (a full disk, a damaged page), so what others met counts too.
    """
    try:
        missing = await _answer(missing_columns(services.database))
    except (SQLAlchemyError, OSError) as error:
        services.watch.failed(error)
        why = why_unusable(error) or SILENT
        return {"database": why, "schema": why}
    faults = {"schema": _lacking(missing)} if missing else {}
    why_others = services.watch.why
    if why_others is not None and not passes_soon(why_others):
        faults["database"] = why_others
    return faults


async def _answer(question: Coroutine[Any, Any, T]) -> T:
    """Return the answer. Raises: TimeoutError; undoing the question may take longer than that."""
    asking = asyncio.ensure_future(question)
    await asyncio.wait({asking}, timeout=ANSWER_WITHIN_SECONDS)
    if not asking.done():
        asking.cancel()
        asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        raise TimeoutError
    return asking.result()


def _lacking(missing: tuple[str, ...]) -> str:
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004
    return f"the database lacks {', '.join(missing[:3])}{more}"
