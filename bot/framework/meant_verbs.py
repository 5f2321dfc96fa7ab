"""What somebody meant whose first word isn't a verb: the ready commands, with their words whole."""

import re
from collections.abc import Sequence
from typing import Final

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
        (r"take ?over\b", "role commander me"),
        (r"(?:step|stepping) (?:down|back)\b", "handoff none"),
        (r"(?:page|call|ping|alert|notify|wake|get|summon|paging|calling)\b", "escalate {rest}"),
        (r"(?:help me|i need help|need help|sos)\b", "escalate {rest}"),
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
