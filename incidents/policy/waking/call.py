"""The policy's section on who hears of an incident: called, invited, told, asked to take command."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from incidents.policy.disagreements import Disagreement
from incidents.policy.escalation import Callee
from incidents.policy.references import SERVICE, SEVERITY, Address, Invitee, OnCaller, PersonRef
from incidents.policy.schema import within
from incidents.policy.waking.rotations import Rotation


class By(StrEnum):
    """How loud a call is."""

    PAGE = "page"  # by pagers where there are any, and in Slack
    MESSAGE = "message"  # in Slack alone


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRule:
    """Who hears of incidents of this severity or worse, in these services; all that fit apply.

    Without `severity` it is each, without `services` every incident. `call`: called when it is
    declared or raised to this. `acknowledgements`: how many have to say so before the ladder
    pauses. `backup`: called when nobody takes command; of several rules, the first that names one.
    """

    severity: Annotated[str, SEVERITY] | None = None
    services: tuple[Annotated[str, SERVICE], ...] = ()
    call: tuple[Callee, ...] = ()
    by: By = By.PAGE
    acknowledgements: Annotated[int, within(1, 9, "1")] = 1
    invite: tuple[Invitee, ...] = ()
    tell: tuple[Invitee, ...] = ()
    backup: PersonRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallPolicy:
    """Who is on call: the rotations, and who is called where nothing else says it.

    `fallback`: where a service has nobody on call, an incident names no service, or a pager doesn't
    tell.
    """

    fallback: OnCaller | None = None
    # Asked to take command when an incident is declared.
    commander: OnCaller | None = None
    rotations: tuple[Rotation, ...] = ()

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a commander that only a pager knows: nobody waits for it while declaring."""
        if isinstance(self.commander, Address):
            what = "has to be a person, a group or a rotation: no pager is asked who commands"
            yield Disagreement(("commander",), what, "rotation/commanders")

    def find_rotation(self, key: str) -> Rotation | None:
        """Return the rotation with this key, in any letter case, if the policy has it."""
        wanted = key.casefold()
        return next((one for one in self.rotations if one.key == wanted), None)
