"""What a feature brings: its commands, presses, forms, events, effects and messages.

Each module of `bot/features/` exports one `FEATURE`; the central tables only collect them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.framework.effect_context import EffectContext, Settlement
from bot.framework.entry_messages import EntryRenderer, FindEnding
from bot.framework.live_messages import LiveMessage
from bot.framework.requests import Handler
from bot.framework.verbs import Verb
from incidents.engine.effects import Effect

EffectHandler = Callable[[EffectContext], Awaitable[Settlement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything one feature handles; keys are action ids, callback ids and event types."""

    name: str
    verbs: tuple[Verb[Any], ...] = ()
    # What is chosen in a form that stays open; the buttons are the verbs'.
    choices: Mapping[str, Handler] = field(default_factory=dict)
    options: Mapping[str, Handler] = field(default_factory=dict)
    shortcuts: Mapping[str, Handler] = field(default_factory=dict)
    # Several features may listen to one event type; each handler runs in its own transaction,
    # with a request key of its own, so that a redelivery completes what is missing.
    events: Mapping[str, Handler] = field(default_factory=dict)
    effects: Mapping[type[Effect], EffectHandler] = field(default_factory=dict)
    # Messages that are kept current in place; each handles the effect that it names.
    live_messages: tuple[LiveMessage[Any], ...] = ()
    entries: Mapping[str, EntryRenderer] = field(default_factory=dict)
    # How an entry reads in a direct message, where it differs from the channel's.
    direct_entries: Mapping[str, EntryRenderer] = field(default_factory=dict)
    # How what an entry's message asks for has ended, by kind: its buttons leave then.
    endings: Mapping[str, FindEnding] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[Verb[Any], ...]:
        """Return the verbs that can be typed."""
        return tuple(verb for verb in self.verbs if verb.usage)

    @property
    def actions(self) -> Mapping[str, Handler]:
        """Return what each button does: it opens a form, or does the verb at once."""
        opening = {name: verb.by_opener for verb in self.verbs for name in verb.opened_by}
        doing = {name: verb.by_button for verb in self.verbs for name in verb.buttons}
        return {**self.choices, **opening, **doing}

    @property
    def views(self) -> Mapping[str, Handler]:
        """Return what each submitted form does."""
        return {verb.form: verb.by_form for verb in self.verbs if verb.form}
