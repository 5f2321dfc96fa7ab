"""Answers to a line that isn't a command: what was meant, ready to send, with the words whole."""

import re
from collections.abc import Sequence
from typing import Final

from bot.framework.refusals import say
from bot.framework.slash_commands import CommandRefused, usage_of
from bot.slack.blocks import Message, paragraphs
from bot.slack.mentions import code, escape, plain

_WORTH_KEEPING: Final = 4

# Each pattern matches the start of the text; `{rest}` is what follows it, `{all}` the whole text.
# The first that matches wins.
_MEANT: Final[Sequence[tuple[re.Pattern[str], str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), command)
    for pattern, command in (
        (r"(?P<sev>(?:sev|p)-?\d)\b[:,]?", "declare {sev} {rest}|severity {sev} {rest}"),
        (
            r"(?:i'?m |i am |me as |be )?(?:the )?(?:ic|commander|incident commander)$",
            "role commander me",
        ),
        (
            r"(?:i'?ll |i |let me )?(?:take|taking|assume|claim|have)(?: over)? (?:command|lead|the lead|control)\b",
            "role commander me",
        ),
        (r"take[ -]?over\b", "takeover {rest}"),
        (r"(?:step|stepping) (?:down|back)\b", "handoff none"),
        (r"(?:page|call|ping|alert|notify|wake|get|summon|paging|calling)\b", "escalate {rest}"),
        (r"(?:help (?:me|us)|i need help|need help|sos)\b", "escalate {rest}"),
        (r"(?:ack|acknowledge|on it|i'?m on it|mine)\b", "escalation take"),
        (
            r"(?:transfer|hand ?over command|hand|pass)(?: command)?(?: over)?(?: to)?\b",
            "handoff {rest}",
        ),
        (r"(?:assign|give) ", "role {rest}"),
        (r"(?:who(?:'s| is)?)\b", "roles"),
        (
            r"(?:start|open|create|report|raise|begin|trigger|file)(?: an?)?(?: new)?(?: incident)?\b",
            "declare {rest}",
        ),
        (r"(?P<status>triage|investigating|identified|mitigated)\b", "status {status} {rest}"),
        (r"(?:mitigate|mitigation)\b", "status mitigated {rest}"),
        (r"(?:fixed|solved|done|fix|solve|resolved)\b", "resolve {rest}"),
        (r"(?:downgrade|upgrade|lower|worse|set severity)(?: to)?\b", "severity {rest}"),
        (r"(?:log|record|write|add note|add|comment)\b", "note {rest}"),
        (r"(?:rename|title|retitle)\b", "edit"),
        (r"(?:post|announce|tell|inform|status update)\b", "update {rest}"),
        (r"(?:todo|task|follow-?up)\b", "action {rest}"),
        (r"(?:history|log|events)$", "timeline"),
        (r"(?:approve|decline|reject)\b", "proposal {all}"),
        (r"(?:remind me later|later|not now)\b", "snooze"),
    )
)
_ASKS_FOR_HELP: Final = frozenset({"hello", "hi", "hey", "commands", "usage", "man"})


def ready_commands(text: str, *, close: Sequence[str]) -> tuple[str, ...]:
    """Return up to three commands that the person may have meant, best first.

    `text` is the whole line after the reference; `close` are verbs that its first word resembles.
    """
    words = " ".join(text.split())
    first, _, rest = words.partition(" ")
    if first.casefold() in _ASKS_FOR_HELP:
        return ("help",)
    meant = _by_phrase(words)
    if meant:
        return meant
    if close:
        return tuple(f"{verb} {rest}".rstrip() for verb in close)
    return (f"declare {words}", f"note {words}") if rest else ()


def _by_phrase(words: str) -> tuple[str, ...]:
    for pattern, commands in _MEANT:
        match = pattern.match(words)
        if match is not None:
            rest = words[match.end() :].strip(" :,")
            values = {"rest": rest, "all": words, **match.groupdict()}
            return tuple(one.format(**values).strip() for one in commands.split("|"))
    return ()


def with_words(message: Message, typed: str, *, slash: str) -> Message:
    """Return the refusal with what was typed, so that nobody has to write it again.

    Slack clears the line. A word or two is quicker typed than read.
    """
    words = plain(typed)
    if len(words.split()) < _WORTH_KEEPING or code(words)[1:-1] in message.text:
        return message
    line = f"You typed: {code(f'{slash} {words}')}"
    return Message(text=f"{message.text}\n{line}", blocks=(*message.blocks, *paragraphs(line)))


def grammar_message(error: CommandRefused, *, slash: str) -> Message:
    """Return the refusal of a text that isn't a valid command."""
    match error.problem:
        case "unknown_verb":
            text = _unknown_verb(error, slash=slash)
        case "near_flag":
            meant = " or ".join(f"`{one}`" for one in error.close)
            text = (
                f"Did you mean {meant}? I don't know `{escape(error.word)}`, so nothing was done. If "
                f"it belongs to your text, put it in backticks."
            )
        case "takes_no_words":
            before = " ".join(part for part in (slash, error.reference) if part)
            ready = "".join(f" Did you mean {code(f'{before} {one}')}?" for one in error.close)
            text = f"{code(error.word)} takes no words after it, so nothing was done.{ready}"
        case "reference_last":
            ready = code(f"{slash} {error.close[0]}")
            return say(f"An incident's number comes first, so nothing was done: {ready}")
        case "flag_takes_no_value":
            flag = error.word.partition("=")[0]
            text = (
                f"`{escape(flag)}` takes no value, so nothing was done: it is on where it stands. "
                f"Leave out `{escape(error.word)}`, or write `{escape(flag)}` alone."
            )
        case _:
            text = f"`{escape(error.word)}` needs a value after it, so nothing was done."
    if error.command is not None:
        text = f"{text} Written as: `{usage_of(error.command, slash=slash)}`"
    return say(text)


def _unknown_verb(error: CommandRefused, *, slash: str) -> str:
    """Return the commands that the person may have meant, ready to send, with their words."""
    typed = plain(error.text or error.word)
    before = " ".join(part for part in (slash, error.reference) if part)
    meant = ready_commands(typed, close=error.close)
    if error.reference:  # about an incident that is there already
        meant = tuple(one for one in meant if not one.startswith("declare "))
    ready = [code(f"{before} {one}") for one in meant]
    lead = f"There is no {code(error.word)}, so nothing was done."
    if len(ready) == 1:
        return f"{lead} Did you mean {ready[0]}? `{slash} help` lists everything."
    if ready:
        return "\n".join(
            (f"{lead} Did you mean one of these?", *ready, f"`{slash} help` lists everything.")
        )
    return f"{lead} `{slash} help` lists everything."
