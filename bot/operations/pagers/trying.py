"""`sitrep pager test`: a test page to each address of a person, without Slack; nothing is recorded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from bot.integrations.pagers import Pagers
    from bot.operations.commands.configuration import Configuration
    from incidents.core.clock import Clock
    from incidents.policy.policy import Policy
    from incidents.policy.references import Address

# How often, and for how long, a pager that can't be reached is tried.
_EVERY: Final = timedelta(seconds=5)
_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a pager said to a test page; `problem` is "" if it took it."""

    address: "Address"
    seconds: float
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"!! {self.address}: not accepted ({self.problem})"
        return f"ok {self.address}: accepted after {self.seconds:.1f} s"


def try_person(
    who: Annotated[str, typer.Argument(metavar="EMAIL", help="As `people` in the policy has it.")],
) -> None:
    """Send a test page to each address by which the policy reaches a person.

    It waits up to a minute for the pagers to take it. Whether an acknowledgement comes back is
    tested in Slack: /incident pager test
    """
    from bot.operations.identity import StartRefused  # noqa: PLC0415

    configuration = load_configuration()
    policy = configuration.loaded.policy
    reach = next((one.reach for one in policy.people if str(one.who).lower() == who.lower()), ())
    if not reach:
        known = ", ".join(str(one.who) for one in policy.people) or "nobody"
        fail(f"The policy has no pager address for {who}. `people` names {known}.")
    typer.echo(f"Paging {who}. This wakes them.")
    try:
        tried = asyncio.run(_try_all(configuration, reach))
    except StartRefused as error:
        fail(str(error))
    for one in tried:
        typer.echo(str(one))
    if any(not one.problem for one in tried):
        typer.echo(
            "\nClose the test page in the pager, or it calls the next person there. Whether an "
            "acknowledgement comes back, test in Slack: /incident pager test"
        )
    if any(one.problem for one in tried):
        raise typer.Exit(1)


async def _try_all(configuration: "Configuration", reach: Sequence["Address"]) -> Sequence[_Tried]:
    from bot.integrations.opening import open_pagers  # noqa: PLC0415
    from incidents.core.clock import SystemClock  # noqa: PLC0415

    clock, policy = SystemClock(), configuration.loaded.policy
    async with open_pagers(configuration.settings, clock) as pagers:
        return await asyncio.gather(*(_try(pagers, policy, one, clock) for one in reach))


async def _try(pagers: "Pagers", policy: "Policy", address: "Address", clock: "Clock") -> _Tried:
    """Page an address until the pager takes it, refuses it, or a minute is over."""
    from bot.features.paging.trials import trial_page  # noqa: PLC0415
    from incidents.core.ids import new_id  # noqa: PLC0415
    from incidents.paging.port import PagerRefused, PagerTemporary  # noqa: PLC0415

    pager = pagers.find(policy, address.pager)
    if pager is None:
        return _Tried(address, 0.0, f"the policy has no pager {address.pager}")
    page = trial_page(
        key=str(new_id()),
        address=address.name,
        title="from Sitrep's command line: nothing to do",
        severity_key=policy.severities[0].key,
        email=address.name if "@" in address.name else "",
    )
    began = clock.monotonic()
    while True:
        try:
            await pager.trigger(page)
        except PagerRefused as refusal:
            return _Tried(address, 0.0, refusal.error)
        except PagerTemporary as failure:
            if clock.monotonic() - began >= _SECONDS:
                return _Tried(address, 0.0, failure.error)
            await clock.sleep(_EVERY)
        else:
            return _Tried(address, clock.monotonic() - began)
