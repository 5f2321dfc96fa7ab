"""Find out if somebody has just declared the same incident, by comparing titles."""

import functools
import re
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.ids import Reference
from incidents.core.people import Actor
from incidents.incident.incident import ByReference, Incident, find_incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES, IncidentStatus
from incidents.policy.policy import Policy

# Of the open incidents, and of those shown while somebody declares.
_MOST_LOOKED_AT = 200
_MOST_ALIKE = 3
# Similarity of 0 to 100 that two words keep despite a typo or a plural.
_SAME_WORD = 80
# Words that don't tell two titles apart.
_FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "at",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "or",
        "our",
        "the",
        "to",
        "we",
        "with",
    ]
)
_WORD = re.compile(r"\w+")


async def find_similar(
    session: AsyncSession,
    title: str,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    now: datetime,
    policy: Policy,
    is_drill: bool,
    is_private: bool,
) -> Incident | None:
    """Return the most similar open incident of the last minutes that the viewer may see, or None.

    A private declaration never matches a public incident.
    """
    given = {
        "workspace": workspace_id,
        "is_drill": is_drill,
        "since": now - policy.duplicates.window,
    }
    # Load only titles: a storm of declarations has many, and most don't match.
    recent = (await session.execute(_recent_titles(), given)).all()
    if not recent:
        return None
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - 3 MB, wanted only here

    alike = process.extract(
        title,
        {row.number: row.title for row in recent},
        scorer=fuzz.token_sort_ratio,
        processor=str.casefold,
        score_cutoff=100 * policy.duplicates.similarity,
        limit=None,
    )
    for other, _score, number in alike:
        if not say_the_same(title, other):
            continue
        ref = ByReference(Reference(number=number, is_drill=is_drill))
        found = await find_incident(session, ref, workspace_id=workspace_id, viewer=viewer)
        if found is not None and (found.is_private or not is_private):
            return found
    return None


async def find_alike(
    session: AsyncSession,
    *,
    title: str,
    services: Collection[str],
    workspace_id: uuid.UUID,
    viewer: Actor,
    policy: Policy,
) -> Sequence[Incident]:
    """Return the newest open incidents of these services, or with a title like this one.

    At most three, and only those that the viewer may see; drills are left out.
    """
    query = (
        select(Incident)
        .where(
            Incident.workspace_id == workspace_id,
            Incident.is_drill.is_(False),
            Incident.status.in_(OPEN_STATUSES),
            visible_to(viewer),
        )
        .order_by(Incident.declared_at.desc(), Incident.number.desc())
        .limit(_MOST_LOOKED_AT)
    )
    found = (await session.execute(query)).scalars()
    wanted = frozenset(services)
    alike = [
        one
        for one in found
        if not wanted.isdisjoint(one.services) or _looks_like(title, one.title, policy)
    ]
    return alike[:_MOST_ALIKE]


def _looks_like(title: str, other: str, policy: Policy) -> bool:
    if not title.strip():
        return False
    from rapidfuzz import fuzz  # noqa: PLC0415 - as below

    alike = fuzz.token_sort_ratio(title.casefold(), other.casefold())
    return alike >= 100 * policy.duplicates.similarity and say_the_same(title, other)


def say_the_same(one: str, other: str) -> bool:
    """Tell whether two titles can mean the same: no if each has a word that the other lacks.

    `Search API down` and `Payments API down` don't; `checkout eror` and `Checkout errors in EU` do.
    """
    ours, theirs = _words(one), _words(other)
    return not (_own(ours, theirs) and _own(theirs, ours))


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold())) - _FILLERS


def _own(words: frozenset[str], others: frozenset[str]) -> list[str]:
    return [word for word in words - others if not _is_among(word, others)]


def _is_among(word: str, others: frozenset[str]) -> bool:
    from rapidfuzz import fuzz  # noqa: PLC0415 - as above

    # `server1` is not `server2`, however similar they look.
    if any(character.isdigit() for character in word):
        return False
    return any(fuzz.ratio(word, other) >= _SAME_WORD for other in others)


@functools.cache
def _recent_titles() -> Select[Any]:
    """Return the query, built once: it runs while others wait to declare."""
    table = cast("Table", Incident.__table__)
    return (
        select(table.c.number, table.c.title)
        .where(
            table.c.workspace_id == bindparam("workspace"),
            table.c.is_drill == bindparam("is_drill"),
            table.c.declared_at > bindparam("since"),
            table.c.status.not_in(
                [IncidentStatus.RESOLVED, IncidentStatus.CLOSED, IncidentStatus.CANCELLED]
            ),
        )
        .order_by(table.c.declared_at.desc())
        .limit(50)
    )
