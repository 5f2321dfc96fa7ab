"""Ask a pager who is on call at an address; it has five seconds, because somebody waits to be called."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from bot.framework.requests import Services
from incidents.escalation.ladder import PagerTold
from incidents.on_call.meant import turns_at
from incidents.paging.port import OnCallPerson, PagerRefused, PagerTemporary
from incidents.policy.policy import Policy
from incidents.policy.references import RotationRef

ASK_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def ask_pager(
    services: Services, policy: Policy, address: str
) -> tuple[Sequence[OnCallPerson], str]:
    """Return who is on call at the address, first level first, and why nobody is known."""
    key, _, name = address.partition("/")
    config, pager = policy.find_pager(key), services.pagers.find(policy, key)
    if config is None or pager is None:
        return (), f"{key} isn't configured"
    if not pager.can_tell_on_call:
        return (), f"{config.shown_name} can't tell who is on call"
    try:
        async with asyncio.timeout(ASK_SECONDS):
            found = await pager.on_call(name)
    except TimeoutError:
        return (), f"{config.shown_name} didn't answer within {ASK_SECONDS:g} seconds"
    except (PagerTemporary, PagerRefused) as error:
        log.warning("on_call_not_told", pager=key, error=error.error)
        return (), error.error
    return found, "" if found else f"{config.shown_name} names nobody"


async def who_is_on_call_there(services: Services, address: str) -> PagerTold:
    """Return the first person on call there who has an e-mail address, as a ladder keeps it."""
    people, error = await ask_pager(services, services.policy, address)
    known = [one.email for one in people if one.email]
    if people and not known:
        error = f"it gives no e-mail address for {people[0].name}"
    return PagerTold(address=address, emails=tuple(known[:1]), error=error)


async def fallback_names(services: Services) -> tuple[str, ...]:
    """Return the names behind the policy's fallback that may have to be looked up."""
    ref = services.policy.on_call.fallback
    if not isinstance(ref, RotationRef):
        return () if ref is None else (str(ref),)
    async with services.database.reading() as session:
        turns = await turns_at(
            session,
            services.clock.now(),
            policy=services.policy,
            workspace_id=services.workspace.id,
        )
    shift = turns.find_shift(ref.key)
    return () if shift is None else (shift.who,)
