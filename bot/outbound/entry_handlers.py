"""Shared effect handlers: saying timeline entries in the channel and to people."""

from collections.abc import Mapping

from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import EntryRenderer, render_entry
from bot.framework.feature import EffectHandler
from bot.framework.reading import is_hidden_from, read_incident
from incidents.core.people import Person
from incidents.engine.effects import Effect, PostEntry, TellPerson
from incidents.incident.views import get_entry_view


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
        async with context.services.database.reading() as session:
            entry = await get_entry_view(session, effect.entry_id)
            incident = await read_incident(session, effect, context.services)
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
        async with context.services.database.reading() as session:
            entry = await get_entry_view(session, effect.entry_id)
            incident = await read_incident(session, effect, context.services)
            person = await session.get(Person, effect.person_id)
            is_hidden = person is None or await is_hidden_from(session, incident, person)
        if entry.is_redacted:
            return Dropped("redacted")
        if person is None or not person.is_active:
            return Dropped("person not active")
        if is_hidden:
            return Dropped("no longer theirs to see")
        message = render_entry(entry, incident, self.direct_renderers)
        await post_once(context, channel_id=person.external_id, message=message)
        return Done()
