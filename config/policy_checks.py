"""Whether the values of a policy agree with each other: references, order, completeness."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.escalation_checks import in_escalation
from config.guidance_checks import in_guidance
from config.policy_rules import format_duration
from config.policy_schema import did_you_mean
from config.proposal_checks import in_proposals
from config.shadowing_checks import in_shadowing
from config.supervision_checks import in_supervision
from incidents.policy.policy import AUTO_SECTIONS, COMMANDER, Action, Policy, SectionKind
from incidents.policy.references import RoleRef, Standing


def find_disagreements(policy: Policy, *, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield everything in which the values of this policy contradict each other.

    `dropped` are keys that the file has but the policy doesn't, because they were refused: to
    say that they are unknown would send people looking in the wrong place.
    """
    yield from _in_severities(policy, dropped)
    yield from _in_roles(policy, dropped)
    yield from _in_reminders(policy)
    yield from _in_sections(policy)
    yield from _in_rights(policy, dropped)
    yield from in_escalation(policy, dropped)
    yield from in_supervision(policy, dropped)
    yield from in_shadowing(policy, dropped)
    yield from in_proposals(policy, dropped)
    yield from in_guidance(policy, dropped)
    if policy.figures.time_to_acknowledge_p50 > policy.figures.time_to_acknowledge_p90:
        what = "can't be shorter than time_to_acknowledge_p50"
        other = ("figures", "time_to_acknowledge_p50")
        yield Disagreement(("figures", "time_to_acknowledge_p90"), what, other=other)


def _in_severities(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    known = tuple(severity.key for severity in policy.severities)
    if not known and not dropped:
        yield Disagreement(("severities",), "has to keep at least one severity")
        return
    if policy.default_severity not in (*known, *dropped):
        remark = did_you_mean(policy.default_severity, known)
        what = f"there is no severity `{policy.default_severity}`{remark}"
        other = ("severities", policy.default_severity)
        yield Disagreement(("default_severity",), what, other=other)
    ranks: dict[int, str] = {}
    for severity in policy.severities:
        first = ranks.setdefault(severity.rank, severity.key)
        if first != severity.key:
            what = f"{first} also has rank {severity.rank}; each severity needs its own"
            keys = ("severities", severity.key, "rank")
            yield Disagreement(keys, what, other=("severities", first, "rank"))


def _in_roles(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    keys = tuple(role.key for role in policy.roles)
    if COMMANDER not in (*keys, *dropped):
        yield Disagreement(("roles", COMMANDER), "this role has to stay; you may rename it")
    words: dict[str, str] = dict.fromkeys(Standing, "the rights") | {key: key for key in keys}
    for role in policy.roles:
        if role.key == COMMANDER and not role.exclusive:
            what = "has to be true: an incident has one commander"
            yield Disagreement(("roles", COMMANDER, "exclusive"), what, "true")
        if role.key in tuple(Standing):
            yield Disagreement(("roles", role.key), "has a meaning under `rights`; take another")
        for alias in role.aliases:
            owner = words.setdefault(alias, role.key)
            if owner != role.key:
                what = f"`{alias}` is already used by {owner}"
                keys = ("roles", role.key, "aliases")
                yield Disagreement(keys, what, other=("roles", owner, "aliases"))


def _in_reminders(policy: Policy) -> Iterator[Disagreement]:
    reminders = policy.reminders
    if reminders.update_missed_fraction <= reminders.update_late_fraction:
        what = f"has to be greater than update_late_fraction ({reminders.update_late_fraction:g})"
        other = ("reminders", "update_late_fraction")
        yield Disagreement(("reminders", "update_missed_fraction"), what, other=other)
    if reminders.commander_backup_after <= reminders.commander_missing_after:
        missing_after = format_duration(reminders.commander_missing_after)
        what = f"has to be longer than commander_missing_after ({missing_after})"
        other = ("reminders", "commander_missing_after")
        yield Disagreement(("reminders", "commander_backup_after"), what, other=other)


def _in_sections(policy: Policy) -> Iterator[Disagreement]:
    sections = policy.postmortem.sections
    if not sections:
        yield Disagreement(("postmortem", "sections"), "has to keep at least one section")
    first_at = {section.key: index for index, section in reversed(tuple(enumerate(sections)))}
    for index, section in enumerate(sections):
        keys = ("postmortem", "sections", index)
        if first_at[section.key] != index:
            yield Disagreement((*keys, "key"), f"`{section.key}` is there more than once")
        if section.kind is SectionKind.PROMPT and section.prompt is None:
            what = "is needed: a section left to people asks them something"
            yield Disagreement((*keys, "prompt"), what, "prompt: What helped?")
        if section.kind is SectionKind.AUTO and section.key not in AUTO_SECTIONS:
            what = (
                f"`{section.key}` can't be filled from the record"
                f"{did_you_mean(section.key, AUTO_SECTIONS)}; for your own section take prompt"
            )
            yield Disagreement((*keys, "kind"), what, "kind: prompt")


def _in_rights(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    listed = {right.action for right in policy.rights.actions}
    for action in Action:
        if action not in listed and action not in dropped:
            what = "has to stay; an empty list lets nobody do it"
            yield Disagreement(("rights", "actions", action), what, f"{action}: []")
    known = tuple(role.key for role in policy.roles)
    roles = (*known, *dropped)
    for right in policy.rights.actions:
        for grantee in right.who:
            if isinstance(grantee, RoleRef) and grantee.key not in roles:
                remark = did_you_mean(grantee.key, (*known, *Standing))
                what = f"there is no role `{grantee.key}`{remark}"
                keys = ("rights", "actions", right.action.value)
                yield Disagreement(keys, what, "[responder]", other=("roles", grantee.key))
