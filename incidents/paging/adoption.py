"""A page that came first: an incident declared from it adopts it instead of paging a second time."""

import re
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.incident.entries import Declared
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry

# The address of an incident in PagerDuty, as its messages and pages show it.
_PAGERDUTY: Final = re.compile(
    r"https://[a-z0-9-]+\.(?:eu\.)?pagerduty\.(?:com|eu)/incidents/([A-Z0-9]{6,20})", re.IGNORECASE
)


def find_page_link(text: str) -> str:
    """Return the first address of a PagerDuty incident in a text, or ""."""
    found = _PAGERDUTY.search(text)
    return found[0] if found else ""


def remote_id_in(link: str) -> str:
    """Return PagerDuty's id of the incident at this address, or ""."""
    found = _PAGERDUTY.match(link)
    return found[1] if found else ""


async def page_link_of(session: AsyncSession, incident: Incident) -> str:
    """Return the address of the PagerDuty incident that this one was declared from, or ""."""
    query = select(TimelineEntry.content).where(
        TimelineEntry.incident_id == incident.id, TimelineEntry.kind == Declared.kind
    )
    declared = Declared.read((await session.execute(query)).scalars().first())
    if declared is None:
        return ""
    said = (declared.page_link, declared.title, declared.summary, declared.impact)
    return next((link for text in said if (link := find_page_link(text))), "")
