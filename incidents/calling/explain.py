"""Says in plain words who would hear of an incident, how, and which rule of the policy says so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from incidents.core.times import spoken_duration
from incidents.escalation.calls import wait_of
from incidents.escalation.tables import Wanted
from incidents.escalation.targets import (
    LadderInputs,
    build_ladder,
    called_at_once,
    called_by_rule,
    get_template,
)
from incidents.policy.escalation import Relation, Service
from incidents.policy.policy import Policy, Severity
from incidents.policy.references import Address
from incidents.policy.waking.call import By


@dataclass(frozen=True, slots=True)
class Explained:
    """One line; `rule` is the place of the rule that says so in `call`, from 0, or None."""

    text: str
    rule: int | None = None


def explain(policy: Policy, severity: Severity, service: Service | None) -> Iterator[Explained]:
    """Yield who hears of an incident of this severity in this service, or in none."""
    services = (service.key,) if service is not None else ()
    rules = policy.rules_for(severity.key, services)
    is_paged = any(one.call and one.by is By.PAGE for one in rules)
    places = {id(rule): place for place, rule in enumerate(policy.call)}
    if not called_at_once(policy, severity_key=severity.key, services=services):
        yield Explained("Nobody is called when it is declared.")
    told: set[tuple[str, str]] = set()
    for rule in rules:
        place = places[id(rule)]
        called = called_by_rule(policy, rule, severity_key=severity.key, services=services)
        for wanted in called:
            if wanted.identity in told:  # two rules that name the same call them once
                continue
            told.add(wanted.identity)
            yield Explained(
                f"Called at once: {_named(wanted)}, {_how(policy, wanted, is_paged=is_paged)}",
                place,
            )
        for title, people in (("Invited", rule.invite), ("Told", rule.tell)):
            yield from (Explained(f"{title}: {who}", place) for who in people)
        if rule.backup is not None and rule.backup == policy.backup_for(severity.key, services):
            after = spoken_duration(policy.reminders.commander_backup_after)
            yield Explained(
                f"Called if nobody has taken command after {after}: {rule.backup}", place
            )
    yield from _ladder(policy, severity, service)


def _ladder(policy: Policy, severity: Severity, service: Service | None) -> Iterator[Explained]:
    template = get_template(policy, "")
    inputs = LadderInputs(
        policy=policy, severity_key=severity.key, template=template, service=service
    )
    services = (service.key,) if service is not None else ()
    at_once = called_at_once(policy, severity_key=severity.key, services=services)
    before = {one.identity for one in at_once}
    wait = wait_of(policy, severity_key=severity.key, template=template, step_wait=None)
    after = wait if at_once else timedelta(0)
    for step in build_ladder(inputs, None):
        names = [_named(one) for one in step.wanted if one.identity not in before]
        if not names:
            continue
        when = f"after {spoken_duration(after)}" if after else "first"
        lead = "Then, if nobody is on it" if at_once else "When somebody escalates"
        yield Explained(f"{lead}, {when}: {' and '.join(names)}")
        after += step.wait or wait


def _named(wanted: Wanted) -> str:
    return f"{wanted.name} ({wanted.why.replace('_', ' ')})" if wanted.why else wanted.name


def _how(policy: Policy, wanted: Wanted, *, is_paged: bool) -> str:
    if not is_paged:
        return "only by direct message in Slack"
    reach = _reach(policy, wanted)
    if not reach and wanted.kind in {"rotation", "pager"}:
        return f"by direct message in Slack and by their own pagers{_unreached(policy, wanted)}"
    if not reach:
        return "by direct message in Slack; no pager reaches them"
    return f"by direct message in Slack and by {', then '.join(map(str, reach))}"


def _unreached(policy: Policy, wanted: Wanted) -> str:
    """Return who of a rotation has no pager in the policy."""
    rotation = policy.on_call.find_rotation(wanted.value) if wanted.kind == "rotation" else None
    people = dict.fromkeys(rotation.people) if rotation is not None else {}
    reached = {one.who for one in policy.people}
    missing = [str(one) for one in people if one not in reached]
    return f"; no pager reaches {', '.join(missing)}" if missing else ""


def _reach(policy: Policy, wanted: Wanted) -> Sequence[Address]:
    service = policy.find_service(wanted.service) if wanted.service else None
    if wanted.why == Relation.ON_CALL and service is not None and service.reach:
        return service.reach
    return next((one.reach for one in policy.people if str(one.who) == wanted.value), ())
