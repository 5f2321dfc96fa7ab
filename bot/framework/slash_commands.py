"""The grammar of the slash command: one table drives parser, routing, help and "did you mean"."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, Literal

from bot.slack.mentions import normalise_typing
from incidents.core.ids import Reference, parse_reference
from incidents.core.times import find_duration

_WORD = re.compile(r"\S+")
# How command lines are asked how they are written. `help` isn't here: `escalate help` is a text.
_ASKS_HOW = frozenset({"--help", "-h", "\u2014help", "\u2013help", "?", "-?", "/?"})
# Verbs whose first word can't be an incident's number by chance, as a text's may.
_NO_TEXT_FIRST = frozenset({"status", "severity", "role", "handoff", "invite", "checkin", "snooze"})
# How much a word must resemble an option to be asked about: `--privte`, but not `--force`.
_RESEMBLES = 0.75
_SHORTEST_START = 3
# How much an unknown verb must resemble one: `statsu`, but not `next` and `export`.
_CLOSE = 0.7
# The most words of a duration after its first: `1 hour and 30 minutes`.
_LONGEST = 4

# `handoff to @ben` is `handoff @ben`.
_TOWARDS: Final = re.compile(r"^(?:to|with|by)\s+(?=<@|@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommandWords:
    """A parsed slash command: reference, verb, flags, and the remaining text."""

    verb: str
    text: str
    reference: Reference | None = None
    flags: Mapping[str, str] = field(default_factory=dict)

    def has(self, flag: str) -> bool:
        """Tell whether the flag was given."""
        return flag in self.flags

    def split_first(self) -> tuple[str, str]:
        """Return the first word of the text, and the rest as typed; "" where there is none."""
        return split_first(self.text)

    def split_person(self) -> tuple[str, str]:
        """Return the person that the text begins with, as in `to @ben …`, and the rest as typed."""
        return split_first(_TOWARDS.sub("", self.text.strip(), count=1))


NO_WORDS: Final = CommandWords("", "")


def split_first(text: str) -> tuple[str, str]:
    """Return the first word of a text, and the rest as typed; "" where there is none."""
    words = text.split(maxsplit=1)
    return (words[0] if words else ""), (words[1] if len(words) > 1 else "")


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of a command, as `--name`, or `--name VALUE` when it has a metavar."""

    name: str
    summary: str
    metavar: str | None = None


class Repeat(StrEnum):
    """How a verb recognises a request that comes again: it is answered as before, and changes nothing."""

    # By the ids that Slack gives it: of a command, a form, or a message with its button.
    REQUEST = "request"
    # Also by person, place and text, within a minute; a command without text as REQUEST.
    WORDS = "words"
    # It only shows something.
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A grammar row that drives parser, help and tests; without `usage` it can't be typed."""

    usage: str = ""
    summary: str = ""
    aliases: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    repeat: Repeat = Repeat.REQUEST

    # The verb as a member of a family: `undo` is `note undo`, too. `when` matches all that may
    # follow the family's word for it to be this verb, so that people's text stays text; its group
    # `rest` is what the verb gets. Without `when`: the verb's word, then anything. What only `doubt`
    # matches may be text or the verb, and is asked about. `inside` is how it is written there, if
    # not as the family's word and `usage`.
    family: str = ""
    when: str = ""
    doubt: str = ""
    inside: str = ""

    @property
    def name(self) -> str:
        """Return the verb: the first word of the usage that isn't optional."""
        return next((word for word in self.usage.split() if not word.startswith("[")), "")

    @property
    def takes_words(self) -> bool:
        """Tell whether something may follow the verb."""
        return not self.usage.endswith(self.name)

    @property
    def takes_reference(self) -> bool:
        """Tell whether another incident may follow the verb, as in `duplicate INC-7`."""
        return "INC-" in self.usage.partition(f"{self.name} ")[2]


@dataclass(eq=False)
class CommandRefused(Exception):
    """The text isn't a valid command; nothing was done. `close` holds similar verbs or flags."""

    problem: Literal[
        "unknown_verb",
        "near_flag",
        "flag_needs_value",
        "flag_takes_no_value",
        "takes_no_words",
        "reference_last",
        "text_or_verb",
    ]
    word: str
    command: Command | None = None
    close: tuple[str, ...] = ()
    # The whole line, and the incident's reference if the line began with one.
    text: str = ""
    reference: str = ""


class Grammar:
    """All commands, by name and alias. Raises: ValueError if two share a word."""

    def __init__(self, commands: Iterable[Command]) -> None:
        """Collect the commands of all features."""
        self.commands = tuple(commands)
        self._by_word: dict[str, Command] = {}
        for command in self.commands:
            for word in (command.name, *command.aliases):
                if word in self._by_word:
                    raise ValueError(f"two commands are called {word!r}")
                self._by_word[word] = command
        self.families: Mapping[str, Sequence[Command]] = {
            name: [one for one in self.commands if one.family == name]
            for name in dict.fromkeys(one.family or one.name for one in self.commands)
        }

    def find(self, word: str) -> Command | None:
        """Return the command with this name or alias, in any case, as in `Note:`, or None."""
        return self._by_word.get(word.casefold()) or self._by_word.get(_bare(word))

    def close_to(self, word: str) -> tuple[str, ...]:
        """Return the names of up to three commands that resemble the word."""
        near = get_close_matches(word.casefold(), self._by_word, n=3, cutoff=_CLOSE)
        return tuple(dict.fromkeys(self._by_word[name].name for name in near))

    def parse(self, text: str) -> tuple[Command | None, CommandWords]:
        """Return the command and its words; an empty text has no command and means help.

        Raises: CommandRefused for an unknown verb, words after a verb that takes none, a reference
            after the verb, a misspelt option, or one without its value.
        """
        rest = normalise_typing(text).strip()
        first, after_first = _split_word(rest)
        reference = parse_reference(first)
        if reference is not None:
            rest = after_first
        verb, tail = _split_word(rest)
        if not verb:
            default = self.find("show") if reference is not None else None
            return default, CommandWords(verb="show", text="", reference=reference)
        command = self.find("help" if verb.casefold() in _ASKS_HOW else verb)
        if command is None:
            raise CommandRefused(
                "unknown_verb",
                verb,
                close=self.close_to(verb),
                text=rest,
                reference=str(reference or ""),
            )
        family = _bare(verb) if _bare(verb) in self.families else command.name
        head = command
        if not verb.endswith(":"):  # `note: undo` is a text
            command, tail = self._member(family, head, tail, reference=str(reference or ""))
        if tail.casefold() in _ASKS_HOW:  # `cancel --help` must not cancel
            asked = family if command is head else command.name
            return self.find("help"), CommandWords(verb="help", text=asked, reference=reference)
        self._refuse_misplaced(command, tail, reference=str(reference or ""))
        flags, words = _take_flags(tail, command)
        return command, CommandWords(
            verb=command.name, text=words, reference=reference, flags=flags
        )

    def _member(
        self, family: str, head: Command, text: str, *, reference: str
    ) -> tuple[Command, str]:
        """Return the family's verb that the text begins with, and its words; else the head.

        Raises: CommandRefused for what may be text or a verb.
        """
        first, rest = _split_word(text)
        for member in self.families.get(family, ()):
            is_named = first.casefold() in {member.name, *member.aliases}
            if is_named and (not member.when or rest.casefold() in _ASKS_HOW):
                return member, rest
            # A stop behind a verb is no text: `take!` must not call somebody.
            found = _matches(member.when, text) or _matches(member.when, text.rstrip(".!\u3002"))
            if found is not None:
                return member, (found["rest"] or "").strip()
            if _matches(member.doubt, text.rstrip(".!\u3002")) is not None:
                as_verb = text if is_named else f"{member.name} {text}"
                close = (as_verb, f"{head.name}: {text}")
                raise CommandRefused(
                    "text_or_verb", f"{family} {first}", close=close, reference=reference
                )
        # `learn` itself takes only a person.
        is_alone = text.casefold() in {"", *_ASKS_HOW} or first[0] in "@<-\u2013\u2014"
        if family != head.name and not is_alone:
            named = f"{family} {first}"
            near = self.close_to(first)
            raise CommandRefused("unknown_verb", named, close=near, text=text, reference=reference)
        return head, text

    def _refuse_misplaced(self, command: Command, text: str, *, reference: str) -> None:
        """Refuse words that would be dropped, and an incident named after the verb."""
        if parse_reference(text) is not None and not command.takes_reference:
            # A list or a declaration isn't about one incident.
            verb = "show" if command.name in {"declare", "find", "help", "list"} else command.name
            ready: tuple[str, ...] = (f"{text.upper()} {verb}",)
            raise CommandRefused("reference_last", text, command=command, close=ready)
        first, rest = _split_word(text)
        if command.name in _NO_TEXT_FIRST and parse_reference(_bare(first)) is not None:
            ready = (f"{_bare(first).upper()} {command.name} {rest}",)
            raise CommandRefused("reference_last", text, command=command, close=ready)
        if text and not command.takes_words:
            singular = self.find(command.name.removesuffix("s"))
            ready = (f"{singular.name} {text}",) if singular and singular is not command else ()
            if command.name == "show":  # `show roles`, `show checkout`
                other = self.find(first)
                ready = (text if other is not None else f"show find {text}",)
            raise CommandRefused(
                "takes_no_words",
                command.name,
                command=command,
                close=ready,
                text=f"{command.name} {text}",
                reference=reference,
            )


def reference_first(text: str) -> str:
    """Return `note INC-2 text` as `INC-2 note text`; "" if no reference follows the verb."""
    words = text.split()
    at = 2 if words and words[0].casefold() in _NO_TEXT_FIRST else 1  # `status resolve INC-2`
    for place in range(1, at + 1):
        named = _bare(" ".join(words[place : place + 1]))
        if parse_reference(named) is not None and words[place - 1].casefold() != "duplicate":
            return " ".join((named.upper(), *words[:place], *words[place + 1 :]))
    return ""


def _bare(word: str) -> str:
    return word.casefold().rstrip(":,.!?")


def _matches(pattern: str, text: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) if pattern else None


def _split_word(text: str) -> tuple[str, str]:
    match = _WORD.match(text)
    if match is None:
        return "", ""
    return match[0], text[match.end() :].lstrip()


def _take_flags(text: str, command: Command) -> tuple[Mapping[str, str], str]:
    """Return the flags, and the rest of the text as typed, with its line breaks.

    Only this command's options are flags: `--force` in a note about `kubectl` is text.

    Raises: CommandRefused for a word that resembles one of the options, an option without its
        value, or a value for an option that takes none.
    """
    known = {flag.name: flag for flag in command.flags}
    flags: dict[str, str] = {}
    kept: list[str] = []
    position = 0
    words = list(_WORD.finditer(text))
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        name, given = _split_flag(word[0])
        flag = known.get(name)
        if flag is None:
            _refuse_near_miss(word[0], name, command)
            continue
        kept.append(text[position : word.start()])
        position = word.end()
        if flag.metavar is None and "=" in word[0]:  # `--drill=no` must not make it a drill
            raise CommandRefused("flag_takes_no_value", word[0], command=command)
        if flag.metavar is not None and not given:
            if index >= len(words) or _split_flag(words[index][0])[0] in known:
                raise CommandRefused("flag_needs_value", word[0], command=command)
            given, position = words[index][0], words[index].end()
            index += 1
        more = _more_of_a_duration(given, [one[0] for one in words[index : index + _LONGEST]])
        if more:  # `--next 20 min`, `--next half an hour`
            given, position = " ".join((given, *more)), words[index + len(more) - 1].end()
            index += len(more)
        flags[name] = given
    kept.append(text[position:])
    return flags, "".join(kept).strip()


def _more_of_a_duration(given: str, after: Sequence[str]) -> Sequence[str]:
    """Return the following words that make one duration with the given one, as many as possible."""
    for count in range(len(after), 0, -1):
        if given and find_duration(" ".join((given, *after[:count]))):
            return after[:count]
    return ()


def _split_flag(word: str) -> tuple[str, str]:
    """Split `--next=20m`; "" for text. Phones turn the two dashes into one long dash."""
    match = re.fullmatch(r"(?:--|[\u2013\u2014])([A-Za-z][^=]*)(?:=(.*))?", word, re.DOTALL)
    return (match[1].casefold(), match[2] or "") if match else ("", "")


def _refuse_near_miss(word: str, name: str, command: Command) -> None:
    known = [flag.name for flag in command.flags]
    near = get_close_matches(name, known, n=2, cutoff=_RESEMBLES)
    if len(name) >= _SHORTEST_START:
        near += [one for one in known if one.startswith(name) and one not in near]
    if near:
        close = tuple(f"--{one}" for one in near)
        raise CommandRefused("near_flag", word, command=command, close=close)


def usage_of(command: Command, *, slash: str) -> str:
    """Return how the command is written, e.g. `/incident snooze 15m [reason]`."""
    return f"{slash} {command.usage}".strip()


def usage_inside(command: Command, *, slash: str) -> str:
    """Return how the command is written in its family, e.g. `/incident update snooze [15m] [reason]`."""
    usage = command.usage.removeprefix("[INC-12] ")
    return f"{slash} {command.inside or f'{command.family} {usage}'.strip()}"


def flag_usage(flag: Flag) -> str:
    """Return how the flag is written, e.g. `--next 20m`."""
    return f"--{flag.name} {flag.metavar}" if flag.metavar else f"--{flag.name}"
