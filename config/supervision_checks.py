"""Whether the policy's section on supervision agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.policy import Policy
from incidents.policy.supervision import Stage


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
    yield from _said_twice(policy)


def _said_twice(policy: Policy) -> Iterator[Disagreement]:
    """Yield each stage after the first for the same person and scope: one would win unseen."""
    first: dict[tuple[str, str | None, str | None], int] = {}
    for index, seed in enumerate(policy.supervision.stages):
        scope = (str(seed.person).casefold(), seed.role, seed.service)
        earlier = first.setdefault(scope, index)
        if earlier != index:
            stage = policy.supervision.stages[earlier].stage
            what = (
                f"is for the same person, role and service as supervision.stages[{earlier}] "
                f"({stage.value}); keep one of the two"
            )
            yield Disagreement(("supervision", "stages", index), what)
