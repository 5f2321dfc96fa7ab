"""Severities as people type them: `sev2`, `SEV-2:`, `P1`, `sev 2`, `severity 2`, `critical`."""

import re
from dataclasses import dataclass
from typing import Final

from bot.slack import blocks, mentions
from bot.slack.truncation import split_mrkdwn
from incidents.policy.policy import Policy, Severity

# Punctuation that people type around and after a severity.
_AROUND: Final = "[](){}<>:;,.!=*_`'\"-\u2013\u2014\u201c\u201d\u2018\u2019"
# Punctuation of its own between a severity and the text; `.NET` and `—tarjeta` stay whole.
_BETWEEN: Final = re.compile(r"\A[:;,.=\u2013\u2014-]+(?:\s+|$)")
_LEADING: Final = re.compile(r"\A(?:to|is|now|=)\s+", re.IGNORECASE)
_CODE: Final = re.compile(r"(?:p|prio|priority|sev|severity)[-_#.:= ]?(\d{1,2})", re.IGNORECASE)
_ZERO: Final = re.compile(r"(?:p|prio|priority|sev|severity)[-_#.:= ]?(?:0|zero)\b", re.IGNORECASE)
_DIGITS: Final = {"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
_LONGEST_CONTEXT: Final = 2_000
_PREFIXES: Final = frozenset({"prio", "priority", "sev", "severity"})


@dataclass(frozen=True, slots=True)
class Said:
    """The severity that a text begins with, and the text after it.

    `is_word`: it was an ordinary word, such as `critical`, that may as well be text. `is_guess`: it
    was `P0` or `sev0`, where the policy begins at 1.
    """

    severity: Severity | None
    rest: str
    is_word: bool = False
    is_guess: bool = False


def said_severity(text: str, policy: Policy, *, takes_numbers: bool = False) -> Said:
    """Return the severity that the text begins with. `takes_numbers`: also as a bare number."""
    if takes_numbers:
        text = _LEADING.sub("", text.strip())
    words = text.split(maxsplit=2)
    first = words[0].strip(_AROUND).casefold() if words else ""
    if first in _PREFIXES and len(words) > 1:
        second = words[1].strip(_AROUND).casefold()
        found = _by_rank(second, policy)
        if found is None and first.startswith("sev"):  # `severity critical` says it outright
            found = policy.find_severity_named(second)
        if found is not None:
            return Said(found, _cleaned(words[2] if len(words) > 2 else ""))  # noqa: PLR2004
    found = _by_code(first, policy)
    if found is None and takes_numbers:
        found = _by_rank(first, policy)
    if found is not None:
        return Said(found, _after_first(text))
    if _ZERO.match(text.strip().lstrip(_AROUND)):
        worst = min(policy.severities, key=lambda one: one.rank)
        return Said(worst, text, is_word=True, is_guess=True)
    found = policy.find_severity_named(first)
    return Said(found, _after_first(text) if found else text, is_word=found is not None)


def looks_like_severity(word: str, policy: Policy) -> bool:
    """Tell whether the word has the form of a severity, even of one that the policy lacks."""
    bare = word.strip(_AROUND)
    stems = {_stem(one.key) for one in policy.severities} - {""}
    return bool(_CODE.fullmatch(bare)) or (bare[-1:].isdecimal() and _stem(bare) in stems)


def _stem(key: str) -> str:
    return re.sub(r"[-_]?\d+$", "", key.casefold())


def _after_first(text: str) -> str:
    _, _, rest = text.strip().partition(" ")
    return _cleaned(rest)


def _cleaned(rest: str) -> str:
    return _BETWEEN.sub("", rest.lstrip())


def _by_code(word: str, policy: Policy) -> Severity | None:
    found = policy.find_severity(word) or policy.find_severity(word.replace("-", ""))
    match = _CODE.fullmatch(word)
    return found or (_by_rank(match[1], policy) if match else None)


def _by_rank(digits: str, policy: Policy) -> Severity | None:
    digits = _DIGITS.get(digits, digits)
    if not digits.isdecimal():
        return None
    own = policy.find_severity(f"sev{digits}")
    return own or next((one for one in policy.severities if one.rank == int(digits)), None)


def severity_meanings(policy: Policy) -> tuple[blocks.Block, ...]:
    """Return what each severity means, in full: a menu's options would cut it."""
    lines = (
        f"*{mentions.escape_line(item.name)}* {mentions.escape_line(item.meaning)}"
        for item in policy.severities
    )
    return tuple(map(blocks.context, split_mrkdwn("\n".join(lines), _LONGEST_CONTEXT)))
