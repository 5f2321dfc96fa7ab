"""`sitrep init`: writes a policy of one's own, from questions and from Slack."""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from bot.operations.first_day.draft import Draft
    from bot.operations.first_day.questions import Given
    from bot.operations.first_day.workspace import Workspace
    from bot.slack.gateway import SlackGateway
    from config.policy_loader import LoadedPolicy
    from config.settings import Settings

_SERVICE = 'For example "Search=@search-oncall,@search-team": on call, owner. Repeat it.'


def init(
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("policy.yaml"),
    channel: Annotated[str | None, typer.Option(help="Where incidents are announced.")] = None,
    service: Annotated[list[str] | None, typer.Option(help=_SERVICE)] = None,
    manager: Annotated[str | None, typer.Option(help="Called when on-call doesn't answer.")] = None,
    backup: Annotated[
        str | None, typer.Option(help="Takes command of a SEV1 or SEV2 if nobody does.")
    ] = None,
    holidays: Annotated[str | None, typer.Option(help="A country code, such as DE.")] = None,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; take what is suggested.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Don't ask Slack.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a policy of your own: services, who is called, where incidents are announced.

    With a token in the environment or .env, Slack's user groups and channels are suggested.
    """
    from bot.operations.commands.configuration import quiet_logs  # noqa: PLC0415
    from bot.operations.first_day.questions import Given  # noqa: PLC0415

    if output.exists() and not force:
        fail(f"{output} is there already, so nothing was written. Add --force to overwrite it.")
    quiet_logs()
    given = Given(
        channel=channel,
        manager=manager,
        backup=backup,
        country=holidays,
        services=service or None,
        asks=not yes,
    )
    asyncio.run(_init(given, output, offline=offline, force=force))


async def _init(given: "Given", output: Path, *, offline: bool, force: bool) -> None:
    from bot.operations.first_day.questions import draft_of  # noqa: PLC0415
    from bot.operations.first_day.workspace import NamesNobody, Workspace  # noqa: PLC0415
    from bot.operations.reach import gaps  # noqa: PLC0415

    workspace = Workspace(None if offline else _gateway(_settings()))
    await workspace.look()
    _say_troubles(workspace)
    if given.asks:
        typer.echo(f"A policy for {workspace.name}. Enter takes what is in brackets; - is nobody.")
    try:
        draft = await draft_of(given, workspace)
    except NamesNobody as refused:
        fail(f"{refused} Nothing was written.")
    has_channel = await workspace.has_channel(draft.channel)
    _say_troubles(workspace)
    loaded = _write(draft, workspace, output, force=force)
    for finding in gaps(loaded.policy):
        typer.echo(str(finding))
    todo = [] if has_channel is not False else [f"Make a public channel {draft.channel} in Slack."]
    todo.append(f"Put SITREP_POLICY={output} into .env.")
    todo.append(
        "sitrep doctor, then sitrep serve. A Sitrep that runs already reads .env when it restarts."
    )
    for number, step in enumerate(todo, 1):
        typer.echo(f"{number}. {step}")


def _write(draft: "Draft", workspace: "Workspace", output: Path, *, force: bool) -> "LoadedPolicy":
    """Write the file if Sitrep accepts it."""
    from config.policy_loader import PolicyErrors, load_policy  # noqa: PLC0415

    text = draft.text(where=workspace.name, path=str(output))
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / output.name
        trial.write_text(text, encoding="utf-8")
        try:
            loaded = load_policy(trial, setting="")
        except PolicyErrors as errors:
            problems = "\n".join(str(problem) for problem in errors.problems)
            fail(f"{problems.replace(str(trial), str(output))}\nNothing was written.")
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"{output} can't be written: {error.strerror}. Choose a folder that exists.")
    typer.echo(f"\nWritten: {output}, {text.count(chr(10))} lines.")
    return loaded


def _settings() -> "Settings":
    from bot.operations.commands.configuration import (  # noqa: PLC0415
        WRONG_CONFIGURATION,
        complain,
    )
    from config.settings import ConfigurationErrors, load_settings  # noqa: PLC0415

    try:
        return load_settings()
    except ConfigurationErrors as errors:
        complain(list(errors.problems))
        raise typer.Exit(WRONG_CONFIGURATION) from None


def _gateway(settings: "Settings") -> "SlackGateway | None":
    from bot.inbound.bolt import make_client  # noqa: PLC0415
    from bot.slack.gateway import SlackGateway  # noqa: PLC0415
    from bot.slack.rate_limits import RateLimits  # noqa: PLC0415
    from incidents.core.clock import SystemClock  # noqa: PLC0415

    if settings.slack_bot_token is None:
        return None
    clock = SystemClock()
    client = make_client(
        settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url
    )
    return SlackGateway(client, limits=RateLimits.disabled(clock), clock=clock)


def _say_troubles(workspace: "Workspace") -> None:
    for trouble in workspace.troubles:
        typer.echo(trouble, err=True)
    workspace.troubles.clear()
