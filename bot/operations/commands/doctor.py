"""`sitrep doctor`: prints what is right, what is wrong, and how to fix it."""

import asyncio

import typer

from bot.operations.commands.configuration import Configuration, load_configuration


def doctor() -> None:
    """Check tokens, scopes, channels, people, database, policy and clocks."""
    raise typer.Exit(asyncio.run(_examine(load_configuration())))


async def _examine(configuration: Configuration) -> int:
    from bot.inbound.bolt import make_client  # noqa: PLC0415
    from bot.operations.doctor import Doctor  # noqa: PLC0415
    from bot.slack.gateway import SlackGateway  # noqa: PLC0415
    from bot.slack.rate_limits import RateLimits  # noqa: PLC0415
    from incidents.core.clock import SystemClock  # noqa: PLC0415
    from incidents.storage.database import open_database  # noqa: PLC0415

    settings, clock = configuration.settings, SystemClock()
    token = settings.slack_bot_token
    secret = token.get_secret_value() if token else None
    client = make_client(secret, base_url=settings.slack_api_url)
    database = open_database(settings.database_url)
    examination = Doctor(
        settings,
        configuration.loaded,
        gateway=SlackGateway(client, limits=RateLimits.disabled(clock), clock=clock),
        database=database,
        clock=clock,
    ).examine()
    wrong = 0
    try:
        async for finding in examination:
            typer.echo(str(finding))
            wrong += finding.todo is not None
    finally:
        await database.close()
    things = "thing" if wrong == 1 else "things"
    typer.echo(f"\n{wrong} {things} to do." if wrong else "\nEverything is in order.")
    return 1 if wrong else 0
