"""Why somebody is called, in a sentence to them."""

from bot.slack import mentions
from incidents.escalation.tables import Wanted
from incidents.escalation.views import CallView, EscalationView
from incidents.incident.views import IncidentView
from incidents.policy.escalation import Relation
from incidents.policy.policy import Policy


def why_called(view: EscalationView, call: CallView, incident: IncidentView, policy: Policy) -> str:
    """Return why this person is called, as one or two sentences; "" if the call didn't keep it."""
    if call.through is None:
        return ""
    reason = _reason(call.through, view, incident, policy)
    is_later = any(one.called_at < call.called_at for one in view.calls)
    passed_over = " Nobody called before you is on it." if is_later and not call.through.by else ""
    return f"{reason}.{passed_over}"


def _reason(through: Wanted, view: EscalationView, incident: IncidentView, policy: Policy) -> str:
    service = policy.find_service(view.service_key) if view.service_key else None
    where = mentions.escape_line(service.name) if service is not None else view.reference
    if through.by:
        return f"{mentions.escape_line(through.by)} passed it on to you"
    match through.why:
        case Relation.ON_CALL if not through.service:
            return "You're the fallback on call"
        case Relation.ON_CALL:
            return f"You're on call for {where}"
        case Relation.OWNER:
            return f"You own {where}"
        case Relation.MANAGER:
            return f"You're the manager for {where}"
        case Relation.BACKUP:
            return f"You're the backup commander for {mentions.escape_line(incident.severity_name)}"
        case "override":
            return f"An override puts you on call for {where}"
        case "fallback" if through.kind != "pager":
            return "You're the fallback on call"
        case "fallback":
            asked = mentions.escape_line(through.name)
            return f"You're the fallback on call: {asked} didn't tell me who is"
        case "mentor":
            return "You're a mentor of somebody in it"
        case "stand_in":
            return "You answer for people who aren't called in a drill"
    return _by_kind(through, view)


def _by_kind(through: Wanted, view: EscalationView) -> str:
    name = mentions.escape_line(through.name)
    match through.kind:
        case "role":
            return f"You have the role {name}"
        case "rotation":
            return f"You're on call in {name}"
        case "pager":
            return f"{name} says that you're on call"
        case "group" if name.startswith("@"):
            return f"You're in {name}"
        case "person" if view.author is not None and not view.is_automatic:
            return f"{mentions.mention(view.author.external_id)} named you"
        case "person":
            return "You were named"
        case _ if view.is_automatic:
            return "The policy calls you when nobody before you answers"
    return f"The policy names you for {mentions.escape_line(view.template_name)}"
