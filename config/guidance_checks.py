"""Whether the policy's section on guidance agrees with itself and with the rest."""

from collections import Counter
from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.guidance import Checklist
from incidents.policy.policy import Policy


def in_guidance(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section doesn't fit together or names what isn't there."""
    known = {
        "services": tuple(service.key for service in policy.services),
        "severities": tuple(severity.key for severity in policy.severities),
    }
    for checklist in policy.guidance.checklists:
        keys: tuple[str | int, ...] = ("guidance", "checklists", checklist.key)
        named = {"services": checklist.services, "severities": checklist.severities}
        for section, names in named.items():
            for name in names:
                if name not in (*known[section], *dropped):
                    remark = did_you_mean(name, known[section])
                    what = f"`{name}` isn't one of the {section}{remark}"
                    yield Disagreement((*keys, section), what, other=(section, name))
        yield from _in_steps(checklist, keys)


def _in_steps(checklist: Checklist, keys: tuple[str | int, ...]) -> Iterator[Disagreement]:
    if not checklist.steps:
        yield Disagreement((*keys, "steps"), "has to keep at least one step")
    count = Counter(step.key for step in checklist.steps)
    for index, step in enumerate(checklist.steps):
        place: tuple[str | int, ...] = (*keys, "steps", index)
        if count[step.key] > 1:
            yield Disagreement((*place, "key"), f"`{step.key}` is there more than once")
        if not step.answers:
            what = "needs at least one answer, or nobody could go on"
            yield Disagreement((*place, "answers"), what, "[done, skip]")
        if len(set(step.answers)) < len(step.answers):
            yield Disagreement((*place, "answers"), "names an answer twice", "[done, skip]")
