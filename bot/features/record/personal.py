"""A person's own data: asked for by command, sent to them alone as a file."""

from bot.framework.arguments import Arguments
from bot.framework.effect_context import Dropped, EffectContext, Settlement, upload_directly
from bot.framework.feature import Feature
from bot.framework.verbs import Verb
from incidents.core.people import Person, actor_of
from incidents.people.effects import SendOwnData
from incidents.registry.personal_data import export_person, request_own_data

_SENT = (
    "I'm sending you what I keep about you, as a file by direct message. Nobody else gets it. It "
    "leaves out incidents you can no longer see: for those, ask the people who run Sitrep."
)


class OwnData(Arguments):
    """A request for one's own data; it has no arguments."""


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
    return await upload_directly(
        context,
        person.external_id,
        filename=file.name,
        content=file.content,
        comment="What I keep about you, as you asked. Only you get this file.",
    )


FEATURE = Feature(
    name="personal",
    verbs=(
        Verb(
            OwnData,
            usage="mydata",
            family="show",
            summary="Get what I keep about you, as a file that only you see.",
            examples=("mydata",),
            do=lambda uow, _: request_own_data(uow),
            tell=lambda _, __: _SENT,
        ),
    ),
    effects={SendOwnData: send_own_data},
)
