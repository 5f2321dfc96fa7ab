"""Help: what you can do in this channel, and each command with its examples."""

from collections.abc import Callable, Iterable, Sequence

from bot.framework.arguments import Arguments
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import (
    Command,
    CommandRefused,
    Grammar,
    Repeat,
    flag_usage,
    usage_of,
)
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.incident.incident import ByChannel
from incidents.incident.views import IncidentView, find_incident_view

_HEADINGS = (
    ("Declare and find", ("declare", "list", "show", "help")),
    ("Lead", ("role", "roles", "handoff", "checkin", "status", "severity", "edit")),
    ("The channel", ("channel", "private", "recover")),
    ("Get help, agree on risky steps", ("escalate", "escalation", "propose", "proposal")),
    ("Keep people informed", ("update", "snooze", "handover")),
    ("Keep the record", ("note", "undo", "timeline", "export", "milestones")),
    ("End it", ("resolve", "close", "reopen", "cancel", "duplicate")),
    ("Learn from it", ("postmortem", "action", "actions")),
    ("Practise and grow", ("drill", "check", "act", "shadow", "progress", "stage", "prompts")),
)


class Wanted(Arguments):
    """The verb to explain; "" asks for the overview."""

    verb: str = ""


def help_feature(others: Iterable[Feature]) -> Feature:
    """Return the help feature, which covers the commands of all other features."""
    commands: list[Command] = [command for item in others for command in item.commands]

    async def help_command(request: Request, given: Wanted) -> Reply:
        """Answer `help`, or `help verb`."""
        slash = request.policy.command
        if not given.verb:
            return Say(overview(commands, here=await _here(request), slash=slash))
        grammar = Grammar(commands)
        command = grammar.find(given.verb)
        if command is None:
            about_me = given.verb.casefold().partition(" ")[0] in {"me", "us"}
            raise CommandRefused(
                "unknown_verb",
                given.verb,
                close=grammar.close_to(given.verb),
                text=f"help {given.verb}" if about_me else given.verb,
            )
        return Say(command_help(command, slash=slash))

    own = Verb(
        Wanted,
        usage="help [verb]",
        repeat=Repeat.HARMLESS,
        summary="What you can do here; with a verb, how it is written.",
        aliases=("?",),
        examples=("help update",),
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


def overview(
    commands: Iterable[Command], *, here: IncidentView | None, slash: str
) -> blocks.Message:
    """Return the overview: every verb with its summary, those that fit this channel first."""
    known, is_inside = list(commands), here is not None
    parts = _parts(known, is_inside=is_inside, written=lambda one: usage_of(one, slash=slash))
    # With usage the fallback would exceed Slack's limit, and be harder to follow when read out.
    spoken = _parts(known, is_inside=is_inside, written=lambda one: one.name)
    opening, more = _opening(here, slash=slash), f"More on one verb: `{slash} help update`."
    return blocks.Message(
        text="\n".join([opening, *spoken, more]),
        blocks=(
            blocks.section(opening),
            blocks.divider(),
            *(block for part in parts for block in blocks.paragraphs(part)),
            blocks.context(more),
        ),
    )


def _parts(
    commands: Sequence[Command], *, is_inside: bool, written: Callable[[Command], str]
) -> list[str]:
    """Return all verbs under headings, those that fit this channel first."""
    grouped = {name for _, names in _HEADINGS for name in names}
    rest = tuple(command.name for command in commands if command.name not in grouped)
    first, *others = _HEADINGS
    ordered = (*others, first) if is_inside else _HEADINGS
    parts = []
    for heading, names in (*ordered, ("More", rest)):
        lines = [
            f"`{written(command)}` {command.summary}"
            for name in names
            for command in commands
            if command.name == name
        ]
        if lines:
            parts.append("\n".join([f"*{heading}*", *lines]))
    return parts


def _opening(here: IncidentView | None, *, slash: str) -> str:
    if here is None:
        return (
            f"Something is wrong? `{slash} declare` and say what you see; the rest can wait. "
            f"Looking for an incident? `{slash} list`."
        )
    return (
        f"You are in *{here.reference}* ({here.severity_name}, {here.status}): "
        f"{mentions.escape_line(here.title)}. Commands here mean this incident."
    )


def command_help(command: Command, *, slash: str) -> blocks.Message:
    """Return the usage of one command, with its options and examples."""
    lines = [f"`{usage_of(command, slash=slash)}`", command.summary]
    lines += [f"`{flag_usage(flag)}`: {flag.summary}" for flag in command.flags]
    if command.aliases:
        lines.append(f"Also: {', '.join(f'`{alias}`' for alias in command.aliases)}")
    lines += [f"For example: `{slash} {example}`" for example in command.examples]
    return say("\n".join(lines))
