"""Shared effect handlers: saying timeline entries in the channel and to people."""

from collections.abc import Mapping

from bot.framework.audience import is_hidden_from
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import EntryRenderer, render_entry
from bot.framework.feature import EffectHandler
from incidents.core.people import Person, system_actor
from incidents.engine.effects import Effect, PostEntry, TellPerson
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView, get_entry_view, get_incident_view


class EntryHandlers:
    """Posts entries, rendered by the features that know their kinds."""

    def __init__(
        self,
        renderers: Mapping[str, EntryRenderer],
        direct_renderers: Mapping[str, EntryRenderer],
    ) -> None:
        """Take the renderers by kind of entry, for channels and for direct messages."""
        self.renderers = renderers
        self.direct_renderers = {**renderers, **direct_renderers}

    def handlers(self) -> dict[type[Effect], EffectHandler]:
        """Return the handlers by kind of effect."""
        return {PostEntry: self.post_entry, TellPerson: self.tell_person}

    async def post_entry(self, context: EffectContext) -> Settlement:
        """Say a timeline entry in the incident channel."""
        effect = context.get(PostEntry)
        entry, incident = await load_entry(context, effect)
        if entry.is_redacted:
            return Dropped("redacted")
        if incident.channel_id is None:
            return Dropped("no channel")
        if incident.is_channel_archived:
            return Dropped("channel archived")
        message = render_entry(entry, incident, self.renderers)
        await post_once(context, channel_id=incident.channel_id, message=message)
        return Done()

    async def tell_person(self, context: EffectContext) -> Settlement:
        """Tell one person about a timeline entry by direct message."""
        effect = context.get(TellPerson)
        entry, incident = await load_entry(context, effect)
        if entry.is_redacted:
            return Dropped("redacted")
        async with context.services.database.reading() as session:
            person = await session.get(Person, effect.person_id)
        if person is None or not person.is_active:
            return Dropped("person not active")
        if await is_hidden_from(context.services, incident, person):
            return Dropped("no longer theirs to see")
        message = render_entry(entry, incident, self.direct_renderers)
        await post_once(context, channel_id=person.external_id, message=message)
        return Done()


async def load_entry(
    context: EffectContext, effect: PostEntry | TellPerson
) -> tuple[EntryView, IncidentView]:
    """Return the entry of an effect and its incident as it is now."""
    if effect.incident_id is None:
        raise ValueError("an effect about an entry names its incident")
    async with context.services.database.reading() as session:
        entry = await get_entry_view(session, effect.entry_id)
        incident = await get_incident_view(
            session,
            ById(effect.incident_id),
            workspace_id=context.services.workspace.id,
            viewer=system_actor(),
        )
    return entry, incident
