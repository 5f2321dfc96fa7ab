"""What a feature brings: its commands, presses, forms, events, effects and messages.

Each module of `bot/features/` exports one `FEATURE`; the central tables only collect them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.framework.effect_context import EffectContext, Settlement
from bot.framework.entry_messages import EntryRenderer, FindEnding
from bot.framework.live_messages import LiveMessage
from bot.framework.replies import Reply
from bot.framework.requests import Request
from incidents.engine.effects import Effect

Handler = Callable[[Request], Awaitable[Reply]]
EffectHandler = Callable[[EffectContext], Awaitable[Settlement]]


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of a command, as `--name`, or `--name VALUE` when it has a metavar."""

    name: str
    summary: str
    metavar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb of the slash command: the row of the grammar that drives parser, help and tests."""

    name: str
    usage: str
    summary: str
    handler: Handler
    aliases: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    # The same text again within a minute is taken for the same command (Slack doesn't redeliver
    # commands, people repeat them).
    is_once_a_minute: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything one feature handles; keys are action ids, callback ids and event types."""

    name: str
    commands: tuple[Command, ...] = ()
    actions: Mapping[str, Handler] = field(default_factory=dict)
    views: Mapping[str, Handler] = field(default_factory=dict)
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
