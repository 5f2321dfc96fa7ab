"""What the pagers of the policy lack in the secrets file and the settings, as the doctor says it."""

from collections.abc import Iterator
from typing import Final

from bot.operations.reach import Finding
from config.secrets_file import PagerSecrets, Secrets, load_secrets
from config.settings import Settings
from config.yaml_tree import PolicyErrors
from incidents.policy.policy import Policy
from incidents.policy.schema import did_you_mean
from incidents.policy.waking.paging import PagerConfig, PagerKind

# An address of these is a name for a secret key.
_KEYED: Final = frozenset({PagerKind.GOALERT, PagerKind.PAGERDUTY_EVENTS})
_FILE: Final = "the secrets file"


def pager_findings(settings: Settings, policy: Policy) -> Iterator[Finding]:
    """Yield why Sitrep wouldn't start, which pages wouldn't arrive, and which answers wouldn't."""
    try:
        secrets = load_secrets(settings.sitrep_secrets)
    except PolicyErrors as errors:
        for problem in errors.problems:
            yield Finding(f"{_FILE}: {problem}", "correct it: Sitrep doesn't start like this")
        return
    findings = (*_unknown(policy, secrets), *_lacking(policy, secrets))
    yield from findings
    if policy.pagers and settings.sitrep_public_url is None:
        yield Finding(
            "SITREP_PUBLIC_URL isn't set, so no acknowledgement in a pager reaches Sitrep",
            "set SITREP_PUBLIC_URL to its public address",
        )
    if policy.pagers and not findings:
        yield Finding(f"{_FILE} has what the policy's pagers need")


def _unknown(policy: Policy, secrets: Secrets) -> Iterator[Finding]:
    known = [one.key for one in policy.pagers]
    for key in secrets.pagers:
        if key not in known:
            what = f"{_FILE} has {key} under pagers, and the policy has no such pager"
            yield Finding(f"{what}{did_you_mean(key, known)}", "correct the key")


def _lacking(policy: Policy, secrets: Secrets) -> Iterator[Finding]:
    paged = [address for person in policy.people for address in person.reach]
    paged += [address for service in policy.services for address in service.reach]
    for pager in policy.pagers:
        own = secrets.of(pager.key)
        if lacking := [name for name, is_there in _needed(pager, own) if not is_there]:
            yield Finding(
                f"{_FILE} has no {' and no '.join(lacking)} for {pager.key}",
                f"add it under pagers.{pager.key}",
            )
        names = [one.name for one in paged if one.pager == pager.key and pager.kind in _KEYED]
        for name in dict.fromkeys(names):
            if name not in own.addresses:
                yield Finding(
                    f"{_FILE} has no key for {pager.key}/{name}, so no page arrives there",
                    f"add {name} under pagers.{pager.key}.addresses",
                )


def _needed(pager: PagerConfig, own: PagerSecrets) -> Iterator[tuple[str, bool]]:
    """Yield what this kind of pager needs, and whether it is there; without the last, it is deaf."""
    if pager.kind is PagerKind.PAGERDUTY:
        yield "token", bool(own.token)
        yield "from", bool(own.sender)
    yield "webhook_secret", bool(own.webhook_secrets)
