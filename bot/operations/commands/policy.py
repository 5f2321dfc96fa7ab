"""`sitrep policy`: checks, prints or reloads the workspace's policy."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.operations.commands.configuration import WRONG_CONFIGURATION, complain, load_configuration
from bot.operations.commands.output import fail

if TYPE_CHECKING:
    from bot.operations.commands.configuration import Configuration
    from incidents.record.audit_log import AuditEntry

# A running process looks every 2 seconds.
ANSWER_SECONDS: Final = 10


def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A policy file; otherwise the one in SITREP_POLICY."),
    ] = None,
) -> None:
    """Check the policy; report every mistake with its line."""
    from config.policy_loader import LoadedPolicy, PolicyErrors, load_policy  # noqa: PLC0415

    loaded: LoadedPolicy
    if file is None:
        loaded = load_configuration().loaded
    else:
        try:
            loaded = load_policy(file, setting="")
        except PolicyErrors as errors:
            complain(list(errors.problems))
            raise typer.Exit(WRONG_CONFIGURATION) from None
    typer.echo(f"ok {loaded.source}, digest {loaded.digest}")


def show() -> None:
    """Print the policy that is in force, as a file that could be SITREP_POLICY."""
    from config.policy_loader import dump_policy  # noqa: PLC0415

    loaded = load_configuration().loaded
    typer.echo(f"# {loaded.source}, digest {loaded.digest}")
    typer.echo(dump_policy(loaded.policy), nl=False)


def explain(
    severity: Annotated[str, typer.Argument(metavar="SEVERITY", help="Such as sev1.")],
    service: Annotated[
        str | None,
        typer.Argument(metavar="SERVICE", help="A service's key; without one, of no service."),
    ] = None,
) -> None:
    """Say who would hear of an incident, by which medium, and which rule says so."""
    from incidents.calling.explain import explain as explained  # noqa: PLC0415

    loaded = load_configuration().loaded
    policy = loaded.policy
    found = policy.find_severity(severity) or policy.find_severity_named(severity)
    meant = policy.find_service(service) if service is not None else None
    if found is None:
        known = ", ".join(one.key for one in policy.severities)
        fail(f"There is no severity {severity}. The policy has {known}.")
    if service is not None and meant is None:
        known = ", ".join(one.key for one in policy.services) or "none"
        fail(f"There is no service {service}. The policy has {known}.")
    where = f"in {meant.name}" if meant is not None else "that names no service"
    typer.echo(f"A {found.name} {where}:")
    for line in explained(policy, found, meant):
        place = f"  [{loaded.rules_at[line.rule]}]" if line.rule is not None else ""
        typer.echo(f"  {line.text}{place}")


def reload(
    *,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
) -> None:
    """Let the running Sitrep read its policy again, and say what changed."""
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415

    configuration = load_configuration()
    try:
        asked, answer = asyncio.run(_reload(configuration, workspace))
    except CannotRead as error:
        fail(str(error))
    if asked is not None and answer is None:
        fail(
            f"Nobody answered within {ANSWER_SECONDS} seconds. If Sitrep isn't running, it reads "
            "the policy when it starts."
        )
    if answer is None:
        typer.echo(f"Nothing to change: {configuration.loaded.source} is in force already.")
        return
    content = answer.content or {}
    for line in (*content.get("changes", ()), *content.get("problems", ())):
        typer.echo(line)
    if more := content.get("more_changes"):
        typer.echo(f"… and {more} more")
    if "problems" in content:
        fail("\nSitrep refused its policy file, so the policy before stays in force.")
    typer.echo(f"\nIn force now; audit log, entry {answer.sequence}.")


async def _reload(
    configuration: "Configuration", workspace: str | None
) -> "tuple[int | None, AuditEntry | None]":
    """Ask, and wait for the answer; the first is None if that policy is in force already."""
    from bot.operations.commands.record import open_record, run_as_operator  # noqa: PLC0415
    from incidents.record.audit_log import AuditKind, find_audit_entries  # noqa: PLC0415
    from incidents.supervision.policy_record import ask_for_reload  # noqa: PLC0415

    answers = AuditKind.POLICY_CHANGED, AuditKind.POLICY_REFUSED
    asked = await run_as_operator(configuration, ask_for_reload, workspace=workspace)
    if asked.data["digest"] == configuration.loaded.digest:
        return None, None
    sequence = int(asked.data["sequence"])
    for _ in range(ANSWER_SECONDS):
        await asyncio.sleep(1)
        async with open_record(configuration.settings, workspace=workspace) as record:
            found = await find_audit_entries(
                record.session, *answers, workspace_id=record.workspace_id, after=sequence
            )
        if found:
            return sequence, found[-1]
    return sequence, None
