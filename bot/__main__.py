"""The command line: `sitrep` once installed, otherwise `python -m bot`."""

import os
from importlib import metadata
from typing import Annotated

import typer

from bot.operations.commands import (
    audit,
    backup,
    doctor,
    export,
    manifest,
    migrate,
    outbox,
    person,
    policy,
    serve,
    signing_key,
    verify,
)
from bot.operations.first_day import init
from bot.operations.importing import command as importing
from bot.operations.pagers import trying


def make_cli() -> typer.Typer:
    """Return the command line with all its commands."""
    cli = _typer("Runs incidents in Slack. Configured by the environment or .env; see README.")
    cli.callback()(_options)
    cli.command(short_help="Write a policy of your own, from questions and from Slack.")(init.init)
    cli.command()(serve.serve)
    cli.command()(migrate.migrate)
    cli.command(short_help="Check tokens, Slack, database and policy, and say how to fix them.")(
        doctor.doctor
    )
    cli.command(short_help="Print the app manifest for api.slack.com/apps.")(manifest.manifest)
    cli.command()(export.export)
    cli.command(short_help="Verify that the record is unchanged.")(verify.verify)
    cli.command(short_help="Back up the database, also while Sitrep runs.")(backup.backup)
    cli.command(short_help="Restore a backup, so that nothing happens twice.")(backup.restore)
    cli.command(short_help="Show the public key of signed exports.")(signing_key.signing_key)
    cli.command(short_help="Export the audit log: stages, sign-offs, mentors, rights.")(audit.audit)
    cli.command(short_help="Export what is stored about a person, or erase it.")(person.person)
    letters = _typer("Dead letters: what Slack refused for good.")
    letters.command("list", short_help="List them by cause.")(outbox.show)
    letters.command(short_help="Try them again, once the cause is fixed.")(outbox.retry)
    letters.command(short_help="Drop those that nobody needs any more.")(outbox.drop)
    cli.add_typer(letters, name="outbox")
    policies = _typer("The policy: severities, roles, cadences, rights.")
    policies.command()(policy.check)
    policies.command(short_help="Print the policy that is in force.")(policy.show)
    policies.command(short_help="Say who would hear of an incident.")(policy.explain)
    policies.command(short_help="Let the running Sitrep read it again.")(policy.reload)
    cli.add_typer(policies, name="policy")
    imports = _typer("A policy from what another product exported.")
    imports.command(short_help="From Opsgenie's schedules, escalations, services, people.")(
        importing.opsgenie
    )
    imports.command(short_help="From PagerDuty's schedules, policies, services, people.")(
        importing.pagerduty
    )
    cli.add_typer(imports, name="import")
    pagers = _typer("The pagers: does a page arrive?")
    pagers.command("test", short_help="Send a test page to a person's addresses.")(
        trying.try_person
    )
    cli.add_typer(pagers, name="pager")
    return cli


def _version(is_asked: bool) -> None:  # noqa: FBT001 - Typer calls it
    if is_asked:
        typer.echo(f"sitrep {metadata.version('sitrep')}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Run incidents in Slack. Configured by the environment or .env; see README."""


def _typer(summary: str) -> typer.Typer:
    return typer.Typer(
        help=summary,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        # Typer's tracebacks print local variables, which include secrets.
        pretty_exceptions_enable=False,
    )


def main() -> None:
    """Run the command named in the arguments."""
    # All files that Sitrep writes may hold private incidents: the database, its logs, exports.
    os.umask(0o077)
    make_cli()(prog_name="sitrep")


if __name__ == "__main__":
    main()
