"""Help: six lines that fit here, all thirteen families, and each verb with its examples."""

from collections.abc import Iterable
from typing import Final

from bot.features.browse.fitting import Line, fitting_lines
from bot.framework.arguments import Arguments, to_value
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import (
    Command,
    CommandRefused,
    Grammar,
    Repeat,
    flag_usage,
    usage_inside,
    usage_of,
)
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.incident.incident import ByChannel
from incidents.incident.views import IncidentView, find_incident_view

# The families, in the order in which they are listed.
FAMILIES: Final = (
    "declare", "status", "role", "update", "note", "escalate", "propose", "action", "show",
    "postmortem", "oncall", "learn", "help",
)  # fmt: skip
_ALL: Final = "all"


class Wanted(Arguments):
    """The verb to explain; "" asks for the overview."""

    verb: str = ""


def help_feature(others: Iterable[Feature]) -> Feature:
    """Return the help feature, which covers the commands of all other features."""
    commands: list[Command] = [command for item in others for command in item.commands]

    async def help_command(request: Request, given: Wanted) -> Reply:
        """Answer `help`, `help all`, `help family` or `help verb`."""
        slash, grammar = request.policy.command, Grammar(commands)
        if not given.verb:
            here = await _here(request)
            return Say(overview(here, fitting_lines(here, request.actor), slash=slash))
        if given.verb == _ALL:
            return Say(all_families(grammar, slash=slash), replaces=request.is_button)
        word = given.verb.casefold()
        if grammar.families.get(word):
            return Say(family_help(word, grammar, slash=slash))
        return Say(command_help(_meant(grammar, given.verb), slash=slash))

    own = Verb(
        Wanted,
        usage="help [verb|all]",
        repeat=Repeat.HARMLESS,
        summary="What you can do here; with a verb, how it is written.",
        aliases=("?",),
        examples=("help update", "help all"),
        buttons=("help_all",),
        typed=lambda request: Wanted(request.words.text.strip()),
        perform=help_command,
    )
    commands.append(own)
    return Feature(name="help", verbs=(own,))


async def _here(request: Request) -> IncidentView | None:
    if request.channel_id is None:
        return None
    async with request.services.database.reading() as session:
        return await find_incident_view(
            session,
            ByChannel(request.channel_id),
            workspace_id=request.services.workspace.id,
            viewer=request.actor,
        )


def _meant(grammar: Grammar, typed: str) -> Command:
    """Return the verb that somebody asks about: `resolve`, or `status resolve`.

    Raises: CommandRefused.
    """
    command = grammar.find(typed)
    if command is None and typed.casefold().partition(" ")[0] in grammar.families:
        command, _ = grammar.parse(typed)
    if command is not None:
        return command
    is_about_me = typed.casefold().partition(" ")[0] in {"me", "us"}
    raise CommandRefused(
        "unknown_verb",
        typed,
        close=grammar.close_to(typed),
        text=f"help {typed}" if is_about_me else typed,
    )


def overview(here: IncidentView | None, lines: Iterable[Line], *, slash: str) -> blocks.Message:
    """Return the lines that fit, and the button that shows all families."""
    opening = _opening(here, slash=slash)
    listed = "\n".join(f"`{slash} {line}`  {meaning}" for line, meaning in lines)
    more = f"More on one verb: `{slash} help update`. All of them: `{slash} help {_ALL}`."
    button = blocks.button("Show all", action_id="help_all", value=to_value(Wanted(_ALL)))
    return blocks.Message(
        text=f"{opening}\n{listed}\n{more}",
        blocks=(
            blocks.section(opening),
            *blocks.paragraphs(listed),
            blocks.actions(button),
            blocks.context(more),
        ),
    )


def all_families(grammar: Grammar, *, slash: str) -> blocks.Message:
    """Return all families, one line each."""
    lines = [_family_line(name, grammar, slash=slash) for name in FAMILIES]
    more = f"How one of them is written: `{slash} help status`."
    listed = "\n".join(lines)
    return blocks.Message(
        text=f"{listed}\n{more}", blocks=(*blocks.paragraphs(listed), blocks.context(more))
    )


def _family_line(name: str, grammar: Grammar, *, slash: str) -> str:
    head = grammar.find(name)
    members = [one for one in grammar.families[name] if one.name != name]
    with_ = [f"`{word}`" for one in members for word in _words_inside(one)]
    summary = head.summary if head is not None else ""
    return f"`{slash} {name}` {summary}" + (f" With {', '.join(with_)}." if with_ else "")


def family_help(name: str, grammar: Grammar, *, slash: str) -> blocks.Message:
    """Return how a family's verbs are written, with one example each."""
    head, members = grammar.find(name), grammar.families[name]
    parts = [] if head is None or head in members else [_written(head, slash=slash)]
    parts += [
        f"`{usage_inside(one, slash=slash)}` {one.summary}\nFor example: `{slash} {_example(one)}`"
        for one in members
    ]
    return blocks.Message(
        text="\n".join(parts),
        blocks=tuple(block for one in parts for block in blocks.paragraphs(one)),
    )


def _example(command: Command) -> str:
    return next((one for one in command.examples if one != command.name), command.name)


def _words_inside(command: Command) -> list[str]:
    """Return what follows the family's word: `undo`, or `take`, `more` and so on."""
    written = [one for one in command.inside.split()[1:] if not one.startswith("[")]
    return written[0].split("|") if written else [command.name]


def _opening(here: IncidentView | None, *, slash: str) -> str:
    if here is None:
        return "You aren't in an incident's channel. These lines fit here:"
    return (
        f"You are in *{here.reference}* ({here.severity_name}, {here.status}): "
        f"{mentions.escape_line(here.title)}. Commands here mean this incident."
    )


def command_help(command: Command, *, slash: str) -> blocks.Message:
    """Return the usage of one command, with its options and examples."""
    return say(_written(command, slash=slash))


def _written(command: Command, *, slash: str) -> str:
    lines = [f"`{usage_of(command, slash=slash)}`", command.summary]
    lines += [f"`{flag_usage(flag)}`: {flag.summary}" for flag in command.flags]
    also = [f"`{alias}`" for alias in command.aliases]
    if command.family:
        also.append(f"`{usage_inside(command, slash=slash)}`")
    if also:
        lines.append(f"Also: {', '.join(also)}")
    lines += [f"For example: `{slash} {example}`" for example in command.examples]
    return "\n".join(lines)
