"""The policy in the audit log: when it changed, what changed, and the rights since then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.policy.policy import Policy
from incidents.policy.schema import as_written
from incidents.record.audit_log import AuditEntry, AuditKind, audit, lock_log
from incidents.supervision.recertification import plan_renewals

MOST_CHANGES: Final = 40
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One changed value of the policy; "" where there was none, or is none any more."""

    key: str
    was: str
    now: str

    def __str__(self) -> str:
        """Return the change as a line."""
        return f"{self.key}: {self.was or 'nothing'} → {self.now or 'nothing'}"


async def note_policy(uow: UnitOfWork) -> Outcome:
    """Record a policy that differs from the last recorded one: at startup, and when reloaded."""
    digest = uow.policy.digest
    if (await _last_recorded(uow)).get("digest") == digest:
        return Outcome("policy_known")
    # If two processes start at once, the second looks again after the first has finished.
    await lock_log(uow)
    previous = await _last_recorded(uow)
    if previous.get("digest") == digest:
        return Outcome("policy_known")
    written = _without_floats(as_written(uow.policy))
    changes = tuple(differences(previous["policy"], written)) if "policy" in previous else ()
    content = {
        "digest": digest,
        "previous_digest": previous.get("digest"),
        "changes": [str(change) for change in changes[:MOST_CHANGES]],
        "more_changes": max(len(changes) - MOST_CHANGES, 0),
        "policy": written,
        **_rights(uow.policy),
    }
    await audit(uow, AuditKind.POLICY_CHANGED, content)
    await plan_renewals(uow)
    return Outcome("policy_noted", data={"changes": content["changes"]})


async def ask_for_reload(uow: UnitOfWork) -> Outcome:
    """Ask every running process to read its policy file again."""
    entry = await audit(uow, AuditKind.POLICY_ASKED)
    digest = (await _last_recorded(uow)).get("digest")
    return Outcome("policy_asked", data={"sequence": entry.sequence, "digest": digest})


async def note_refused_policy(uow: UnitOfWork, *, problems: Sequence[str]) -> Outcome:
    """Record that a file asked for is invalid, so that the policy before stays in force."""
    content = {"digest": uow.policy.digest, "problems": [one[:500] for one in problems[:20]]}
    await audit(uow, AuditKind.POLICY_REFUSED, content)
    return Outcome("policy_refused")


def differences(was: object, now: object, key: str = "") -> Iterator[Change]:
    """Yield what differs between two policies as `as_written` gives them, key by key."""
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in {**was, **now}:
            yield from differences(was.get(name), now.get(name), f"{key}.{name}".lstrip("."))
        return
    yield Change(key, _said(was), _said(now))


def _without_floats(value: object) -> Any:
    """Return a policy for the record, where numbers with a point are texts: see `hash_chain`."""
    match value:
        case float():
            return f"{value:g}"
        case Mapping():
            return {name: _without_floats(one) for name, one in value.items()}
        case list():
            return [_without_floats(one) for one in value]
    return value


def _said(value: object) -> str:
    match value:
        case None:
            return ""
        case Mapping():
            parts = (f"{name}: {_said(one)}" for name, one in value.items() if one not in ([], {}))
            text = ", ".join(parts)
        case list():
            text = f"[{', '.join(map(_said, value))}]"
        case bool():
            text = str(value).lower()
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


async def _last_recorded(uow: UnitOfWork) -> Mapping[str, Any]:
    query = (
        select(AuditEntry.content)
        .where(
            AuditEntry.workspace_id == uow.workspace_id,
            AuditEntry.kind == AuditKind.POLICY_CHANGED,
        )
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    )
    return (await uow.session.execute(query)).scalar_one_or_none() or {}


def _rights(policy: Policy) -> dict[str, Any]:
    supervision = policy.supervision
    return {
        "rights": {
            right.action.value: [str(grantee) for grantee in right.who]
            for right in policy.rights.actions
        },
        "guests_may": [action.value for action in policy.rights.guests_may],
        "progress_visible_to": [str(ref) for ref in supervision.visible_to],
        "seeded_stages": [
            {
                "person": str(seed.person),
                "role_key": seed.role or "",
                "service_key": seed.service or "",
                "stage": seed.stage,
            }
            for seed in supervision.stages
        ],
        "seeded_mentors": [
            {"person": str(seed.person), "mentors": [str(ref) for ref in seed.mentors]}
            for seed in supervision.mentors
        ],
    }
