"""*Why me?* under a call: who or what called somebody, in plain words, to them alone."""

from bot.features.escalation.card import OnEscalation
from bot.features.escalation.reasons import why_called
from bot.features.escalation.replies import shown_escalation
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import mentions
from incidents.core.errors import Superseded
from incidents.escalation.targets import called_by_rule


async def tell_why(request: Request, given: OnEscalation) -> Reply:
    """Say why this person is called, and what a press does; raises: Superseded."""
    view, incident = await shown_escalation(request, given.escalation_id)
    call = next((one for one in view.calls if one.person.id == request.actor.person_id), None)
    if call is None:
        raise Superseded("escalation_withdrawn")
    lines = [why_called(view, call, incident, request.policy) or "Somebody named you."]
    policy = request.policy
    for place, rule in enumerate(policy.call, start=1):
        fits = rule in policy.rules_for(incident.severity_key, incident.services)
        called = called_by_rule(
            policy, rule, severity_key=incident.severity_key, services=incident.services
        )
        if (
            fits
            and call.through is not None
            and call.through.identity in {one.identity for one in called}
        ):
            name = mentions.escape_line(call.through.name)
            lines.append(f"Rule {place} under `call` in the policy names {name}.")
    if view.is_automatic:
        lines.append("The policy's rules chose you, not a person.")
    lines.append("*I'm on it* stops the calls. *Can't, next please…* calls somebody else.")
    return Say(say("\n".join(lines)))


WHY = Verb(OnEscalation, buttons=("escalation_why",), perform=tell_why)
