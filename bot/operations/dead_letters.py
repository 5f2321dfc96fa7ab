"""How dead letters read at the command line."""

from collections.abc import Iterable
from datetime import UTC, datetime

from incidents.core.ids import Reference
from incidents.engine.entries import effect_words, refusal_reason
from incidents.registry.dead_letters import Cause, DeadLetter

_MOST_NAMED = 3


def cause_line(cause: Cause) -> str:
    """Return what was refused, why, how often, since when, and in which incidents."""
    count, incidents = len(cause.letters), _named(cause.references)
    times = "once" if count == 1 else f"{count} times"
    since = moment(cause.letters[0].died_at)
    where = f", in {incidents}" if incidents else ""
    what = f"{effect_words(cause.effect_kind)}: {_answer(cause.error)}"
    return f"{what}, {times} since {since}{where}"


def letter_line(letter: DeadLetter) -> str:
    """Return one dead letter, beginning with its id."""
    where = f" ({letter.reference})" if letter.reference is not None else ""
    return f"{letter.id}  {moment(letter.died_at)}  {effect_words(letter.effect_kind)}{where}"


def moment(instant: datetime) -> str:
    """Return an instant for a terminal, to the minute."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _answer(error: str) -> str:
    reason = refusal_reason(error)
    return f"{error} ({reason})" if reason else error


def _named(references: Iterable[Reference]) -> str:
    named = [str(reference) for reference in references]
    more = len(named) - _MOST_NAMED
    shown = ", ".join(named[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
