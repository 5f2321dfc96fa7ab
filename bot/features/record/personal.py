"""A person's own data: asked for by command, sent to them alone as a file."""

from bot.framework.arguments import Arguments
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.verbs import Verb
from bot.slack.errors import SlackPermanent
from incidents.core.people import Person, actor_of
from incidents.people.effects import SendOwnData
from incidents.registry.personal_data import export_person, request_own_data

_SENT = (
    "What I keep about you is on its way to you by direct message, as a file. Nobody else gets "
    "it. It leaves out incidents that you can't see any more: ask whoever runs Sitrep for those."
)


class OwnData(Arguments):
    """A request for one's own data; it needs nothing more."""


async def send_own_data(context: EffectContext) -> Settlement:
    """Upload the file to the person's direct messages with the bot."""
    effect, services = context.get(SendOwnData), context.services
    async with services.database.reading() as session:
        person = await session.get(Person, effect.person_id)
        if person is None or not person.is_active:
            return Dropped("person not active")
        file = await export_person(
            session,
            workspace_id=services.workspace.id,
            external_id=person.external_id,
            viewer=actor_of(person),
        )
    try:
        place = await services.gateway.open_direct(person.external_id)
        if context.is_uncertain:
            found = await services.gateway.find_file(
                place, name=file.name, oldest=context.created_at
            )
            if found is not None:
                return Done()
        await services.gateway.upload_file(
            place,
            filename=file.name,
            content=file.content,
            title=file.name,
            comment="What I keep about you, as you asked. It was sent to you alone.",
        )
    except SlackPermanent as error:
        # Private to them: nobody else learns that it failed, and they can ask again.
        return Dropped(error.error)
    return Done()


FEATURE = Feature(
    name="personal",
    verbs=(
        Verb(
            OwnData,
            usage="mydata",
            summary="What I keep about you, as a file to you alone.",
            examples=("mydata",),
            do=lambda uow, _: request_own_data(uow),
            tell=lambda _, __: _SENT,
        ),
    ),
    effects={SendOwnData: send_own_data},
)
