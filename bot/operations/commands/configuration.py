"""Loads settings and policy for a command, and reports all errors together."""

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from config.policy_loader import LoadedPolicy
    from config.settings import Settings

WRONG_CONFIGURATION = 2
WHERE_IT_IS_SET = (
    "Settings come from the environment, or from a file .env in this folder; see README.md."
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The validated settings and policy."""

    settings: "Settings"
    loaded: "LoadedPolicy"


def load_configuration(*, serving: bool = False) -> Configuration:
    """Return settings and policy; `serving` also requires the tokens.

    Raises:
        typer.Exit: the configuration has errors; all of them have been printed.
    """
    from config.policy_loader import PolicyErrors, load_policy  # noqa: PLC0415
    from config.scenario_loader import load_scenarios  # noqa: PLC0415
    from config.settings import ConfigurationErrors, load_settings  # noqa: PLC0415

    if not serving:
        quiet_logs()
    # A broken line of .env is among our own errors, with its number.
    logging.getLogger("dotenv").setLevel(logging.ERROR)
    settings, loaded, problems = None, None, list[object]()
    try:
        settings = load_settings(serving=serving)
    except ConfigurationErrors as errors:
        problems.extend(errors.problems)
    try:
        loaded = load_policy(settings.sitrep_policy if settings else _path_in("SITREP_POLICY"))
    except PolicyErrors as errors:
        problems.extend(errors.problems)
    try:
        load_scenarios(settings.sitrep_scenarios if settings else _path_in("SITREP_SCENARIOS"))
    except PolicyErrors as errors:
        problems.extend(errors.problems)
    if settings is None or loaded is None or problems:
        complain(problems)
        if settings is None:
            typer.echo(WHERE_IT_IS_SET, err=True)
        raise typer.Exit(WRONG_CONFIGURATION)
    return Configuration(settings, loaded)


def quiet_logs() -> None:
    """Keep log lines, such as one for each call to Slack, out of what a command prints."""
    import structlog  # noqa: PLC0415

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def complain(problems: list[object]) -> None:
    """Print all configuration errors to standard error."""
    count = len(problems)
    head = (
        "The configuration has an error" if count == 1 else f"The configuration has {count} errors"
    )
    typer.echo(f"{head}:\n", err=True)
    for problem in problems:
        typer.echo(f"{problem}\n", err=True)


def _path_in(key: str) -> Path | None:
    """Return the path in one setting, for when the full settings don't load."""
    from dotenv import dotenv_values  # noqa: PLC0415

    try:
        from_file = dotenv_values(".env")
    except (OSError, UnicodeDecodeError):
        from_file = {}  # reported with the other settings
    given = os.environ.get(key) or from_file.get(key) or ""
    return Path(given.strip()).expanduser() if given.strip() else None
