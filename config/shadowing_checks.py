"""Whether the policy's section on shadowing agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.policy import Policy

MOST_QUESTIONS = 5


def in_shadowing(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section doesn't fit together or names what isn't there."""
    section = policy.shadowing
    if not 1 <= len(section.questions) <= MOST_QUESTIONS:
        what = f"has to hold 1 to {MOST_QUESTIONS} questions"
        yield Disagreement(("shadowing", "questions"), what)
    yield from _in_schedule(policy, dropped)
    yield from _in_rotations(policy, dropped)


def _in_schedule(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    roles = tuple(role.key for role in policy.roles)
    for index, entry in enumerate(policy.shadowing.schedule):
        keys = ("shadowing", "schedule", index)
        given = [one for one in (entry.mentor, entry.role, entry.service) if one is not None]
        if len(given) != 1:
            what = "needs exactly one of mentor, role and service"
            yield Disagreement((*keys, "mentor"), what, "mentor: alex@example.com")
        if entry.mentor == entry.person:
            yield Disagreement((*keys, "mentor"), "nobody shadows themselves")
        if entry.ends_on < entry.starts_on:
            what = f"can't be before starts_on ({entry.starts_on.isoformat()})"
            yield Disagreement((*keys, "ends_on"), what, other=(*keys, "starts_on"))
        if entry.role is not None and entry.role not in (*roles, *dropped):
            what = f"there is no role `{entry.role}`{did_you_mean(entry.role, roles)}"
            yield Disagreement((*keys, "role"), what, other=("roles", entry.role))
        yield from _service(policy, entry.service, dropped, keys=keys)


def _in_rotations(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    for index, rotation in enumerate(policy.shadowing.rotations):
        keys = ("shadowing", "rotations", index)
        if not rotation.shadows:
            yield Disagreement((*keys, "shadows"), "has to name at least one person")
        if bool(rotation.mentors) == (rotation.service is not None):
            what = "needs either mentors or a service"
            yield Disagreement((*keys, "mentors"), what, "mentors: [alex@example.com]")
        if set(rotation.shadows) & set(rotation.mentors):
            yield Disagreement((*keys, "mentors"), "nobody shadows themselves")
        yield from _service(policy, rotation.service, dropped, keys=keys)


def _service(
    policy: Policy, key: str | None, dropped: Collection[str], *, keys: tuple[str | int, ...]
) -> Iterator[Disagreement]:
    known = tuple(service.key for service in policy.services)
    if key is not None and key not in (*known, *dropped):
        what = f"there is no service `{key}`{did_you_mean(key, known)}"
        yield Disagreement((*keys, "service"), what, other=("services", key))
