"""What a feature declares: its commands, buttons, forms, events, effects and messages.

Features in `bot/features/` export one `FEATURE` each; the central tables only collect them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.framework.effect_context import EffectContext, Settlement
from bot.framework.entry_messages import EntryRenderer, FindEnding
from bot.framework.live_messages import LiveMessage
from bot.framework.requests import Handler, Request
from bot.framework.verbs import Verb
from incidents.engine.effects import Effect

EffectHandler = Callable[[EffectContext], Awaitable[Settlement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything one feature handles; keys are action ids, callback ids and event types."""

    name: str
    # What people can do without Sitrep when a request of this feature can't be recorded.
    by_hand: Callable[[Request], str] | None = None
    verbs: tuple[Verb[Any], ...] = ()
    # Menus in a form that stays open. Buttons belong to verbs.
    choices: Mapping[str, Handler] = field(default_factory=dict)
    options: Mapping[str, Handler] = field(default_factory=dict)
    shortcuts: Mapping[str, Handler] = field(default_factory=dict)
    # Several features may listen to one event type; each handler runs in its own transaction,
    # with its own request key, so that a redelivery runs only the handlers that failed.
    events: Mapping[str, Handler] = field(default_factory=dict)
    effects: Mapping[type[Effect], EffectHandler] = field(default_factory=dict)
    # Messages that are edited in place; each handles the effect type that it names.
    live_messages: tuple[LiveMessage[Any], ...] = ()
    entries: tuple[tuple[str, EntryRenderer], ...] = ()
    # Renderers for direct messages, where they differ from the channel's.
    direct_entries: tuple[tuple[str, EntryRenderer], ...] = ()
    # Finds how the message's request ended. The message then loses its buttons.
    endings: tuple[tuple[str, FindEnding], ...] = ()

    @property
    def commands(self) -> tuple[Verb[Any], ...]:
        """Return the verbs that can be typed."""
        return tuple(verb for verb in self.verbs if verb.usage)

    @property
    def actions(self) -> Mapping[str, Handler]:
        """Return the handler of each action id: a menu, or a button that opens a form or acts."""
        opening = {name: verb.by_opener for verb in self.verbs for name in verb.opened_by}
        doing = {name: verb.by_button for verb in self.verbs for name in verb.buttons}
        return {**self.choices, **opening, **doing}

    @property
    def views(self) -> Mapping[str, Handler]:
        """Return the handler of each submitted form, by callback id."""
        return {verb.form: verb.by_form for verb in self.verbs if verb.form}
