"""What acts without a person: each system is listed here with what it may see and do.

People's rights are in the policy. An actor that is neither a person nor a listed system may do
nothing. A new system, such as a token, gets its own line, and sees private incidents only if that
line says so.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Sight(Enum):
    """Which incidents a system sees."""

    NOTHING = auto()
    PUBLIC = auto()
    ALSO_PRIVATE = auto()


@dataclass(frozen=True, slots=True)
class System:
    """A system with its rights; `may` holds keys of the policy's actions."""

    name: str
    sees: Sight = Sight.NOTHING
    may: frozenset[str] = frozenset()


# Runs the incidents: timers, effects, Slack's events, people who leave. A proposal without an answer
# escalates, and the escalation ends with the answer.
SITREP: Final = System("sitrep", Sight.ALSO_PRIVATE, frozenset({"escalate", "withdraw_escalation"}))
# Keeps leases, tokens and the database tidy; has no part in incidents.
HOUSEKEEPING: Final = System("housekeeping")
# The operator who runs `sitrep export` or `sitrep verify` on the server.
OPERATOR: Final = System("operator", Sight.ALSO_PRIVATE, frozenset({"view", "export"}))
