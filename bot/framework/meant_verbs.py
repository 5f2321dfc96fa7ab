"""Answers to a line that isn't a command: what was meant, ready to send, with the text kept whole."""

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from bot.framework.refusals import say
from bot.framework.slash_commands import CommandRefused, usage_of
from bot.slack.blocks import Message, paragraphs
from bot.slack.mentions import code, escape, plain

_WORTH_KEEPING: Final = 3

_ROLES: Final = r"(?:incident )?commander|ic|lead|deputy|scribe|comms(?: lead)?|communications(?: lead)?|liaison|ops"
# What `role` understands, for roles that people call otherwise.
_UNDERSTOOD: Final = MappingProxyType(
    {
        "incident commander": "commander",
        "lead": "commander",
        "comms lead": "comms",
        "communications lead": "comms",
        "liaison": "comms",
    }
)
_IT: Final = r"(?: (?:it|that|this|(?:the |this )?incident))?"
_BROKEN: Final = r"(?! (?:is|was|are|were|has|have|failed|fails|broke|looks|seems)\b)"

# Each pattern matches the start of the text; `{rest}` is what follows it, `{all}` the whole text.
# The first that matches wins. Compiled when first needed: most lines are commands.
_MEANT: Final[Sequence[tuple[str, str]]] = (
    # how bad it is
    (
        (
            r"(?:this is|it'?s|make (?:it|this)|bump(?: (?:it|this))?(?: up)?|raise(?: (?:it|severity))?"
            r"|lower(?: (?:it|severity))?|set(?: (?:it|severity))?|upgrade|downgrade|now)(?: (?:to|a|an|now|is))*"
            r" (?P<sev>(?:sev|p)[- ]?\d)\b[:,]?"
        ),
        "severity {sev} {rest}",
    ),
    (r"(?P<sev>(?:sev|p)-?\d)\b[:,]?", "declare {sev} {rest}|severity {sev} {rest}"),
    (
        r"(?:downgrade|upgrade|lower|worse|set severity|raise severity|raise the severity)(?: to)?\b",
        "severity {rest}",
    ),
    # news
    (r"(?:unsubscribe|unfollow)\b", "update subscribe"),  # each that it shows has *Stop*
    # who does what
    (r"(?:in )?command$", "role commander me"),
    (
        r"(?:i'?m|i am|i'?ll be|me as|be|let me be)? ?(?:the )?(?:ic|commander|incident commander)$",
        "role commander me",
    ),
    (
        r"(?:i'?ll |i |let me )?(?:take|taking|assume|claim|have)(?: over)? (?:command|lead|the lead|control)\b",
        "role commander me",
    ),
    (r"(?:i )?take[ -]?over\b", "takeover {rest}"),
    (
        (
            r"(?:i'?m|i am|i'?ll be|be|i'?ll take|i take|take|let me be|let me take)(?: the| a)?"
            rf" (?P<role>{_ROLES})\b"
        ),
        "role {role} me",
    ),
    (
        rf"(?:assign|make|give|set) (?:the )?(?P<role>{_ROLES})(?: role)?(?: (?:to|is))? (?P<who>\S+)",
        "role {role} {who}",
    ),
    (
        (
            r"(?:assign|make|give|set|appoint|add|put|name) (?P<who>\S+)(?: (?:as|to|be|the|a))*"
            rf" (?P<role>{_ROLES})\b"
        ),
        "role {role} {who}",
    ),
    (r"(?:step|stepping) (?:down|back)\b", "handoff none"),
    (r"(?:i'?m |i am )?(?:going home|leaving)\b|my shift (?:is over|ends)\b", "handoff"),
    (
        r"(?:transfer|hand ?over command|hand|pass)(?: command)?(?: ?over|[ -]off)?(?: to)?\b",
        "handoff {rest}",
    ),
    (r"who (?:can )?sees?\b.*", "who"),
    (r"who(?:'?s| is| are)? on.?call\b(?: for\b)?\W*", "oncall {rest}"),
    (r"who(?:'?s| is| are)?\b", "roles"),
    (rf"(?P<role>{_ROLES}) (?P<who>me|@\S+)$", "role {role} {who}"),
    (r"(?:assign|appoint) (?P<who>@\S+)$", "role commander {who}|action {who}"),
    (rf"(?P<role>{_ROLES})$", "role {role}"),
    # calls
    (r"take (?P<number>\d+)$", "escalate take {number}"),
    (
        r"(?:notify|tell|inform) (?:the |all )?(?:customers|users|stakeholders|everyone|everybody)\b",
        "update {rest}",
    ),
    (r"(?:kick|remove|eject) (?=[@<])", "uninvite {rest}"),
    (r"(?:add|bring in|include|loop in) (?=[@<])", "invite {rest}|escalate {rest}"),
    (r"(?:help (?:me|us)|(?:i |we )?need help|sos|mayday)\b", "escalate {rest}"),
    (
        (
            r"(?:page|call|ping|alert|notify|wake(?: up)?|summon|paging|calling|get(?: me)?|(?:i |we )?need)\b"
            r"(?: (?:the|an?)\b)?"
        ),
        "escalate {rest}",
    ),
    (r"(?=@)", "escalate {all}|note {all}"),
    (
        r"(?:ack|acknowledge|on it|i'?m on it|mine|got it|i'?ve got (?:it|this))\b",
        "escalation take",
    ),
    (r"break[- ]?(?:the )?glass\b", "proposal break-glass {rest}"),
    # another incident, by its number alone
    (
        r"#?(?P<number>\d+) (?=(?:show|note|status|severity|update|escalate|roles?|resolve|close|timeline)\b)",
        "INC-{number} {rest}",
    ),
    # its end
    (
        (
            r"(?:it'?s |everything(?:'s| is) |all )?(?:now )?(?:fixed|solved|resolved|recovered|good|fine|green"
            r"|back to normal|working again|done|over)\b"
        ),
        "resolve {rest}",
    ),
    (r"(?:fix|solve)\b", "resolve {rest}"),
    (
        r"(?:false (?:alarm|positive)|not an incident|never ?mind|no incident|ignore (?:this|it|that)|by mistake)\b",
        "cancel {all}",
    ),
    (rf"(?:end|finish|stop|wrap up)(?:{_IT}$|(?= (?:the |this )?incident))", "resolve|close"),
    (
        r"(?:dupe?|merge|same|duplicates?)(?: (?:of|as|with|into))?(?= inc-\d)",
        "duplicate {rest}",
    ),
    # how it stands
    (
        r"(?:we(?:'re| are) )?(?P<status>triage|investigating|identified|mitigated)\b",
        "status {status} {rest}",
    ),
    (r"(?:mitigate|mitigation)\b", "status mitigated {rest}"),
    (r"(?:looking into(?: (?:it|this))?|looking|checking)\b", "status investigating {rest}"),
    (r"(?:found (?:it|the cause)|root cause(?: is)?)\b", "status identified {rest}"),
    (
        (
            r"(?:what(?:'?s| is) (?:the status|going on|happening|up)|where are we|summary|summari[sz]e|info|details"
            r"|tl;?dr|overview|state|bridge|war ?room|where is the channel|join)\b"
        ),
        "show",
    ),
    (
        r"(?:what (?:do|should) (?:i|we) do|what (?:now|next)|now what|next|runbook)\b",
        "show|help",
    ),
    (r"(?:check ?list|first (?:steps?|minutes|fifteen minutes))\b", "learn check"),
    (r"(?:history|log|events|what happened)$", "timeline"),
    (r"(?:open |all |list )?incidents\b", "list"),
    # beginning one
    (r"(?:test|exercise|training|game ?day|simulate)\b(?: incident)?", "drill"),
    (
        (
            r"(?:(?:start|open|create|report|raise|begin|trigger|file|we have|there(?:'s| is))(?: an?)?(?: new)?"
            r"(?: (?:incident|outage))?|incident|outage)\b"
        ),
        "declare {rest}",
    ),
    # words
    (r"eta(?: in)?(?= \S)|next update(?: in)?(?= \S)", "update --next {rest}"),
    (r"(?:eta|next update|zoom|link)\W*$", "show"),
    (
        (
            r"(?:(?:comms|customer|stakeholder|public) update|comms|statuspage|status page|status update"
            r"|post(?: an? update)?|announce|communicate|tell|inform)\b"
        ),
        "update {rest}",
    ),
    (
        r"(?:delete|remove|erase|retract|take back|hide)(?: (?:that|this|it|my (?:last )?note))$|oops$",
        "undo",
    ),
    (r"(?:hide|redact|destroy|censor)\b", "timeline"),  # each entry's menu has *Hide…*
    (r"(?:delete|remove|erase)\b", "undo|timeline"),
    (r"(?:todo|task|follow-?up)\b", "action {rest}"),
    (r"(?:add (?:a )?note|log|record|write(?: down)?|fyi|comment)\b", "note {rest}"),
    (r"add\b", "note {rest}|action {rest}"),
    (r"(?:rolled ?back|reverted|restarted|deployed|failed over|rebooted)\b", "note {all}"),
    (
        rf"(?:roll ?back|revert|restart|deploy|fail ?over|reboot|scale|drain|kill)\b{_BROKEN}",
        "propose {all}|note {all}",
    ),
    (r"(?:rename|title|retitle|change (?:the )?title)\b", "edit"),
    (r"(?:rca|retro(?:spective)?|post-mortem|review)\b", "postmortem"),
    (r"(?:download|save|pdf|csv)\b", "export"),
    (r"(?:make (?:it|this) |set (?:it )?)(?:private|secret|confidential)\b", "private"),
    (r"(?:approve|decline|reject)\b", "proposal {all}"),
    (r"(?:approved|lgtm|yes|go ahead)\b", "proposal approve {rest}"),
    (r"(?:declined|rejected|no)$", "proposal decline"),
    (
        r"(?:remind me later|later|not now|quiet|shut up|mute|silence|stop (?:asking|reminding|nagging))\b",
        "snooze|prompts off",
    ),
)
# `test environment is down` may be meant to be declared, whatever its first word is.
_SOUNDS_BROKEN: Final = re.compile(
    r"\S+ (?:is|are|was|were|went|looks?|seems?) (?:down|broken|slow|stuck|dead|failing|unreachable|gone|full)\b"
    r"|\b(?:errors?|timeouts?|outage|fails|failed)\b",
    re.IGNORECASE,
)
_POLITE: Final = re.compile(
    r"(?:(?:please|pls|can (?:you|we|i|somebody|someone)|could (?:you|we|somebody|someone)|let'?s|(?:i|we) (?:want|have|need|would like) to"
    r"|we should|i'?d like to|just|and|ok|okay|hey|hi|so)[,]?\s+)+",
    re.IGNORECASE,
)
_ASKS_FOR_HELP: Final = frozenset({"hello", "hi", "hey", "commands", "usage", "man"})


def ready_commands(text: str, *, close: Sequence[str]) -> tuple[str, ...]:
    """Return up to three commands that the person may have meant, best first.

    `text` is the whole line after the reference; `close` are verbs that its first word resembles.
    """
    words = " ".join(text.replace("\u2060", "").split())
    polite = _POLITE.match(words)
    first, _, rest = words.partition(" ")
    if first.casefold() in _ASKS_FOR_HELP:
        return ("help",)
    meant = _by_phrase(words) or _by_phrase(words[polite.end() :] if polite else "")
    if meant and _SOUNDS_BROKEN.search(words) and not meant[0].startswith("declare"):
        return (*meant[:2], f"declare {words}")
    if meant:
        return meant
    if close:
        return tuple(f"{verb} {rest}".rstrip() for verb in close)
    return (f"declare {words}", f"note {words}") if rest else ()


def _by_phrase(words: str) -> tuple[str, ...]:
    for pattern, commands in _MEANT:
        match = re.match(pattern, words, re.IGNORECASE)
        if match is not None and words:
            rest = words[match.end() :].strip(" :,")
            values = {"rest": rest, "all": words, **match.groupdict()}
            role = values.get("role") or ""
            values["role"] = _UNDERSTOOD.get(role.casefold(), role)
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
            likely = error.close or _by_phrase(error.text)
            ready = "".join(f" Did you mean {code(f'{before} {one}')}?" for one in likely)
            text = f"{code(error.word)} takes no words after it, so nothing was done.{ready}"
        case "text_or_verb":
            before = " ".join(part for part in (slash, error.reference) if part)
            ready = "\n".join(code(f"{before} {one}") for one in error.close)
            lead = f"{code(error.word)} can be read in two ways, so nothing was done."
            return say(f"{lead} Send the line that you mean:\n{ready}")
        case "reference_last":
            ready = code(f"{slash} {error.close[0]}")
            return say(f"An incident's number comes first, so nothing was done: {ready}")
        case "flag_takes_no_value":
            flag = error.word.partition("=")[0]
            text = (
                f"`{escape(flag)}` takes no value, so nothing was done. "
                f"Write `{escape(flag)}` alone to switch it on, or leave it out."
            )
        case _:
            text = f"`{escape(error.word)}` needs a value after it, so nothing was done."
    if error.command is not None:
        text = f"{text} Written as: `{usage_of(error.command, slash=slash)}`"
    return say(text)


def _unknown_verb(error: CommandRefused, *, slash: str) -> str:
    """Return the commands that the person may have meant, ready to send, with their text."""
    typed = plain(error.text or error.word)
    before = " ".join(part for part in (slash, error.reference) if part)
    meant = ready_commands(typed, close=error.close)
    if error.reference:  # about an incident that is there already
        meant = tuple(one for one in meant if not one.startswith("declare "))
    ready = [code(f"{before} {one}") for one in meant]
    lead = f"There is no {code(error.word)}, so nothing was done."
    if len(ready) == 1:
        return f"{lead} Did you mean {ready[0]}? `{slash} help all` lists everything."
    if ready:
        return "\n".join(
            (f"{lead} Did you mean one of these?", *ready, f"`{slash} help all` lists everything.")
        )
    return f"{lead} `{slash} help all` lists everything."
