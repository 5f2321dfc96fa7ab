"""*Show phone numbers*: shown to the person who presses, alone, and noted in the audit log."""

import asyncio
from functools import partial

from bot.features.escalation.card import OnEscalation
from bot.features.escalation.replies import shown_escalation
from bot.framework.reading import find_user
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import mentions
from bot.slack.errors import SlackFailure
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.tables import CallStatus
from incidents.incident.views import PersonView
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit


async def show_phones(request: Request, given: OnEscalation) -> Reply:
    """Show a responder the numbers of the people who are called and haven't answered."""
    view, incident = await shown_escalation(
        request, given.escalation_id, action=Action.ANSWER_ESCALATION
    )
    people = {one.person.id: one.person for one in view.calls if one.status is CallStatus.OPEN}
    numbers = await asyncio.gather(*(_number(request, one) for one in people.values()))
    found = [(one, number) for one, number in zip(people.values(), numbers, strict=True)]
    known = [one for one, number in found if number]
    if known:
        await request.transact(
            partial(_record, names=", ".join(one.name for one in known), about=incident.reference)
        )
    lines = [
        f"• {mentions.mention(one.external_id)}: "
        + (mentions.escape_line(number) if number else "no number in Slack or in the secrets file")
        for one, number in found
    ]
    head = (
        "Only you see this. The audit log records that you looked."
        if known
        else "I have no phone number. Ask in the channel who has one."
    )
    return Say(say("\n".join([head, *lines]) if lines else "Nobody is being called any more."))


async def _number(request: Request, person: PersonView) -> str:
    services = request.services
    try:
        async with asyncio.timeout(request.ask_seconds):
            user = await find_user(services, person.external_id)
    except (SlackFailure, TimeoutError):
        user = None
    if user is None:
        return ""
    return services.pagers.phone(user.email or "") or user.phone


async def _record(uow: UnitOfWork, *, names: str, about: str) -> Outcome:
    await audit(uow, AuditKind.PHONES_SHOWN, {"names": names, "reference": str(about)})
    return Outcome("phones_shown")


PHONES = Verb(OnEscalation, buttons=("escalation_phones",), perform=show_phones)
