"""Whether the database can be used now, asked for `/readyz`."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from bot.framework.requests import Services
from incidents.storage.availability import SILENT, passes_soon, why_unusable
from migrations.columns import missing_columns

ANSWER_WITHIN_SECONDS = 2.0


async def database_faults(services: Services) -> dict[str, str]:
    """Return what is wrong with the database and its schema, by check; {} if nothing is.

    Asking may work while using fails (a full disk, a damaged page), so what others met counts too.
    """
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            missing = await missing_columns(services.database)
    except (SQLAlchemyError, OSError) as error:
        services.watch.failed(error)
        why = why_unusable(error) or SILENT
        return {"database": why, "schema": why}
    faults = {"schema": _lacking(missing)} if missing else {}
    why_others = services.watch.why
    if why_others is not None and not passes_soon(why_others):
        faults["database"] = why_others
    return faults


def _lacking(missing: tuple[str, ...]) -> str:
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004
    return f"the database lacks {', '.join(missing[:3])}{more}"
