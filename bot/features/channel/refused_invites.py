"""Refused invitations: who couldn't be invited, why, and *Retry*; in the channel and to people."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.invites import GUESTS
from bot.framework.arguments import Arguments, to_value
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, in_channel_of, to_person
from bot.framework.phrases import about, hidden_message
from bot.framework.reading import incident_id_of, is_hidden_from, read_incident
from bot.framework.refusals import say
from bot.framework.requests import Request, Services
from bot.framework.slack_refusals import what_to_do
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.sentences import SlackText
from incidents.channel.entries import invite_reason
from incidents.channel.invitations import (
    RefusedBatch,
    RefusedNow,
    get_refused_batch,
    retry_invitations,
)
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.engine.effects import RefreshRefusedInvites
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER


def refused_invites(
    batch: RefusedBatch, incident: IncidentView, *, reader_id: uuid.UUID | None = None
) -> blocks.Message:
    """Return who couldn't be invited and what to do, for the channel (None) or one reader."""
    told = _told_to(batch.people, incident, reader_id)
    waiting = [one for one in told if not one.is_in]
    where = f"*{incident.reference}*" if reader_id is None else about(incident)
    if not waiting:
        is_one = len(told) == 1 and told[0].refused.person.id != reader_id
        names = ", ".join(_name(one, reader_id) for one in told)
        return say(f"{where}: {names} {'is' if is_one else 'are'} in the channel now.")
    text = f"{where}: {_refusals(waiting, reader_id)}"
    if any(one.is_tried for one in waiting):
        return say(f"{text} I'm trying again.")
    can_retry = any(one.can_retry for one in waiting)
    value = to_value(OnBatch(batch.id, batch.refusals))
    retry = blocks.button("Retry", action_id="invite_retry", value=value)
    advice = _advice(waiting, incident, reader_id, can_retry=can_retry)
    return say(f"{text} {advice}", *((retry,) if can_retry else ()))


def _told_to(
    people: Sequence[RefusedNow], incident: IncidentView, reader_id: uuid.UUID | None
) -> Sequence[RefusedNow]:
    """Return who the reader hears about: declarer and commander of all, others of themselves."""
    leads = [*incident.holders(COMMANDER), incident.declared_by]
    if reader_id is None or reader_id in {one.id for one in leads if one is not None}:
        return people
    # Who led the incident before has heard of all.
    return [one for one in people if one.refused.person.id == reader_id] or people


def _refusals(waiting: Sequence[RefusedNow], reader_id: uuid.UUID | None) -> str:
    """Return a sentence for each cause, with the names of all it concerns."""
    named: dict[str, list[str]] = {}
    for one in waiting:
        named.setdefault(invite_reason(one.refused.error), []).append(_name(one, reader_id))
    return " ".join(
        f"I couldn't invite {', '.join(names)}: {mentions.escape_line(reason)}."
        for reason, names in named.items()
    )


def _name(one: RefusedNow, reader_id: uuid.UUID | None) -> str:
    person = one.refused.person
    return "you" if reader_id and person.id == reader_id else SlackText().person(person)


def _advice(
    waiting: Sequence[RefusedNow],
    incident: IncidentView,
    reader_id: uuid.UUID | None,
    *,
    can_retry: bool,
) -> str:
    own = [one for one in waiting if reader_id is not None and one.refused.person.id == reader_id]
    if any(one.refused.error in GUESTS for one in own):
        do = "Ask an admin of your Slack workspace to add you to the channel."
    elif own and incident.is_private:
        do = "The channel is private, so somebody in it has to add you."
    elif own:
        do = "Open the channel and join it."
    else:
        do = "Phone them, or add them to the channel yourself."
    if not can_retry:
        return do
    causes = dict.fromkeys(what_to_do(one.refused.error) for one in waiting if one.can_retry)
    return f"{do} {' '.join(causes)} Then press *Retry*."


async def _look(
    session: AsyncSession, effect: RefreshRefusedInvites, services: Services
) -> Showing:
    incident = await read_incident(session, effect, services)
    batch = await get_refused_batch(session, incident_id_of(effect), effect.batch_id)
    if effect.person_id is None:
        message = refused_invites(batch, incident)
        return Showing(message, in_channel_of(incident, unless=_unless(batch.people)))
    person = await session.get_one(Person, effect.person_id)
    if await is_hidden_from(session, incident, person):
        hidden = to_person(person, unless="no longer theirs to see")
        return Showing(hidden_message(incident), hidden)
    told = _told_to(batch.people, incident, person.id)
    message = refused_invites(batch, incident, reader_id=person.id)
    return Showing(message, to_person(person, unless=_unless(told)))


def _unless(told: Sequence[RefusedNow]) -> str:
    return "" if any(not one.is_in for one in told) else "over before it was shown"


REFUSED_INVITES = LiveMessage(
    effect=RefreshRefusedInvites,
    purpose="refused_invites",
    subject=lambda effect: derived_id(effect.batch_id, str(effect.person_id or "channel")),
    look=_look,
)


class OnBatch(Arguments, gone="effect"):
    """Invitations that were refused together, and how often: the message stays, its button doesn't."""

    batch_id: uuid.UUID
    refusals: int = 0


def _retried_text(_: Request, outcome: Outcome) -> str:
    return "I'm trying the invitations again."


FEATURE = Feature(
    name="refused_invites",
    live_messages=(REFUSED_INVITES,),
    verbs=(
        Verb(OnBatch, buttons=("invite_retry",), use_case=retry_invitations, tell=_retried_text),
    ),
)
