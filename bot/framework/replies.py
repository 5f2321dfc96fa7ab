"""What a handler answers: to the person alone, and only what the record also shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.slack.blocks import Message, Option, OptionGroup, View


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the person alone; `replaces` puts it in place of the message they pressed on."""

    message: Message
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """Keep the form open and say in each field what to correct."""

    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShowView:
    """Put another view in place of the submitted form."""

    view: View


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of an external select."""

    options: Sequence[Option] = ()
    groups: Sequence[OptionGroup] = ()


Reply = Say | FieldErrors | ShowView | Options | None
