"""Systems, which act without a person, have listed rights like everybody else."""

from dataclasses import replace

import pytest

from incidents.core.people import Actor, ActorKind, cli_actor, system_actor
from incidents.core.systems import HOUSEKEEPING
from incidents.policy.policy import Action
from incidents.rights.decide import StandingFacts, decide
from tests.policies import built_in

MAY: dict[str, tuple[Actor, set[Action]]] = {
    "Sitrep": (system_actor(), {Action.ESCALATE, Action.WITHDRAW_ESCALATION}),
    "housekeeping": (system_actor(HOUSEKEEPING), set()),
    "the operator": (cli_actor("root"), {Action.VIEW, Action.EXPORT}),
    "a token": (Actor(kind=ActorKind.TOKEN, name="ci"), set()),
    "a system that nobody listed": (replace(system_actor(), system=None), set()),
}


@pytest.mark.parametrize("name", MAY)
def test_a_system_may_do_what_is_listed_and_nothing_else(name: str) -> None:
    actor, may = MAY[name]
    rights = built_in().policy.rights
    allowed = {
        one for one in Action if decide(actor, one, StandingFacts(), rights=rights).is_allowed
    }
    assert allowed == may
