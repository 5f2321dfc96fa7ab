"""The policy in the audit log: when it changed, and the rights since then."""

from typing import Any

from sqlalchemy import select

from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.policy.policy import Policy
from incidents.record.audit_log import AuditEntry, AuditKind, audit, lock_log
from incidents.supervision.recertification import plan_renewals


async def note_policy(uow: UnitOfWork) -> Outcome:
    """At startup, record a policy that differs from the last recorded one."""
    digest = uow.policy.digest
    if await _last_digest(uow) == digest:
        return Outcome("policy_known")
    # If two processes start at once, the second looks again after the first has finished.
    await lock_log(uow)
    previous = await _last_digest(uow)
    if previous == digest:
        return Outcome("policy_known")
    content = {"digest": digest, "previous_digest": previous, **_rights(uow.policy)}
    await audit(uow, AuditKind.POLICY_CHANGED, content)
    await plan_renewals(uow)
    return Outcome("policy_noted")


async def _last_digest(uow: UnitOfWork) -> str | None:
    query = (
        select(AuditEntry.content)
        .where(
            AuditEntry.workspace_id == uow.workspace_id,
            AuditEntry.kind == AuditKind.POLICY_CHANGED,
        )
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    )
    content = (await uow.session.execute(query)).scalar_one_or_none() or {}
    return content.get("digest")


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
