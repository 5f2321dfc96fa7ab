"""Who is absent, as the policy says."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Person, own_address
from incidents.core.times import zone_of
from incidents.policy.policy import Policy
from incidents.policy.references import PersonRef


async def absent_until(
    session: AsyncSession, person: Person, *, policy: Policy, now: datetime
) -> date | None:
    """Return the last day for which the policy marks the person as absent today, in their own zone."""
    today = now.astimezone(zone_of(person.zone)).date()
    address = await own_address(session, person) if policy.escalation.absent else None
    days = (
        absent.until
        for absent in policy.escalation.absent
        if absent.since <= today <= absent.until and is_meant(absent.who, person, address)
    )
    return max(days, default=None)


def is_meant(ref: PersonRef, person: Person, address: str | None) -> bool:
    """Tell whether a reference means this person, whose own address is given."""
    if ref.user_id:
        return ref.user_id == person.external_id
    return address is not None and (ref.email or "").casefold() == address.casefold()
