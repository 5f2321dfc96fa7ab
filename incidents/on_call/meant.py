"""Who a rotation, or a service's override, means at a moment."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.on_call.shifts import Cover, Shift, next_shift, shift_at
from incidents.on_call.tables import covers_after, rotation_subject, service_subject
from incidents.policy.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who is on call at a moment: the policy's rotations, and the overrides that aren't over."""

    policy: Policy
    now: datetime
    covers: Mapping[str, tuple[Cover, ...]]

    def find_shift(self, rotation_key: str) -> Shift | None:
        """Return a rotation's shift, or None if the policy has no such rotation."""
        rotation = self.policy.on_call.find_rotation(rotation_key)
        if rotation is None:
            return None
        return shift_at(rotation, self.now, self.covers.get(rotation_subject(rotation.key), ()))

    def find_next(self, rotation_key: str) -> Shift | None:
        """Return a rotation's next shift, or None if the policy has no such rotation."""
        rotation, shift = self.policy.on_call.find_rotation(rotation_key), None
        if rotation is not None:
            covers = self.covers.get(rotation_subject(rotation.key), ())
            shift = next_shift(rotation, shift_at(rotation, self.now, covers), covers)
        return shift

    def find_cover(self, service_key: str) -> Cover | None:
        """Return a service's own override that counts now; the newest of several."""
        covers = self.covers.get(service_subject(service_key), ())
        return next((one for one in reversed(covers) if one.since <= self.now), None)


async def turns_at(
    session: AsyncSession, now: datetime, *, policy: Policy, workspace_id: uuid.UUID
) -> Turns:
    """Return who is on call at this moment."""
    covers = await covers_after(session, now, workspace_id=workspace_id)
    return Turns(policy=policy, now=now, covers=covers)
