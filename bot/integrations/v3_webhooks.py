"""PagerDuty's V3 webhooks, which tell of incidents however they began.

They come in no sure order, and again after a failure; an event's id stays the same.
"""

from typing import Any, Final

from bot.integrations.deliveries import Delivery, Unproven, instant, is_same, keyed_hash, part, text
from incidents.paging.port import Heard, HeardKind

_SIGNATURE: Final = "X-PagerDuty-Signature"
_REPLIED: Final = "incident.responder.replied"
_KINDS: Final = {
    "incident.triggered": HeardKind.TRIGGERED,
    "incident.acknowledged": HeardKind.ACKNOWLEDGED,
    "incident.unacknowledged": HeardKind.UNACKNOWLEDGED,
    "incident.escalated": HeardKind.UNACKNOWLEDGED,
    "incident.delegated": HeardKind.REASSIGNED,
    "incident.reassigned": HeardKind.REASSIGNED,
    "incident.resolved": HeardKind.RESOLVED,
}
# If people acknowledge somebody else's incident, it is reassigned to them and stays acknowledged.
_MOVES: Final = frozenset({"incident.escalated", "incident.delegated", "incident.reassigned"})


def read_webhook(
    delivery: Delivery, pager: str, secrets: tuple[str, ...]
) -> tuple[Heard, str] | None:
    """Return what it tells and the user's id, "" if nobody did it; None for what changes nothing.

    Raises: Unproven, Unreadable.
    """
    _require_signature(delivery, secrets)
    event = part(delivery.json(), "event")
    name, data = text(event, "event_type"), part(event, "data")
    if name == _REPLIED:
        return _declined(event, pager)
    kind = _KINDS.get(name)
    if kind is None or (name in _MOVES and text(data, "status") != "triggered"):
        return None
    is_user = text(event, "agent", "type") == "user_reference"
    heard = Heard(
        pager=pager,
        delivery_id=text(event, "id"),
        kind=kind,
        key=text(data, "incident_key"),
        remote_id=text(data, "id"),
        url=text(data, "html_url"),
        title=text(data, "title"),
        name=text(event, "agent", "summary") if is_user else "",
        occurred_at=instant(event, "occurred_at"),
    )
    return heard, text(event, "agent", "id") if is_user else ""


def _declined(event: Any, pager: str) -> tuple[Heard, str] | None:
    """Read the answer of somebody who was asked to join; an acceptance isn't an acknowledgement."""
    data = part(event, "data")
    if text(data, "state") != "declined":
        return None
    heard = Heard(
        pager=pager,
        delivery_id=text(event, "id"),
        kind=HeardKind.DECLINED,
        remote_id=text(data, "incident", "id"),
        url=text(data, "incident", "html_url"),
        name=text(data, "user", "summary"),
        occurred_at=instant(event, "occurred_at"),
    )
    return heard, text(data, "user", "id")


def _require_signature(delivery: Delivery, secrets: tuple[str, ...]) -> None:
    """Check it by any secret: while one replaces the other, PagerDuty signs with both."""
    given = [one.strip() for one in delivery.headers.get(_SIGNATURE, "").split(",")]
    known = [f"v1={keyed_hash(secret, delivery.raw).hex()}" for secret in secrets]
    if not any(is_same(one, ours) for one in given for ours in known):
        raise Unproven
