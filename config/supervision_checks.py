"""Whether the policy's section on supervision agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy import Policy
from incidents.supervision_policy import Stage


def in_supervision(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section doesn't fit together or names what isn't there."""
    yield from _in_stages(policy, dropped)
    for index, seed in enumerate(policy.supervision.mentors):
        if seed.person in seed.mentors:
            keys = ("supervision", "mentors", index, "mentors")
            yield Disagreement(keys, "nobody is their own mentor")
    if policy.supervision.find_requirement(Stage.OBSERVE) is not None:
        what = "is where everybody begins, so nothing can be asked for before it"
        yield Disagreement(("supervision", "requirements", "observe"), what)


def _in_stages(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    roles = tuple(role.key for role in policy.roles)
    services = tuple(service.key for service in policy.services)
    for index, seed in enumerate(policy.supervision.stages):
        keys = ("supervision", "stages", index)
        if seed.role is not None and seed.role not in (*roles, *dropped):
            what = f"there is no role `{seed.role}`{did_you_mean(seed.role, roles)}"
            yield Disagreement((*keys, "role"), what, other=("roles", seed.role))
        if seed.service is not None and seed.service not in (*services, *dropped):
            what = f"there is no service `{seed.service}`{did_you_mean(seed.service, services)}"
            yield Disagreement((*keys, "service"), what, other=("services", seed.service))
