"""Moves an incident to private: command, form, and what stays public."""

import uuid
from collections.abc import Mapping, Sequence

import structlog

from bot.framework.arguments import OnIncident
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import shown, told_directly, told_message
from bot.framework.feature import Feature
from bot.framework.phrases import about, actor_of_entry
from bot.framework.reading import load_incident
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.verbs import AskFirst, Verb
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.channel.privacy import MAX_REASON, MoveToPrivate, move_to_private
from incidents.channel.recovery import recover
from incidents.core.errors import AlreadySo, DomainError, InvalidInput
from incidents.core.people import PersonFacts
from incidents.engine.effects import RetireChannel
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import MovedToPrivate
from incidents.incident.views import EntryView, IncidentView
from incidents.people.entries import SightEnded, SightRecovered
from incidents.policy.policy import Action

_EXAMPLE = "INC-12 private @alice @bob customer data may be involved"

log = structlog.get_logger(__name__)


class Moving(OnIncident):
    """Who may see the incident from now on, in addition to its own people, and why."""

    people: tuple[str, ...] = ()
    reason: str = ""


class Recovering(OnIncident):
    """Why the recovery person opens a private incident."""

    reason: str = ""


def typed_move(request: Request) -> AskFirst[Moving]:
    """Parse `private @alice @bob reason`; always open the form, as there is no way back."""
    people, reason = people_first(request.words.text, example=_EXAMPLE)
    return AskFirst(Moving(request.incident_ref(), people=people, reason=mentions.plain(reason)))


async def move(uow: UnitOfWork, given: Moving) -> Outcome:
    """Move the incident to private."""
    people = tuple(map(PersonFacts, given.people))
    wanted = MoveToPrivate(people=people, reason=given.reason)
    return await move_to_private(uow, given.ref, wanted=wanted)


def people_first(text: str, *, example: str) -> tuple[tuple[str, ...], str]:
    """Split the text into the people mentioned at its start and the rest. Raises: InvalidInput."""
    people: list[str] = []
    rest = text.strip()
    while rest:
        name = mentions.next_name(rest)
        external_id = mentions.parse_user(name.rstrip(",;:"))
        if external_id is None:
            break
        people.append(external_id)
        rest = rest.partition(name)[2].lstrip()
    if rest.startswith("@"):  # Slack made no mention of it: nobody may be left out by mistake
        raise InvalidInput("people", "not_a_person", example)
    if mentions.parse_group(mentions.next_name(rest).rstrip(",;:")) is not None:
        raise InvalidInput("people", "a_group", example)
    return tuple(people), rest


def show_form(request: Request, view: IncidentView, given: Moving) -> blocks.View:
    """Return the form. Raises: AlreadySo if the incident is private."""
    if view.is_private and not view.is_channel_exposed:
        raise AlreadySo("incident", "private")
    reader_id = request.actor.person_id
    return private_form(view, reason=given.reason, people=given.people, reader_id=reader_id)


def _already_so(_: Request, error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, AlreadySo):
        return {"people": "Somebody has already made it private. Close this."}
    return None


def private_form(
    view: IncidentView,
    *,
    reason: str = "",
    people: Sequence[str] = (),
    reader_id: uuid.UUID | None = None,
) -> blocks.View:
    """Return the form: who to invite, why, and what can't be undone."""
    stay = ", ".join(
        dict.fromkeys(
            mentions.escape_line(person.name)
            for person in (view.declared_by, *(role.person for role in view.roles))
            if person is not None and person.id != reader_id
        )
    )
    return blocks.modal(
        f"{view.reference}: private",
        blocks=(
            blocks.section(
                "I open a private channel for the people you choose, and archive the old one. The "
                "announcement then says only that the incident is handled privately."
            ),
            blocks.section(
                "*I delete:* my messages, exports and postmortems in the old channel.\n"
                "*What stays readable* for everybody who could read it: people's own messages there, the "
                "channel's name, and copies people made. "
                "If a message must go, its author deletes it first.\n"
                "*There is no way back* to public."
            ),
            blocks.multi_user_select(
                "people",
                label="Who else should be in it?",
                initial=people,
                optional=True,
                hint=_who_stays(view, stay),
            ),
            blocks.text_input(
                "reason",
                label="Reason",
                initial=reason,
                optional=True,
                max_length=MAX_REASON,
                hint="Goes on the timeline, which only they can read from now on.",
            ),
        ),
        submit="Move to private",
    )


def _who_stays(view: IncidentView, names: str) -> str:
    if view.is_private:
        return "Always in it: everybody who sees it now."
    return f"Always in it: you and {names}." if names else "You're always in it."


def moved_message(outcome: Outcome) -> blocks.Message:
    """Return the reply to the person who moved the incident."""
    names = ", ".join(mentions.escape_line(name) for name in outcome.data["people"])
    return say(
        f"*{outcome.data['reference']}* is private now. I'm opening a private channel and inviting "
        f"{names}. Invite others there when you need them."
    )


def moved_entry(moved: MovedToPrivate, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the first message in the private channel."""
    asks = f"From now on only people in this channel see *{incident.reference}*."
    return told_message(entry, incident, asks=asks)


async def retire_channel(context: EffectContext) -> Settlement:
    """Say goodbye in the old channel, then archive it; our other messages are gone already."""
    effect = context.get(RetireChannel)
    view = await load_incident(context)
    gateway, channel_id = context.services.gateway, effect.channel_id
    try:
        if not context.progress.get("said"):
            await post_once(context, channel_id=channel_id, message=farewell(view.reference))
            await context.save_progress({"said": True})
        await gateway.archive(channel_id)
    except SlackPermanent as error:
        log.warning("channel_not_retired", channel_id=channel_id, error=error.error)
        return Dropped(error.error)
    return Done()


def farewell(reference: str) -> blocks.Message:
    """Return the last message in the old channel."""
    return say(
        f"*{reference}* is handled privately from now on, and I'm archiving this channel. I've "
        "invited the people who are needed. What people wrote here stays readable."
    )


def last_directly(_: SightEnded, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the warning to the one person who still sees a private incident."""
    return say(
        f"{about(incident)}: {actor_of_entry(entry)} left, so only you can see it now. "
        "Invite somebody before you leave its channel. Otherwise only the policy's recovery person, "
        "if there is one, can open it again."
    )


FEATURE = Feature(
    name="privacy",
    verbs=(
        Verb(
            Moving,
            usage="[INC-12] private [@someone …] [reason]",
            family="status",
            when=r"private(?P<rest>(?:\s+(?:(?:to|with)\s+)?(?:@|<@|<!).*)?)",
            inside="status private [@someone … [reason]]",
            summary="Move the incident to a private channel; there is no way back.",
            examples=("private", _EXAMPLE),
            typed=typed_move,
            form="private_submit",
            opened_by=("private_open",),
            needs=Action.MOVE_TO_PRIVATE,
            show=show_form,
            do=move,
            tell=lambda _, outcome: moved_message(outcome),
            inputs={"": "people"},
            explain=_already_so,
        ),
        Verb(
            Recovering,
            usage="[INC-12] recover reason",
            family="status",
            summary="Open a private incident, if the policy names you for it; its people are told.",
            examples=("INC-12 recover Everybody in it has left the company",),
            words=("reason",),
            use_case=recover,
            tell=lambda _, outcome: (
                f"You see {outcome.data['reference']} now. I've told its people. The audit log shows it, "
                "and your reason is on the timeline."
            ),
        ),
    ),
    effects={RetireChannel: retire_channel},
    entries=(shown(MovedToPrivate, moved_entry),),
    direct_entries=(
        shown(SightEnded, last_directly),
        (SightRecovered.kind, told_directly),
    ),
)
