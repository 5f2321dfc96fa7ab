"""What a feature brings: its commands, presses, forms, events, effects and messages.

Each module of `bot/features/` exports one `FEATURE`; the central tables only collect them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.framework.effect_context import EffectContext, Settlement
from bot.framework.entry_messages import EntryRenderer
from bot.framework.slash_commands import Command, Handler
from bot.framework.verbs import Verb
from incidents.engine.effects import Effect

EffectHandler = Callable[[EffectContext], Awaitable[Settlement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything one feature handles; keys are action ids, callback ids and event types."""

    name: str
    verbs: tuple[Verb[Any], ...] = ()
    commands: tuple[Command, ...] = ()
    actions: Mapping[str, Handler] = field(default_factory=dict)
    views: Mapping[str, Handler] = field(default_factory=dict)
    options: Mapping[str, Handler] = field(default_factory=dict)
    shortcuts: Mapping[str, Handler] = field(default_factory=dict)
    # Several features may listen to one event type; each handler runs in its own transaction,
    # with a request key of its own, so that a redelivery completes what is missing.
    events: Mapping[str, Handler] = field(default_factory=dict)
    effects: Mapping[type[Effect], EffectHandler] = field(default_factory=dict)
    entries: Mapping[str, EntryRenderer] = field(default_factory=dict)
    # How an entry reads in a direct message, where it differs from the channel's.
    direct_entries: Mapping[str, EntryRenderer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        actions = {
            **{name: verb.by_button for verb in self.verbs for name in verb.buttons},
            **{name: verb.by_opener for verb in self.verbs for name in verb.opened_by},
        }
        views = {verb.form: verb.by_form for verb in self.verbs if verb.form}
        commands = (*self.commands, *(verb for verb in self.verbs if verb.usage))
        object.__setattr__(self, "commands", commands)
        object.__setattr__(self, "actions", {**self.actions, **actions})
        object.__setattr__(self, "views", {**self.views, **views})
