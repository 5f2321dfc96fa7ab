"""Following: who wants an incident's news by direct message, by command or *Follow*; and stopping."""

import uuid
from functools import partial

from bot.framework.arguments import Arguments, to_value
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, find_incident
from incidents.policy.policy import Policy
from incidents.updates.maintenance import Maintenance
from incidents.updates.subscriptions import (
    Follows,
    Subject,
    change_subscription,
    find_subject,
    subjects_followed,
)

# As many as one message shows with a button each.
_MOST_SHOWN = 40
_UNSEEN = "an incident"


class Following(Arguments):
    """What somebody follows or stops following."""

    follows: Follows
    key: str = ""

    @property
    def subject(self) -> Subject:
        """Return it as the domain knows it."""
        return Subject(self.follows, self.key)


async def typed_subscribe(request: Request, given: Following) -> Reply:
    """Follow what was typed, or what the button is about; without words, show what is followed."""
    typed = request.words.text.strip(' "`')
    if request.typed:
        reference = str(request.words.reference or "")
        if not (typed or reference):
            return await show_followed(request)
        found = await _named(request, typed or reference)
        if found is None:
            return Say(unknown_message(typed or reference, policy=request.policy))
        given = Following(found.follows, found.key)
    outcome = await _change(request, given, is_on=True)
    name = await _name(request, given.subject)
    was_on = outcome.data["was_on"]
    lead = f"You already follow *{name}*." if was_on else f"You follow *{name}* now."
    what = "I'll send you its updates, changes of severity and its end by direct message."
    if given.follows is Follows.SEVERITY:
        what = what.replace("its", "their")
    if given.follows is Follows.MAINTENANCE:
        what = "I'll tell you by direct message when its times change, it begins and ends."
    stop = _button("Stop", "follow_stop", given)
    return Say(say(f"{lead} {what}", stop))


async def show_or_follow(request: Request) -> Reply:
    """Show what is followed, or follow the incident that the command names before its verb."""
    return await typed_subscribe(request, _untyped(request))


def _untyped(_: Request) -> Following:
    """Return no subject: what a command follows is found in its words, with the database."""
    return Following(Follows.POLICY)


async def _change(request: Request, given: Following, *, is_on: bool) -> Outcome:
    """Set what somebody wants. A button may be pressed again, after the opposite one."""
    use_case = partial(change_subscription, subject=given.subject, is_on=is_on)
    return await request.transact(use_case, once=False)


async def _named(request: Request, text: str) -> Subject | None:
    return await request.read(find_subject, mentions.plain(text), policy=request.policy)


async def stop(request: Request, given: Following) -> Reply:
    """Stop following something; pressing again changes nothing."""
    await _change(request, given, is_on=False)
    name = await _name(request, given.subject)
    if given.follows is Follows.POLICY:
        text = "I've stopped the news that only the policy names you for."
        return Say(say(text, _button("Undo", "follow_incident", given)))
    text = f"You get no more news of *{name}*."
    if given.follows in {Follows.SERVICE, Follows.SEVERITY}:
        text = f"You no longer follow *{name}*."
    return Say(say(text, _button("Follow again", "follow_incident", given)))


async def show_followed(request: Request) -> Reply:
    """Show what somebody follows, each with a button to stop it."""
    person_id = request.actor.person_id
    if person_id is None:
        return Say(say("You follow nothing."))
    async with request.services.database.reading() as session:
        found = await subjects_followed(session, person_id)
    slash = request.policy.command
    here = await request.read(find_incident, request.incident_ref())
    first = here.reference if here is not None else "sev2"
    how = f"Follow a service, a severity or an incident: `{slash} update subscribe {first}`"
    shown = [one for one in found if one.follows is not Follows.POLICY]
    if not shown:
        return Say(say(f"You follow nothing. {how}"))
    named = {one: await _name(request, one) for one in shown}
    # One that went private answers as if it weren't there.
    names = {one: name for one, name in named.items() if name != _UNSEEN}
    if not names:
        return Say(say(f"You follow nothing. {how}"))
    rows = [
        blocks.section(
            names[one],
            accessory=_button("Stop", "follow_stop", Following(one.follows, one.key)),
        )
        for one in list(names)[:_MOST_SHOWN]
    ]
    title = "You follow:"
    listed = ", ".join(names.values())
    return Say(
        blocks.Message(
            text=f"{title} {listed}. {how}",
            blocks=(blocks.section(title), *rows, blocks.context(how)),
        )
    )


def unknown_message(typed: str, *, policy: Policy) -> blocks.Message:
    """Return that nothing is called that, and what can be followed."""
    slash, first = policy.command, policy.severities[0].key
    lines = [f"`{slash} update subscribe {first}`", f"`{slash} update subscribe INC-12`"]
    lines += [f"`{slash} update subscribe {policy.services[0].key}`"] if policy.services else []
    return say(
        f"There is no service, severity or incident {mentions.code(typed)}. "
        f"For example: {' or '.join(lines)}"
    )


def subject_name(subject: Subject, *, policy: Policy, reference: str = "") -> str:
    """Return what somebody follows in words, escaped: a service, `SEV2 and worse`, an incident."""
    match subject.follows:
        case Follows.SERVICE:
            service = policy.find_service(subject.key)
            return mentions.escape_line(service.name if service is not None else subject.key)
        case Follows.SEVERITY:
            severity = policy.find_severity(subject.key)
            if severity is None:
                return mentions.escape_line(subject.key)
            name = mentions.escape_line(severity.name)
            return name if severity is policy.severities[0] else f"{name} and worse"
        case Follows.INCIDENT:
            return reference or _UNSEEN
        case Follows.MAINTENANCE:
            return reference or "this maintenance"
        case Follows.POLICY:
            return "all of these"


async def _name(request: Request, subject: Subject) -> str:
    """Return what somebody follows in words; "an incident" for one that they don't see any more."""
    reference = ""
    if subject.follows is Follows.INCIDENT:
        incident = await request.read(find_incident, ById(uuid.UUID(subject.key)))
        reference = str(incident.reference) if incident is not None else ""
    if subject.follows is Follows.MAINTENANCE:
        async with request.services.database.reading() as session:
            row = await session.get(Maintenance, uuid.UUID(subject.key))
        reference = mentions.escape_line(row.what) if row is not None else ""
    return subject_name(subject, policy=request.policy, reference=reference)


def _button(label: str, action_id: str, given: Following) -> blocks.ButtonElement:
    return blocks.button(label, action_id=action_id, value=to_value(given))


FEATURE = Feature(
    name="subscriptions",
    verbs=(
        Verb(
            Following,
            usage="subscribe [service|sev2|INC-12]",
            family="update",
            # More words are an update, or perhaps a service's name.
            when=r"(?:subscribe|follow)(?:\s+to(?=\s))?(?P<rest>(?:\s+(?:\S+|\"[^\"]+\"))?)",
            doubt=r"subscribe(?:\s+\S+){2}",
            summary="Get an incident's news by direct message; alone, shows what you follow.",
            aliases=("follow",),
            examples=("subscribe sev2", "subscribe INC-12"),
            typed=_untyped,
            buttons=("follow_incident",),
            alone=show_or_follow,
            perform=typed_subscribe,
        ),
        Verb(Following, buttons=("follow_stop", "follow_stop_all"), perform=stop),
    ),
)
